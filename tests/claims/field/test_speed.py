"""Claims S and P on made-up times in which they are right, wrong, and open."""

import numpy as np
import pandas as pd
import pytest
from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED

from tests.claims.judged import verdict
from tests.fabricated_studies import costs, profile, study

SIZES = (2, 8, 32, 128, 512)


@pytest.mark.parametrize(
    ("power", "spread", "expected"), [(-0.5, 0.02, SUPPORTED), (0.5, 0.02, CONTRADICTED), (0, 0.5, NOT_DECIDED)]
)
def test_s1_epochs(power, spread, expected) -> None:
    """An epoch takes m^power seconds, an update m times as much by the rows of an epoch."""
    updates = {m: m ** (1 + power) for m in SIZES}
    assert verdict("S1", study(sizes=SIZES, profile=profile(updates, spread=spread))) == expected


def test_s1_the_largest_has_to_be_faster_than_the_middle_too() -> None:
    updates = {2: 2.0, 128: 12.8, 512: 102.4}  # seconds; so an epoch takes 1,000, 100 and 200
    assert verdict("S1", study(sizes=list(updates), profile=profile(updates))) == CONTRADICTED


def test_s1_counts_the_last_update_by_itself() -> None:
    """Of 1,000 rows, m = 999 has an update of 1 row beside: were it counted by its rows, it would cost nothing."""
    times = profile({500: 1.0, 999: 1.1})
    assert verdict("S1", study(sizes=(500, 999), profile=times)) == SUPPORTED
    last = times.repetitions[times.repetitions["batch_size"].eq(999)].assign(part="ragged")
    times.repetitions = pd.concat([times.repetitions, last])
    assert verdict("S1", study(sizes=(500, 999), profile=times)) == CONTRADICTED


@pytest.mark.parametrize(
    ("ratio", "spread", "expected"), [(1.2, 0.05, SUPPORTED), (2.4, 0.05, CONTRADICTED), (2.0, 0.3, NOT_DECIDED)]
)
def test_s2_double(ratio, spread, expected) -> None:
    assert verdict("S2", study(sizes=(8, 16), profile=profile({8: 1, 16: ratio}, spread=spread))) == expected


def test_processes_of_a_point_that_differ_decide_nothing() -> None:
    """Rows of 17 take 1.3 times as long, in processes of which each third is slower by a half."""
    times = {16: 16.0, 17: 1.3 * 17, 64: 64.0, 65: 1.3 * 65}
    assert verdict("S3", study(sizes=list(times), profile=profile(times, spread=0.01))) == CONTRADICTED
    made = profile(times, spread=0.01)
    made.repetitions["seconds"] *= 1.5 ** made.repetitions["process"].to_numpy()
    assert verdict("S3", study(sizes=list(times), profile=made)) == NOT_DECIDED


def test_one_slow_process_changes_no_verdict() -> None:
    times = {16: 16.0, 17: 17.0, 64: 64.0, 65: 65.0}
    made = profile(times, spread=0.01)
    made.repetitions.loc[made.repetitions["batch_size"].eq(17) & made.repetitions["process"].eq(1), "seconds"] *= 3
    assert verdict("S3", study(sizes=list(times), profile=made)) == SUPPORTED


def test_a_process_of_each_point_decides_nothing() -> None:
    made = profile({16: 16.0, 17: 34.0, 64: 64.0, 65: 130.0})
    made.repetitions = made.repetitions[made.repetitions["process"].eq(0)]
    assert verdict("S3", study(profile=made)) == NOT_DECIDED


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.0, 0.02, SUPPORTED), (1.4, 0.02, CONTRADICTED), (1.1, 0.3, NOT_DECIDED)]
)
def test_s3_powers_of_two(slower, spread, expected) -> None:
    seconds = {16: 16, 17: 17 * slower, 64: 64, 65: 65 * slower, 96: 96, 100: 100 * slower}
    assert verdict("S3", study(profile=profile(seconds, spread=spread))) == expected


def test_s3_leaves_out_batches_in_parts() -> None:
    slow = profile({16: 16, 17: 34})
    assert verdict("S3", study(profile=slow)) == CONTRADICTED
    assert verdict("S3", study(profile=slow, changes={"accumulation": 4})) == NOT_DECIDED


@pytest.mark.parametrize(("factor", "expected"), [(100, SUPPORTED), (0, NOT_DECIDED)])
def test_s4_seconds(factor, expected) -> None:
    """m = 16 is ahead at any epoch; an epoch of m = 256 takes a hundredth of the time."""

    def curve(m, seed, epoch):
        learnt = min(0.9, 0.1 + 0.05 * epoch * (1.4 if m == 16 else 1))
        return 1.0, learnt + 0.001 * np.random.default_rng([m, seed, epoch]).normal()

    seconds = {16: 1.0 if factor else 0.01, 256: 0.01}
    assert verdict("S4", study(curve=curve, costs=costs(seconds))) == expected


@pytest.mark.parametrize(
    ("slower", "spread", "expected"), [(1.5, 0.02, SUPPORTED), (0.8, 0.02, CONTRADICTED), (1.0, 0.3, NOT_DECIDED)]
)
def test_s5_types(slower, spread, expected) -> None:
    made = profile({16: 1, 256: 2}, spread=spread, other_type=("float64", slower))
    assert verdict("S5", study(profile=made)) == expected


@pytest.mark.parametrize(
    ("beside", "spread", "expected"), [(1.05, 0.02, SUPPORTED), (2.0, 0.02, CONTRADICTED), (1.33, 0.3, NOT_DECIDED)]
)
def test_p1_side_by_side(beside, spread, expected) -> None:
    assert verdict("P1", study(profile=profile({16: 1, 256: 2}, spread=spread, side_by_side=beside))) == expected
