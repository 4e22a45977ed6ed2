"""A vocabulary as a table that people, spreadsheets and prepared.load read; texts in folds."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import folds, prepared, texts
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.texts import Texts

SHARES = {
    part: {"padding": 0.25, "cut": 0.0, "empty": 0.0, "unknown": 0.125} for part in ("train", "validation", "test")
}
TOKENS = ("the", "=", "'", "\n", " ", "\\x20", "ａ", "\U0001f44d\U0001f3fd", '"', "-1", "\r", "\u2028", "a,b")


def known(*tokens: str) -> Texts:
    return Texts("words", "last", tokens, tuple(range(len(tokens), 0, -1)), SHARES)


@given(st.lists(st.text(min_size=1), unique=True))
def test_any_tokens_come_back(tokens) -> None:
    tokens = [token for token in tokens if token.encode("utf-8", "replace").decode() == token]
    written = texts.as_csv(known(*tokens))
    assert texts.from_csv(written, known(*tokens).facts) == known(*tokens)


def test_a_vocabulary_can_be_read() -> None:
    rows = [*csv.reader(texts.as_csv(known(*TOKENS)).decode().splitlines())]
    assert rows[0] == ["id", "token", "count"] and rows[1] == ["2", "the", str(len(TOKENS))]
    assert [row[1] for row in rows[2:6]] == ["'=", "''", "\\x0a", "\\x20"]
    assert all(row[1].isprintable() and not row[1].startswith(tuple("=+-@")) for row in rows[1:])
    with pytest.raises(ValueError, match="its checksum is not that of its manifest"):
        texts.from_csv(texts.as_csv(known("a")), known("a", "b").facts)


def data(rows: int = 12) -> DataSet:
    """Row i has the tokens 2 and i + 3."""
    inputs = np.stack([np.full(rows, 2), np.arange(rows) + 3, np.zeros(rows)], axis=1).astype("int32")
    whole = Split(inputs, np.arange(rows) % 2)
    about = Description("Reviews", "binary_classification", "written here", "none")
    vocabulary = known(*(f"t{number}" for number in range(rows + 1)))
    parts = (whole.take(np.arange(start, end)) for start, end in ((0, 8), (8, 10), (10, 12)))
    return DataSet(about, ("bad", "good"), *parts, texts=vocabulary)


def test_texts_are_saved_with_their_vocabulary(tmp_path) -> None:
    prepared.save(data(), tmp_path, "reviews", {})
    loaded = prepared.load(tmp_path, "reviews")
    assert (loaded.sha256, loaded.texts) == (data().sha256, data().texts)
    about = prepared.read(tmp_path, "reviews")
    assert about["texts"] == data().texts.facts
    assert {"tokens": "words", "keep": "last", "ids": 15, "shares": SHARES}.items() <= about["texts"].items()
    table = tmp_path / "reviews.vocabulary.csv"
    table.write_bytes(table.read_bytes().replace(b"t3", b"t2"))
    with pytest.raises(
        UserError, match=r"vocabulary\.csv is damaged \(its checksum is not that of its manifest\); run"
    ):
        prepared.load(tmp_path, "reviews")
    table.unlink()
    with pytest.raises(UserError, match=r"reviews\.vocabulary\.csv cannot be read"):
        prepared.load(tmp_path, "reviews")
    prepared.save(data(), tmp_path, "reviews", {})
    prepared.remove_others(tmp_path, [], [])
    assert not [*tmp_path.glob("reviews*")]


def test_a_seed_of_folds_does_not_know_what_it_does_not_train_on() -> None:
    dealt = folds.deal(data(), 3, whole=data())
    for seed in range(3):
        part = folds.of_seed(dealt, seed)
        assert (part.test.inputs == [2, 1, 0]).all() and (part.train.inputs[:, 1] > 2).all()


@pytest.mark.parametrize("inputs", [np.full((2, 3), 15, "int32"), np.full((2, 3), -1, "int32"), np.ones((2, 3))])
def test_ids_are_of_the_vocabulary(inputs) -> None:
    with pytest.raises(UserError, match=r"test inputs are no ids of tokens: int32 \[rows, T\], 0 to 14"):
        replace(data(), test=Split(inputs, np.arange(2)))
