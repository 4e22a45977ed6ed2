"""Peak memory of a process that trains ResNet-8 on as many images as CIFAR-10 has.

`python -m benchmarks.network_memory <m>` prints MiB: with TensorFlow alone, and after some updates and an evaluation of
all rows.
"""

import resource
import sys

from benchmarks.random_images import data_set, recipe

ROWS = {"train": 45_000, "validation": 5_000, "test": 10_000}
UPDATES = 20


def peak() -> float:
    """Return the largest resident set of this process so far, MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Train, and print what was used before and after."""
    from batchwise.training.trainer import Trainer

    before = peak()
    how = recipe("batch", {"updates": UPDATES}, {"pad": 4, "flip": True})
    Trainer(data_set(**ROWS), how).run(int(sys.argv[1]), 0.001, seed=0)
    print(round(before), round(peak()))


if __name__ == "__main__":
    main()
