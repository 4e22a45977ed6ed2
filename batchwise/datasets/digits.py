"""Optical recognition of handwritten digits: 1,797 images of 8×8 pixels in 17 levels of grey, 10 classes.

The copy that comes with scikit-learn.
"""

from pydantic import NonNegativeInt, PositiveInt
from sklearn.datasets import load_digits

from batchwise.common.option_types import Seed
from batchwise.data.dataset import DataSet, Description
from batchwise.data.splitting import split, standardise

DESCRIPTION = Description(
    title="Optical Recognition of Handwritten Digits",
    task="multiclass_classification",
    source="UCI Machine Learning Repository, doi:10.24432/C50P49 (its test part), as in sklearn.datasets.load_digits",
    licence="CC BY 4.0",
)


def prepare(*, test_rows: PositiveInt, validation_rows: NonNegativeInt, seed: Seed) -> DataSet:
    """Return the stratified split, pixels standardised by the training rows, all together; inputs are [N, 64]."""
    table = load_digits()
    parts = split(table.data, table.target, validation_rows=validation_rows, test_rows=test_rows, seed=seed)
    return DataSet(DESCRIPTION, tuple(map(str, table.target_names)), *standardise(parts, by_column=False))
