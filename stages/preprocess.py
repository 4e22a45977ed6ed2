"""Stage preprocess: a data set, split and scaled, with its manifest."""

import sys
from pathlib import Path

from batchwise.common import plugins
from batchwise.common.messages import exit_with
from batchwise.config import params
from batchwise.data import prepared


def main() -> None:
    """Write data/prepared/<data set>.npz and .json."""
    name = sys.argv[1]
    options = params.load().data_sets[name]
    data = plugins.load("datasets", name).prepare(**options)
    prepared.save(data, Path("data/prepared"), name, options)


if __name__ == "__main__":
    exit_with(main)
