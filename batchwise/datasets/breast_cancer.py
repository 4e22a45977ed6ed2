"""Breast Cancer Wisconsin (Diagnostic): 569 tumours, 30 measurements of cell nuclei, malignant or benign.

The copy that comes with scikit-learn. Class 1 is benign, as there.
"""

from pydantic import NonNegativeInt, PositiveInt
from sklearn.datasets import load_breast_cancer

from batchwise.common.option_types import Seed
from batchwise.data.dataset import DataSet, Description
from batchwise.data.splitting import split, standardise

DESCRIPTION = Description(
    title="Breast Cancer Wisconsin (Diagnostic)",
    task="binary_classification",
    source="UCI Machine Learning Repository, doi:10.24432/C5DW2B, as in sklearn.datasets.load_breast_cancer",
    licence="CC BY 4.0",
)


def prepare(*, test_rows: PositiveInt, validation_rows: NonNegativeInt, seed: Seed) -> DataSet:
    """Return the stratified split with columns standardised by the training rows; inputs are [N, 30]."""
    table = load_breast_cancer()
    parts = split(table.data, table.target, validation_rows=validation_rows, test_rows=test_rows, seed=seed)
    return DataSet(DESCRIPTION, tuple(map(str, table.target_names)), *standardise(parts))
