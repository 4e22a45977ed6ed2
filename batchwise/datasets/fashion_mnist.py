"""Fashion-MNIST: 70,000 pictures of clothes, 28×28 pixels in grey, 10 classes."""

from pydantic import NonNegativeInt

from batchwise.common.option_types import Seed
from batchwise.data.archive_formats import idx_images
from batchwise.data.dataset import DataSet, Description
from batchwise.data.downloads import Archive, fetch
from batchwise.data.splitting import images

DESCRIPTION = Description(
    title="Fashion-MNIST",
    task="multiclass_classification",
    source="https://github.com/zalandoresearch/fashion-mnist; Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747",
    licence="MIT",
)
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
ARCHIVES = [
    Archive(f"{ADDRESS}/{name}.gz", sha256)
    for name, sha256 in (
        ("train-images-idx3-ubyte", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1-ubyte", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3-ubyte", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1-ubyte", "67da17c76eaffca5446c3361aab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    )
]


def prepare(*, validation_rows: NonNegativeInt, seed: Seed) -> DataSet:
    """Return the publisher's split, validation rows taken from the training part; inputs are uint8 [N, 28, 28, 1]."""
    fetched = [fetch(archive) for archive in ARCHIVES]
    paths = [path for path, _ in fetched]
    training, test = (idx_images(*pair, shape=(28, 28), classes=10) for pair in (paths[:2], paths[2:]))
    files = {archive.name: sha256 for archive, (_, sha256) in zip(ARCHIVES, fetched, strict=True)}
    return images(DESCRIPTION, CLASSES, training, test, files, validation_rows=validation_rows, seed=seed)
