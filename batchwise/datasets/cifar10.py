"""CIFAR-10: 60,000 photographs of 32×32 pixels in colour, 10 classes; the binary archive."""

from pydantic import NonNegativeInt

from batchwise.common.option_types import Seed
from batchwise.data.archive_formats import cifar_records, class_names, read_tar
from batchwise.data.dataset import DataSet, Description
from batchwise.data.downloads import Archive, fetch
from batchwise.data.splitting import images

DESCRIPTION = Description(
    title="CIFAR-10",
    task="multiclass_classification",
    source="https://www.cs.toronto.edu/~kriz/cifar.html; Krizhevsky 2009, Learning Multiple Layers of Features from "
    "Tiny Images",
    licence="none stated; free for research, with citation",
)
ARCHIVE = Archive(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
FOLDER = "cifar-10-batches-bin"
META = f"{FOLDER}/batches.meta.txt"
TRAINING = [f"{FOLDER}/data_batch_{number}.bin" for number in range(1, 6)]
TEST = [f"{FOLDER}/test_batch.bin"]


def prepare(*, validation_rows: NonNegativeInt, seed: Seed) -> DataSet:
    """Return the publisher's split, validation rows taken from the training part; inputs are uint8 [N, 32, 32, 3]."""
    path, sha256 = fetch(ARCHIVE)
    contents = read_tar(path, [META, *TRAINING, *TEST])
    names = class_names(path, contents[META], 10)
    training, test = (cifar_records(path, contents, part, label_bytes=1, classes=10) for part in (TRAINING, TEST))
    files = {ARCHIVE.name: sha256}
    return images(DESCRIPTION, names, training, test, files, validation_rows=validation_rows, seed=seed)
