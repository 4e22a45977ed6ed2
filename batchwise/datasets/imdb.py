"""IMDB, the Large Movie Review Dataset: 50,000 reviews of films, half of them positive."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.option_types import Seed
from batchwise.data.dataset import DataSet, Description
from batchwise.data.splitting import hold_out
from batchwise.data.tokens import encoded, rows_of
from batchwise.datasets import _imdb_reviews as reviews

DESCRIPTION = Description(
    title="IMDB film reviews", task="binary_classification", source=reviews.SOURCE, licence=reviews.LICENCE
)


def prepare(
    *,
    max_tokens: PositiveInt,
    vocabulary: PositiveInt,
    validation_rows: NonNegativeInt,
    seed: Seed,
    tokens: Literal["words", "characters", "bytes"] = "words",
    keep: Literal["first", "last"] = "last",
) -> DataSet:
    """Return the publisher's split, validation rows taken from the training part; inputs are ids [N, max_tokens]."""
    (training, of_training), (test, of_test), files = reviews.read()
    train, validation = hold_out(rows_of(of_training), validation_rows=validation_rows, seed=seed)
    parts = train, validation, rows_of(of_test, start=len(training))
    splits, texts = encoded([*training, *test], parts, kind=tokens, max_tokens=max_tokens, most=vocabulary, keep=keep)
    return DataSet(DESCRIPTION, reviews.CLASSES, *splits, files=files, texts=texts)
