"""One process of the comparison of convolutional networks: trains on demand, and says when it is done.

`python -m benchmarks.network_loops <loop> <normalization>` reads batch sizes from its standard input, a line each, and
answers each with a line, after `EXAMPLES[m]` training examples. benchmarks/network.py holds the clock.
"""

import sys
from collections.abc import Callable

import numpy as np

# Examples of a turn, by m: some tenths of a second.
EXAMPLES = {4: 512, 32: 1024, 256: 2048}
LEARNING_RATE = 0.001
DEPTH = 8


def images() -> tuple[np.ndarray, np.ndarray]:
    """Return as many random images as the longest turn takes, of CIFAR's shape and type, [N, 32, 32, 3], and labels."""
    random = np.random.default_rng(0)
    rows = max(EXAMPLES.values())
    return random.integers(256, size=(rows, 32, 32, 3), dtype="uint8"), random.integers(10, size=rows).astype("int32")


def this_engine(normalization: str, augmentation: dict | None = None) -> Callable[[int], None]:
    """Return what trains with this engine, on one core."""
    from batchwise.data import DataSet, Description, Part
    from batchwise.engine import Trainer
    from batchwise.recipe import Recipe

    inputs, labels = images()
    mean = deviation = np.full(3, 128, "float32")
    few = Part(inputs[:10], labels[:10])
    description = Description("random images", "multiclass_classification", "none", "none")
    trainers = {}
    for m, rows in EXAMPLES.items():
        part = Part(inputs[:rows], labels[:rows])
        data = DataSet(description, tuple("0123456789"), part, few, few, mean=mean, deviation=deviation)
        recipe = Recipe.model_validate(
            {
                "model": {"name": "resnet", "depth": DEPTH, "normalization": normalization},
                "optimizer": {"name": "sgd"},
                "budget": {"epochs": 1},
                "augmentation": augmentation,
            }
        )
        trainers[m] = Trainer(data, recipe)

    def train(m: int) -> None:
        trainers[m].begin(seed=0)
        for _, program, call, epochs in trainers[m].calls(m, LEARNING_RATE, seed=0):
            program(*call, np.int32(epochs))[0].numpy()

    return train


def this_engine_augmented(normalization: str) -> Callable[[int], None]:
    """Return what trains with this engine, on one core, with crops and flips."""
    return this_engine(normalization, {"pad": 4, "flip": True})


def keras_fit(normalization: str) -> Callable[[int], None]:
    """Return what trains with `model.fit`, on all cores."""
    import keras

    from benchmarks.keras_resnet import resnet

    inputs, labels = images()
    inputs = (inputs - np.float32(128)) / np.float32(128)
    model = resnet(DEPTH, normalization == "batch")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss, metrics=["accuracy"])
    return lambda m: model.fit(inputs[: EXAMPLES[m]], labels[: EXAMPLES[m]], batch_size=m, verbose=0)


def pytorch_loop(normalization: str) -> Callable[[int], None]:
    """Return what trains with PyTorch, eager, on all cores."""
    import torch

    from benchmarks.pytorch_resnet import resnet

    pixels, classes = images()
    pixels = torch.from_numpy((pixels - np.float32(128)) / np.float32(128)).permute(0, 3, 1, 2)  # channels last
    classes = torch.from_numpy(classes).long()
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
    train = LOOPS[loop](normalization)
    for line in sys.stdin:
        train(int(line))
        print("done", flush=True)


if __name__ == "__main__":
    main()
