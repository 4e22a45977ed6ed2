"""One process of the comparison of networks for texts: trains on demand on one core, and says how long it took.

`python -m benchmarks.text_loops <loop> <model> <kind>` reads batch sizes from its standard input, a line each, and
answers each, after `UPDATES[m]` updates, with the milliseconds of an update: by the clock, and of the processor.
Texts are as long as T, or `padded`, which is with dropout, too. benchmarks/text.py has the table.
"""

import os
import sys
from collections.abc import Callable
from time import perf_counter, process_time

from benchmarks.random_texts import DROPOUT, UNITS, VOCABULARY, data_set, recipe, texts

UPDATES = {2: 240, 32: 40, 256: 10}  # of a turn, by m: some tenths of a second
LEARNING_RATE = 0.001

Train = Callable[[int], object]


def this_engine(model: str, padded: bool) -> Train:
    """Return what trains with this engine."""
    from batchwise.training.trainer import Trainer

    how = recipe(model, DROPOUT * padded)
    trainers = {m: Trainer(data_set(m * updates, padded=padded), how) for m, updates in UPDATES.items()}
    for trainer in trainers.values():
        trainer.reset(seed=0)

    def train(m: int) -> None:
        for _, program, call, epochs in trainers[m].epoch_calls(m, LEARNING_RATE, seed=0):
            program(*call, epochs)[-1].numpy()

    return train


def keras_fit(model: str, padded: bool) -> Train:
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
    parts = {m: texts(m * updates, padded=padded) for m, updates in UPDATES.items()}
    return lambda m: network.fit(parts[m].inputs, parts[m].labels, batch_size=m, verbose=0)


def pytorch(model: str, padded: bool, *, fused: bool | None = None) -> Train:
    """Return what trains with PyTorch, eager, with its fused kernel for LSTM."""
    import torch

    from benchmarks.pytorch_text import Network

    torch.set_num_threads(1)
    network = Network(model, DROPOUT * padded, padded=padded)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=fused)
    parts = {m: texts(m * updates, padded=padded) for m, updates in UPDATES.items()}
    tensors = {
        m: (torch.from_numpy(part.inputs).long(), torch.from_numpy(part.labels).float()) for m, part in parts.items()
    }

    def train(m: int) -> None:
        tokens, labels = tensors[m]
        for rows in torch.randperm(len(labels)).split(m):
            optimizer.zero_grad()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(network(tokens[rows]), labels[rows])
            loss.backward()
            optimizer.step()

    return train


def pytorch_fused_adam(model: str, padded: bool) -> Train:
    """Return the same with the optimiser's steps fused, which is not the default."""
    return pytorch(model, padded, fused=True)


LOOPS = {loop.__name__: loop for loop in (this_engine, keras_fit, pytorch, pytorch_fused_adam)}


def main() -> None:
    """Answer each batch size with a line when its turn is over."""
    loop, model, kind = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    train = LOOPS[loop](model, kind == "padded")
    for line in sys.stdin:
        m = int(line)
        start, worked = perf_counter(), process_time()
        train(m)
        seconds, of_processor = perf_counter() - start, process_time() - worked
        print(1000 * seconds / UPDATES[m], 1000 * of_processor / UPDATES[m], flush=True)


if __name__ == "__main__":
    main()
