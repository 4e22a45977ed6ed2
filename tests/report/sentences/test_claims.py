"""Sentences of verdicts on claims: what is said for and against, and which effects are right."""

import numpy as np
import pytest

from batchwise.claims.evidence import NONE_COUNTED, Right, above, below, compare, not_zero, over_seeds, within
from batchwise.claims.judging import all_of, any_of, judge
from batchwise.data import task
from batchwise.data.task import Scale
from batchwise.report.number_format import digits
from batchwise.report.sentences import claims
from batchwise.report.sentences.comparisons import FIELD, OF_METRIC

LABELS = np.array([0, 1, 1, 1])
METRICS = [
    metric.on(LABELS, Scale(), "mm")
    for name in ("regression", "binary_classification", "count_regression")
    for metric in task.load(name).metrics
]


def difference(values: list[float], right: Right) -> claims.Comparison:
    measured = over_seeds(np.array(values))
    return compare("made_up", "best_of_sizes", measured, right=right, best=16, other=256, unit="points")


def test_a_difference_that_is_not_0_speaks_for_the_claim_that_it_matters() -> None:
    clear, open_ = (difference(values, not_zero(1)) for values in ([-18, -18.5, -17], [-3, 3, 0.1]))
    verdict = judge(all_of([any_of([clear]), any_of([open_])]))
    assert "1 of 2 comparisons speak for the claim, 0 against it" in claims.leaning(verdict)


def test_a_comparison_is_said_with_its_study_effect_interval_and_n() -> None:
    said = claims.effect(difference([1.0, 2.0, 3.0], above(0)))
    assert said == "made_up: m = 16 ahead of m = 256: 2.00 points (95 % interval −0.484 to 4.48, n = 3 seeds)."
    assert "(no interval, n = 1 seeds)" in claims.effect(difference([1.0], above(0)))


@pytest.mark.parametrize("one", METRICS, ids=lambda one: one.name)
def test_how_far_one_batch_size_is_ahead_is_above_0_for_the_better_one_whichever_way_the_metric_goes(one) -> None:
    better = 0.5 + one.sign * np.array([0.01, 0.02, 0.03])
    ahead = over_seeds(one.gain(better, 0.5))
    numbers = {"small": 2, "large": 4, "metric": one.title, "unit": one.differences}
    said = claims.effect(compare("made_up", "smallest_less_largest", ahead, right=above(0), **numbers))
    assert said.startswith(f"made_up: test {one.title}, m = 2 ahead of m = 4: ")
    assert f"{digits(one.scale * 0.02)} {one.differences}" in said


def test_what_is_measured_in_the_metric_is_said_as_a_lead_and_of_losses_as_a_difference() -> None:
    of_metric = {name: words.what for name, words in FIELD.items() if words.unit == OF_METRIC}
    losses = {name for name, what in of_metric.items() if name.startswith("loss_")}
    assert losses == {name for name, what in of_metric.items() if "ahead of" not in what}
    assert losses == {"loss_after_epochs", "loss_after_updates"}


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (above(0), "above 0"),
        (below(1.1), "below 1.10"),
        (within(-1, 1), "−1.00 to 1.00"),
        (not_zero(1), "not 0"),
        (NONE_COUNTED, "0"),
    ],
)
def test_the_effects_with_which_a_claim_is_right_are_named(bounds: Right, said: str) -> None:
    assert claims.right(bounds) == said
