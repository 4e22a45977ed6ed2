"""CIFAR-100: 60,000 photographs of 32×32 pixels in colour, 100 classes (the fine labels); the binary archive."""

from pydantic import NonNegativeInt

from batchwise.common.option_types import Seed
from batchwise.data.archive_formats import cifar_records, class_names, read_tar
from batchwise.data.dataset import DataSet, Description
from batchwise.data.downloads import Archive, fetch
from batchwise.data.splitting import images

DESCRIPTION = Description(
    title="CIFAR-100",
    task="multiclass_classification",
    source="https://www.cs.toronto.edu/~kriz/cifar.html; Krizhevsky 2009, Learning Multiple Layers of Features from "
    "Tiny Images",
    licence="none stated; free for research, with citation",
)
ARCHIVE = Archive(
    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
)
META, TRAINING, TEST = (f"cifar-100-binary/{name}" for name in ("fine_label_names.txt", "train.bin", "test.bin"))


def prepare(*, validation_rows: NonNegativeInt, seed: Seed) -> DataSet:
    """Return the publisher's split, validation rows taken from the training part; inputs are uint8 [N, 32, 32, 3]."""
    path, sha256 = fetch(ARCHIVE)
    contents = read_tar(path, [META, TRAINING, TEST])
    names = class_names(path, contents[META], 100)
    # The first label is one of 20 groups of classes, the second the class.
    training, test = (cifar_records(path, contents, [name], label_bytes=2, classes=100) for name in (TRAINING, TEST))
    files = {ARCHIVE.name: sha256}
    return images(DESCRIPTION, names, training, test, files, validation_rows=validation_rows, seed=seed)
