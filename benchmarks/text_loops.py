"""One process of the comparison of networks for texts: trains on demand on one core, and says how long it took.

`python -m benchmarks.text_loops <loop> <model> <kind> <m>` answers each line of its standard input, after `UPDATES[m]`
updates, with the milliseconds of an update: by the clock, and of the processor. Texts are as long as T, or `padded`,
which is with dropout, too. benchmarks/text.py has the table.

A process trains at one batch size, as that of a user does. Where one has trained at m = 256 before, PyTorch's update at
m = 2 takes 4 ms in place of 10: the C library keeps memory of the size of the table then, which it otherwise gives back
to the system and asks for again in each update.
"""

import os
import sys
from collections.abc import Callable
from time import perf_counter, process_time

from benchmarks.random_texts import DROPOUT, UNITS, VOCABULARY, data_set, recipe, texts

UPDATES = {2: 240, 32: 40, 256: 10}  # of a turn, by m: some tenths of a second
LEARNING_RATE = 0.001

Train = Callable[[], object]


def this_engine(model: str, padded: bool, m: int) -> Train:
    """Return what trains with this engine."""
    from batchwise.training.trainer import Trainer

    trainer = Trainer(data_set(m * UPDATES[m], padded=padded), recipe(model, DROPOUT * padded))
    trainer.reset(seed=0)

    def train() -> None:
        for _, program, call, epochs in trainer.epoch_calls(m, LEARNING_RATE, seed=0):
            program(*call, epochs)[-1].numpy()

    return train


def keras_fit(model: str, padded: bool, m: int) -> Train:
    """Return what trains with `model.fit`, as a user of Keras writes it."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers, rate = keras.layers, DROPOUT * padded
    dropped = [layers.Dropout(rate)] if rate else []
    inside = [*dropped, layers.LSTM(UNITS)] if model == "lstm" else [layers.GlobalAveragePooling1D()]
    embedding = layers.Embedding(VOCABULARY, UNITS, mask_zero=padded)
    last = [layers.Dropout(rate)] if rate else []
    network = keras.Sequential([embedding, *inside, *last, layers.Dense(1)])
    network.compile(keras.optimizers.Adam(LEARNING_RATE), keras.losses.BinaryCrossentropy(from_logits=True))
    part = texts(m * UPDATES[m], padded=padded)
    return lambda: network.fit(part.inputs, part.labels, batch_size=m, verbose=0)


def pytorch(model: str, padded: bool, m: int, *, fused: bool | None = None) -> Train:
    """Return what trains with PyTorch, eager, with its fused kernel for LSTM."""
    import torch

    from benchmarks.pytorch_text import Network

    torch.set_num_threads(1)
    network = Network(model, DROPOUT * padded, padded=padded)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=fused)
    part = texts(m * UPDATES[m], padded=padded)
    tokens, labels = torch.from_numpy(part.inputs).long(), torch.from_numpy(part.labels).float()

    def train() -> None:
        for rows in torch.randperm(len(labels)).split(m):
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(tokens[rows]), labels[rows])
            loss.backward()
            optimizer.step()

    return train


def pytorch_fused_adam(model: str, padded: bool, m: int) -> Train:
    """Return the same with the optimiser's steps fused, which is not the default."""
    return pytorch(model, padded, m, fused=True)


LOOPS = {loop.__name__: loop for loop in (this_engine, keras_fit, pytorch, pytorch_fused_adam)}


def main() -> None:
    """Answer each line with the times of a turn when it is over."""
    loop, model, kind, m = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    train = LOOPS[loop](model, kind == "padded", int(m))
    for _ in sys.stdin:
        start, worked = perf_counter(), process_time()
        train()
        seconds, of_processor = perf_counter() - start, process_time() - worked
        print(1000 * seconds / UPDATES[int(m)], 1000 * of_processor / UPDATES[int(m)], flush=True)


if __name__ == "__main__":
    main()
