"""Claims B on made-up tables in which they are right, wrong, and open."""

from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED
from tests.claims.judged import verdict
from tests.fabricated_studies import profile, study

COUNTED = {"input_shape": ["16 30", "256 30"], "updates_per_epoch": [63, 4]}


def test_b1_rows() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study(profile=profile({16: 1, 256: 1}, **COUNTED | {"input_shape": ["16 30", "30 256"]}))
    assert verdict("B1", right) == SUPPORTED
    assert verdict("B1", right, wrong) == CONTRADICTED
    assert verdict("B1", study()) == NOT_DECIDED


def test_b2_updates() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study(profile=profile({16: 1, 256: 1}, **COUNTED | {"updates_per_epoch": [62, 4]}))
    assert verdict("B2", right) == SUPPORTED
    assert verdict("B2", wrong) == CONTRADICTED
    assert verdict("B2", study()) == NOT_DECIDED


def test_b3_more_than_all_rows() -> None:
    same = study(sizes=(16, 1000, 10**9))
    other = study(sizes=(16, 1000, 10**9))
    other.tables.runs.loc[other.tables.runs["batch_size"].eq(10**9), "train_loss"] += 1e-7
    assert verdict("B3", same) == SUPPORTED
    assert verdict("B3", same, other) == CONTRADICTED
    assert verdict("B3", study(sizes=(16, 1000))) == NOT_DECIDED
