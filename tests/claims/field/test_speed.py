"""Questions S and P on made-up times in which the answer is yes, no, that nothing matters, and open."""

import numpy as np
import pandas as pd
import pytest

from batchwise.claims.answers import Agreement
from tests.claims.judged import answered, says
from tests.fabricated_studies import costs, profile, study

SIZES = (2, 8, 32, 128, 512)
SAME, OPEN = "no difference that matters", "cannot be told"


@pytest.mark.parametrize(
    ("power", "spread", "expected"), [(-0.5, 0.02, ["yes"]), (0.5, 0.02, ["no"]), (0, 0.02, [SAME]), (0, 0.1, [OPEN])]
)
def test_s1_epochs(power, spread, expected) -> None:
    """An epoch takes m^power seconds, an update m times as much by the rows of an epoch."""
    updates = {m: m ** (1 + power) for m in SIZES}
    assert says("S1", study(sizes=SIZES, profile=profile(updates, spread=spread)))[-1:] == expected


def test_s1_has_a_knee() -> None:
    """Up to m = 128 an epoch gets faster, and beyond it takes twice as long."""
    updates = {2: 2.0, 128: 12.8, 512: 102.4}  # seconds; so an epoch takes 1,000, 100 and 200
    found = answered("S1", study(sizes=list(updates), profile=profile(updates)))
    assert found.agreement == Agreement.DEPENDS
    assert found.groups == {"up to the knee": "yes", "beyond the knee": "no"}


def test_s1_without_a_gain_beyond_the_knee() -> None:
    updates = {2: 2.0, 128: 12.8, 512: 51.2}
    found = answered("S1", study(sizes=list(updates), profile=profile(updates, spread=0.005)))
    assert found.groups == {"up to the knee": "yes", "beyond the knee": SAME}


def test_s1_counts_the_last_update_by_itself() -> None:
    """Of 1,000 rows, m = 999 has an update of 1 row beside: were it counted by its rows, it would cost nothing."""
    times = profile({500: 1.0, 999: 1.1})
    assert says("S1", study(sizes=(500, 999), profile=times)) == ["yes"]
    last = times.repetitions[times.repetitions["batch_size"].eq(999)].assign(part="ragged")
    times.repetitions = pd.concat([times.repetitions, last])
    assert says("S1", study(sizes=(500, 999), profile=times)) != ["yes"]


@pytest.mark.parametrize(
    ("ratio", "spread", "expected"), [(1.2, 0.02, "yes"), (2.6, 0.02, "no"), (2.0, 0.01, SAME), (2.0, 0.3, OPEN)]
)
def test_s2_double(ratio, spread, expected) -> None:
    assert says("S2", study(sizes=(8, 16), profile=profile({8: 1, 16: ratio}, spread=spread))) == [expected]


def test_processes_of_a_point_that_differ_decide_nothing() -> None:
    """Rows of 17 take 1.3 times as long, in processes of which each third is slower by a half."""
    times = {16: 16.0, 17: 1.3 * 17, 64: 64.0, 65: 1.3 * 65}
    assert says("S3", study(sizes=list(times), profile=profile(times, spread=0.01))) == ["no", "no"]
    made = profile(times, spread=0.01)
    made.repetitions["seconds"] *= 1.5 ** made.repetitions["process"].to_numpy()
    assert says("S3", study(sizes=list(times), profile=made)) == [OPEN, OPEN]


def test_one_slow_process_changes_no_verdict() -> None:
    times = {16: 16.0, 17: 17.0, 64: 64.0, 65: 65.0}
    made = profile(times, spread=0.01)
    made.repetitions.loc[made.repetitions["batch_size"].eq(17) & made.repetitions["process"].eq(1), "seconds"] *= 3
    assert says("S3", study(sizes=list(times), profile=made)) == ["yes", "yes"]


def test_a_process_of_each_point_decides_nothing() -> None:
    made = profile({16: 16.0, 17: 34.0, 64: 64.0, 65: 130.0})
    made.repetitions = made.repetitions[made.repetitions["process"].eq(0)]
    assert says("S3", study(profile=made)) == [OPEN, OPEN]


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.0, 0.02, "yes"), (0.8, 0.02, "yes"), (1.4, 0.02, "no"), (1.1, 0.3, OPEN)]
)
def test_s3_powers_of_two(slower, spread, expected) -> None:
    seconds = {16: 16, 17: 17 * slower, 64: 64, 65: 65 * slower, 128: 128, 129: 129 * slower}
    assert says("S3", study(profile=profile(seconds, spread=spread))) == [expected] * 3


def test_s3_has_a_margin_of_its_own() -> None:
    """Rows that take 1.05 times as long are as fast to within a tenth, however well that is known."""
    seconds = {16: 16, 17: 17 * 1.05, 64: 64, 65: 65 * 1.05}
    for spread in (0.001, 0.01):
        assert says("S3", study(profile=profile(seconds, spread=spread))) == ["yes", "yes"]


def test_s3_leaves_out_batches_in_parts() -> None:
    slow = profile({16: 16, 17: 34})
    assert says("S3", study(profile=slow)) == ["no"]
    assert says("S3", study(profile=slow, changes={"accumulation": 4})) == []


def learns(m: int, seed: int, epoch: int) -> tuple[float, float]:
    """Return loss and accuracy where m = 16 is ahead at any epoch."""
    learnt = min(0.9, 0.1 + 0.05 * epoch * (1.4 if m == 16 else 1))
    return 1.0, learnt + 0.001 * np.random.default_rng([m, seed, epoch]).normal()


def test_s4_after_equal_seconds_another_is_best() -> None:
    """An epoch of m = 256 takes a hundredth of the time."""
    assert says("S4", study(curve=learns, costs=costs({16: 1.0, 256: 0.01}))) == ["yes"]


def test_s4_the_same_choice_is_an_answer() -> None:
    """Neither more seeds nor fewer could tell more: after equal seconds and equal epochs m = 16 is best."""
    found = answered("S4", study(curve=learns, costs=costs({16: 0.01, 256: 0.01})))
    (one,) = found.judged
    assert (one.verdict, one.p) == (SAME, 0) and tuple(one.evidence.effect) == (0, 0, 0)
    assert found.agreement == Agreement.ALL


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.5, 0.02, "yes"), (0.8, 0.02, "no"), (1.0, 0.01, SAME), (1.0, 0.3, OPEN)]
)
def test_s5_and_s6_are_two_questions(slower, spread, expected) -> None:
    single = study(profile=profile({16: 1, 256: 2}, spread=spread, other_type=("float64", slower)))
    half = study(profile=profile({16: 1, 256: 2}, spread=spread, other_type=("bfloat16", 1 / slower)))
    assert (says("S5", single), says("S6", single)) == ([expected] * 2, [])
    assert (says("S5", half), says("S6", half)) == ([], [expected] * 2)


@pytest.mark.parametrize(("beside", "spread", "expected"), [(1.05, 0.02, "yes"), (2.0, 0.02, "no"), (1.33, 0.3, OPEN)])
def test_p1_side_by_side(beside, spread, expected) -> None:
    assert says("P1", study(profile=profile({16: 1, 256: 2}, spread=spread, side_by_side=beside))) == [expected]
