"""Labels that are tokens: what is refused, and how they are drawn by and described."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.data import large_arrays, preparation, prepared
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.subset import subset

NAMES = ("<padding>", "<unknown>", "a", "b", "<script>alert(1)</script>")


def tokens(rows: int = 6) -> Split:
    inputs, labels = (np.tile(row, (rows, 1)) for row in ([2, 3, 4, 0], [3, 4, 0, 0, 3]))
    return Split(inputs, labels)


def data_set(train: Split | None = None) -> DataSet:
    return DataSet(
        Description("made up", "language_modelling", "here", "CC0"), NAMES, train or tokens(), tokens(2), tokens(3)
    )


def changed(row: int, column: int, value: int) -> Split:
    part = tokens()
    part.labels[row, column] = value
    return part


def without_tokens() -> Split:
    part = tokens()
    part.labels[2, :-1] = 0
    return part


# {what is wrong: (the training rows, what is said)}
WRONG: dict[str, tuple[Callable[[], Split], str]] = {
    "numbers": (
        lambda: replace(tokens(), labels=tokens().labels.astype("float64")),
        "train labels are float64 of the shape [6, 5], such as 3.0; an array [rows, T + 1] of whole numbers",
    ),
    "one a row": (lambda: replace(tokens(), labels=np.arange(6)), "train labels are int64 of the shape [6]"),
    "too few rows": (lambda: replace(tokens(), labels=tokens(5).labels), "train labels are 5 for 6 rows of inputs"),
    "another token": (
        lambda: changed(1, 0, 5),
        "train labels go from 0 to 5 in row 1; with 5 class_names tokens are whole numbers from 0 to 4",
    ),
    "a negative token": (lambda: changed(1, 0, -1), "train labels go from -1 to 4 in row 1; with 5 class_names"),
    "no token": (without_tokens, "train labels have no token in row 2, only 0; leave such rows out of the data set"),
    "no bytes": (lambda: changed(3, -1, 0), "train labels have 0 in the last column of row 3, where the bytes"),
    "too many bytes": (lambda: changed(3, -1, 2**31), "train labels have 2147483648 in the last column of row 3"),
    "numbers for inputs": (
        lambda: replace(tokens(), inputs=tokens().inputs.astype("float32")),
        "train inputs are float32 of the shape [6, 4]",
    ),
    "fewer places": (
        lambda: replace(tokens(), inputs=tokens().inputs[:, :3]),
        "whole numbers [rows, T] are expected, the token at each of the 4 places of the labels",
    ),
    "one token": (
        lambda: replace(tokens(), labels=np.resize([2, 2, 2, 0, 4], (6, 5))),
        "train labels are all the token 2; there is nothing to learn from one token",
    ),
}


@pytest.mark.parametrize(("train", "said"), WRONG.values(), ids=WRONG)
def test_wrong_labels_are_refused_whatever_is_looked_at_at_a_time(train, said, monkeypatch) -> None:
    for size in (large_arrays.CHUNK_BYTES, 1):
        monkeypatch.setattr(large_arrays, "CHUNK_BYTES", size)
        with pytest.raises(UserError) as error:
            part = train()
            others = [
                replace(tokens(2), inputs=tokens(2).inputs.astype(part.inputs.dtype)[:, : part.inputs.shape[1]])
            ] * 2
            DataSet(data_set().description, NAMES, part, *others)
        assert said in str(error.value), error.value


def test_the_manifest_has_the_vocabulary_and_no_counts_of_classes() -> None:
    about = prepared.manifest(data_set(), {})
    assert about["labels"] == "tokens" and about["class_names"] == [*NAMES]
    assert about["class_counts"] == {"train": [], "validation": [], "test": []} and about["target_range"] == []


def test_rows_are_drawn_by_chance_though_there_are_more_tokens_than_rows() -> None:
    some = subset(data_set(), train_rows=2, validation_rows=0, test_rows=1, seed=0)
    assert some.rows == {"train": 2, "validation": 0, "test": 1}
    assert not [text for text in preparation.warnings(data_set()) if "class" in text]
