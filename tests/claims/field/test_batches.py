"""Questions B on made-up tables in which the answer is yes, no, and open."""

from tests.claims.judged import says
from tests.fabricated_studies import profile, study

COUNTED = {"input_shape": ["16 30", "256 30"], "updates_per_epoch": [63, 4]}


def test_b1_rows() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study("two", profile=profile({16: 1, 256: 1}, **COUNTED | {"input_shape": ["16 30", "30 256"]}))
    assert says("B1", right) == ["yes"]
    assert says("B1", right, wrong) == ["yes", "no"]
    assert says("B1", study()) == []


def test_b2_updates() -> None:
    right = study(profile=profile({16: 1, 256: 1}, **COUNTED))
    wrong = study(profile=profile({16: 1, 256: 1}, **COUNTED | {"updates_per_epoch": [62, 4]}))
    assert says("B2", right) == ["yes"]
    assert says("B2", wrong) == ["no"]
    assert says("B2", study()) == []


def test_b3_more_than_all_rows() -> None:
    same = study(sizes=(16, 1000, 10**9))
    other = study("two", sizes=(16, 1000, 10**9))
    other.tables.runs.loc[other.tables.runs["batch_size"].eq(10**9), "train_loss"] += 1e-7
    assert says("B3", same) == ["yes"]
    assert says("B3", same, other) == ["yes", "no"]
    assert says("B3", study(sizes=(16, 1000))) == []
