"""Nanoseconds of one core for a number that dropout passes, of a batch of texts: by rows, and Keras's.

`python -m benchmarks.dropout` trains nothing: it drops units of 256 rows of 50 tokens with 64 numbers each and computes
the gradient, in programs as training has them, turn by turn. Without dropout there is a product by a number instead.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from batchwise.common import plugins
from batchwise.runtime.device import configure
from batchwise.runtime.tensorflow import keras, tf
from batchwise.training import row_keys

SHAPE, RATE, TURNS = (256, 50, 64), 0.5, 15


def program(drop: Callable[[tf.Tensor], tf.Tensor], xla: bool) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what computes the sum of what is left, and of the squares of its gradient."""

    def compute(inputs: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            left = tf.reduce_sum(drop(inputs))
        return left + tf.reduce_sum(tape.gradient(left, inputs) ** 2)

    return tf.function(compute, jit_compile=xla, autograph=False)


def nanoseconds(compute: Callable[[tf.Tensor], tf.Tensor], inputs: tf.Tensor) -> float:
    """Return those of the processor for a number, in one turn."""
    start = time.process_time()
    compute(inputs).numpy()
    return (time.process_time() - start) / np.prod(SHAPE) * 1e9


def main() -> None:
    """Print the median of all turns of each."""
    configure()
    random = np.random.default_rng(0)
    inputs = tf.constant(random.normal(size=SHAPE).astype("float32"))
    bag = plugins.load("models", "bag_of_embeddings")
    [by_rows] = row_keys.layers(bag.build((1,), 1, vocabulary=1, embedding_units=1, dropout=RATE))
    by_rows.row_keys = tf.constant(random.integers(2**32, size=len(inputs), dtype="uint32"))
    drops = {
        "none": lambda values: values * 2.0,
        "by rows": partial(by_rows, training=True),
        "Keras's": partial(keras.layers.Dropout(RATE), training=True),
    }
    programs = {(name, xla): program(drop, xla) for name, drop in drops.items() for xla in (True, False)}
    turns: dict[tuple[str, bool], list[float]] = {key: [] for key in programs}
    for turn in range(1 + TURNS):
        for key, compute in programs.items():
            taken = nanoseconds(compute, inputs)
            turns[key] += [taken] if turn else []  # the first compiles
    for (name, xla), found in turns.items():
        print(f"{name:8} {'with XLA' if xla else 'without ':8} {np.median(found):7.2f} ns, forward and back")


if __name__ == "__main__":
    main()
