"""What the benchmarks of texts train: random tokens, which take as long as others."""

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet, Description, Split

TOKENS, VOCABULARY, UNITS = 50, 20_000, 64
DROPOUT = 0.5


def texts(rows: int, *, padded: bool) -> Split:
    """Return ids of tokens, int32 [N, T], and labels [N]; padded ones have from a fifth of T tokens up to T."""
    random = np.random.default_rng(0)
    ids = random.integers(2, VOCABULARY, size=(rows, TOKENS)).astype("int32")
    if padded:
        ids[np.arange(TOKENS) >= random.integers(TOKENS // 5, TOKENS + 1, size=(rows, 1))] = 0
    return Split(ids, (np.arange(rows) % 2).astype("int32"))


def data_set(rows: int, *, padded: bool) -> DataSet:
    """Return a data set with so many training rows, and few others."""
    description = Description("random texts", "binary_classification", "none", "none")
    return DataSet(description, ("bad", "good"), *(texts(n, padded=padded) for n in (rows, 10, 10)))


def recipe(model: str, dropout: float) -> Recipe:
    """Return how a network is trained for an epoch."""
    options = {"units": UNITS} if model == "lstm" else {}
    chosen = {"name": model, "vocabulary": VOCABULARY, "embedding_units": UNITS, "dropout": dropout, **options}
    return Recipe.model_validate({"model": chosen, "optimizer": {"name": "adam"}, "budget": {"epochs": 1}})
