"""One process of the comparison of convolutional networks: trains on demand, and says when it is done.

`python -m benchmarks.network_loops <loop> <normalization>` reads batch sizes from its standard input, a line each, and
answers each with a line, after `EXAMPLES[m]` training examples. benchmarks/network.py holds the clock.
"""

import sys
from collections.abc import Callable

import numpy as np

from benchmarks.random_images import DEPTH, data_set, images, recipe

# Examples of a turn, by m: some tenths of a second.
EXAMPLES = {4: 512, 32: 1024, 256: 2048}
LEARNING_RATE = 0.001


def this_engine(normalization: str, augmentation: dict | None = None) -> Callable[[int], None]:
    """Return what trains with this engine, on one core."""
    from batchwise.training.trainer import Trainer

    how = recipe(normalization, {"epochs": 1}, augmentation)
    trainers = {m: Trainer(data_set(rows, 10, 10), how) for m, rows in EXAMPLES.items()}

    def train(m: int) -> None:
        trainers[m].reset(seed=0)
        for _, program, call, epochs in trainers[m].epoch_calls(m, LEARNING_RATE, seed=0):
            program(*call, np.int32(epochs))[0].numpy()

    return train


def this_engine_augmented(normalization: str) -> Callable[[int], None]:
    """Return what trains with this engine, on one core, with crops and flips."""
    return this_engine(normalization, {"pad": 4, "flip": True})


def keras_fit(normalization: str) -> Callable[[int], None]:
    """Return what trains with `model.fit`, on all cores."""
    import keras

    from benchmarks.keras_resnet import resnet

    part = images(max(EXAMPLES.values()))
    inputs, labels = (part.inputs - np.float32(128)) / np.float32(128), part.labels
    model = resnet(DEPTH, normalization == "batch")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss, metrics=["accuracy"])
    return lambda m: model.fit(inputs[: EXAMPLES[m]], labels[: EXAMPLES[m]], batch_size=m, verbose=0)


def pytorch_loop(normalization: str) -> Callable[[int], None]:
    """Return what trains with PyTorch, eager, on all cores."""
    import torch

    from benchmarks.pytorch_resnet import resnet

    part = images(max(EXAMPLES.values()))
    pixels = torch.from_numpy((part.inputs - np.float32(128)) / np.float32(128)).permute(0, 3, 1, 2)  # channels last
    classes = torch.from_numpy(part.labels).long()
    model = resnet(DEPTH, normalization == "batch")
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def train(m: int) -> None:
        for rows in torch.randperm(EXAMPLES[m]).split(m):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(pixels[rows]), classes[rows]).backward()
            optimizer.step()

    return train


LOOPS = {loop.__name__: loop for loop in (this_engine, this_engine_augmented, keras_fit, pytorch_loop)}


def main() -> None:
    """Answer each batch size with a line when its turn is over."""
    loop, normalization = sys.argv[1:]
    answer(LOOPS[loop](normalization))


def answer(train: Callable[[int], None]) -> None:
    """Train at each batch size that is asked for, and say when it is done."""
    for line in sys.stdin:
        train(int(line))
        print("done", flush=True)


if __name__ == "__main__":
    main()
