"""Stage preprocess: a data set, split and scaled, with its manifest."""

from pathlib import Path

import stages
from batchwise.common import plugins
from batchwise.config import params
from batchwise.data import prepared


def main(name: str) -> None:
    """Write data/prepared/<data set>.npz and .json."""
    options = params.load().data_sets[name]
    data = plugins.load("datasets", name).prepare(**options)
    prepared.save(data, Path("data/prepared"), name, options)


if __name__ == "__main__":
    stages.run(main, "data set")
