"""Questions T7 and T9 on made-up tables in which the answer is yes, no, that nothing matters, and open."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis.study_results import StudyResults
from tests.claims.judged import answered, noisy, says
from tests.fabricated_studies import LOSS, study

SAME, OPEN = "no difference that matters", "cannot be told"
MARGIN = LOSS.least_margin / LOSS.scale
SIZES = [4, 8, 16, 32, 64]


def branched(first: float, last: float, noise: float = 0.05) -> StudyResults:
    """Return a study whose critical batch size, of branches from m = 4 up, is 2**first at 10 % and 2**last at 90 %."""
    random, rows = np.random.default_rng(0), []
    for moment, octaves in ((0.1, first), (0.9, last)):
        for seed in range(5):
            at = octaves + noise * random.normal()
            for m in SIZES:
                # On a line in log₂ m from 0 at m = 4, so that it crosses the margin there.
                rows.append((moment, m, 4, seed, "ok", 1 + MARGIN * (np.log2(m) - 2) / (at - 2)))
    names = ["moment", "batch_size", "kept_batch_size", "seed", "status", LOSS.column("train", "final")]
    return study(branches=pd.DataFrame(rows, columns=names))


@pytest.mark.parametrize(
    ("first", "last", "noise", "expected"),
    [(3, 5, 0.05, "yes"), (5, 3, 0.05, "no"), (4, 4.1, 0.05, SAME), (4, 4.5, 0.4, OPEN), (3, 9, 0.05, "yes")],
)
def test_t7_a_critical_batch_that_grows(first, last, noise, expected) -> None:
    """Also where it grows beyond the largest m."""
    assert says("T7", branched(first, last, noise)) == [expected]


def test_t7_says_nothing_where_no_branch_falls_behind_at_either_moment() -> None:
    assert says("T7", branched(8, 9)) == [OPEN]
    assert says("T7", study()) == []


def test_t7_has_the_growth_in_octaves() -> None:
    (one,) = answered("T7", branched(3, 5, 1e-3)).judged
    assert one.evidence.effect.value == pytest.approx(2, abs=0.01) and one.evidence.unit == "octaves"
    assert "after 90 % of the epochs (32) against that after 10 % (8)" in one.evidence.what


SCHEDULE: dict[str, Any] = {"warm_up": 0.0, "drops": [], "batch_sizes": {"0.5": 4}, "learning_rate_scaling": "none"}


def pair(gain: float, scale: float = 0.001, fresh: int = 0, **schedule: Any) -> list[StudyResults]:
    """Return a study whose m stays, best at 16, and one whose m grows, better by `gain`."""

    def value(more: float, salt: int) -> Any:
        return noisy(lambda m, rate: {16: 0.9, 256: 0.8}[m] + more, scale, salt)

    run = {m: [phase(0, 10, m), phase(10, 20, min(4 * m, 1000))] for m in (16, 256)}
    changes = {"schedule": SCHEDULE | schedule}
    growing = study("growing", accuracy=value(gain, 3), fresh=fresh, changes=changes, phases=run)
    return [study("staying", accuracy=value(0.0, 2), fresh=fresh and fresh + 5), growing]


def phase(first: int, end: int, m: int) -> dict[str, Any]:
    steps = -(-1000 // m)
    return {"first_epoch": first, "end_epoch": end, "batch_size": m, "rate_factor": 1.0, "updates_per_epoch": steps}


@pytest.mark.parametrize("fresh", [0, 10])
@pytest.mark.parametrize(("gain", "expected"), [(0.0, "yes"), (0.02, "yes"), (-0.03, "no")])
def test_t9_growing_gets_as_far(gain, expected, fresh) -> None:
    assert says("T9", *pair(gain, fresh=fresh)) == [expected]


def test_t9_is_open_where_seeds_differ_by_more_than_what_would_matter() -> None:
    assert says("T9", *pair(-0.01, scale=0.02)) == [OPEN]


def test_t9_counts_the_updates_of_both_at_the_best_m_where_it_stays() -> None:
    (one,) = answered("T9", *pair(0.0)).judged
    assert one.evidence.what == ("m from 16 to 64 within a run (790 updates) ahead of m = 16 (1,260 updates)")


def test_t9_compares_studies_that_are_alike_but_for_the_growth() -> None:
    assert says("T9", *pair(0.0, drops=[0.5])) == []
    staying, growing = pair(0.0)
    assert says("T9", growing) == says("T9", staying) == []


def test_other_questions_leave_out_a_study_whose_m_grows() -> None:
    staying, growing = pair(0.0)
    assert len(says("G1", staying)) == 1 and says("G1", growing) == []
