"""Peak memory of a process that trains ResNet-8 on as many images as CIFAR-10 has.

`python -m benchmarks.network_memory <m>` prints MiB: with TensorFlow alone, and after some updates and an evaluation of
all rows.
"""

import resource
import sys

import numpy as np

ROWS = {"train": 45_000, "validation": 5_000, "test": 10_000}
UPDATES = 20


def peak() -> float:
    """Return the largest resident set of this process so far, MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Train, and print what was used before and after."""
    from batchwise.engine import Trainer

    before = peak()
    from batchwise.data import DataSet, Description, Part
    from batchwise.recipe import Recipe

    random = np.random.default_rng(0)
    parts = [
        Part(
            random.integers(256, size=(rows, 32, 32, 3), dtype="uint8"), random.integers(10, size=rows).astype("int32")
        )
        for rows in ROWS.values()
    ]
    description = Description("random images", "multiclass_classification", "none", "none")
    statistics = np.full(3, 128, "float32")
    data = DataSet(description, tuple("0123456789"), *parts, mean=statistics, deviation=statistics)
    recipe = Recipe.model_validate(
        {
            "model": {"name": "resnet", "depth": 8, "normalization": "batch"},
            "optimizer": {"name": "sgd"},
            "budget": {"updates": UPDATES},
            "augmentation": {"pad": 4, "flip": True},
        }
    )
    Trainer(data, recipe).run(int(sys.argv[1]), 0.001, seed=0)
    print(round(before), round(peak()))


if __name__ == "__main__":
    main()
