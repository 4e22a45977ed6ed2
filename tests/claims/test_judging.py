"""The judge: which comparisons decide, in which direction, and how many seeds would."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from batchwise.claims.evidence import NONE_COUNTED, SEEDS, Comparison, above, compare, counted, not_zero, over_seeds
from batchwise.claims.judging import (
    CONTRADICTED,
    NOT_DECIDED,
    SUPPORTED,
    Evidence,
    all_of,
    any_of,
    judge,
    judge_together,
    seeds_needed,
)


def one(p_for: float, p_against: float, name: str = "study") -> Comparison:
    made = compare(name, "quantity", over_seeds(np.array([1.0, 2.0])), right=above(0))
    return dataclasses.replace(made, p_for=p_for, p_against=p_against)


def of(values: list[float]) -> Comparison:
    return compare("study", "quantity", over_seeds(np.array(values)), right=above(0))


def test_all_have_to_say_so_and_one_can_say_no() -> None:
    parts = [one(0.01, 0.99), one(0.2, 0.8), one(0.7, 0.1)]
    found = all_of(parts)
    assert (found.p_for, found.p_against) == (0.7, pytest.approx(0.3))
    assert found.comparisons == tuple(parts) and found.supporting is found.contradicting is parts[2]
    assert all_of([]) == any_of([]) == Evidence()
    assert (all_of([]).p_for, all_of([]).p_against) == (1, 1)


def test_one_can_say_so_and_all_have_to_say_no() -> None:
    parts = [one(0.01, 0.99), one(0.2, 0.8), one(0.7, 0.1)]
    found = any_of(parts)
    assert (found.p_for, found.p_against) == (pytest.approx(0.03), 0.99)
    assert found.supporting is found.contradicting is parts[0]


@given(st.lists(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4), min_size=1, max_size=3))
def test_parts_of_parts_rest_on_one_of_their_comparisons(pairs: list[list[tuple[float, float]]]) -> None:
    groups = [[one(*pair) for pair in group] for group in pairs]
    found = all_of([any_of(group) for group in groups])
    for_each = [min(1, len(group) * min(pair[0] for pair in group)) for group in pairs]
    against = min(max(pair[1] for pair in group) for group in pairs)
    assert (found.p_for, found.p_against) == (max(for_each), min(1, len(pairs) * against))
    flat = [comparison for group in groups for comparison in group]
    assert list(found.comparisons) == flat
    assert found.contradicting.p_against == against
    assert any(found.supporting is comparison for comparison in flat)


def test_of_equal_p_values_the_effect_that_is_nearer_to_the_other_answer_decides() -> None:
    near, far = of([1.0, 1.0]), of([3.0, 3.0])
    assert all_of([far, near]).supporting is near and any_of([near, far]).supporting is far
    wrong, worse = of([-1.0, -1.0]), of([-3.0, -3.0])
    assert judge(all_of([wrong, worse])).decisive is worse


def test_a_verdict_has_a_direction_or_none() -> None:
    right, wrong, open_ = of([1.0, 1.1, 1.2]), of([-1.0, -1.1, -1.2]), of([-1.0, 1.1, 0.2])
    assert judge(all_of([right])).verdict == SUPPORTED
    assert judge(all_of([right, wrong])).verdict == CONTRADICTED
    assert judge(all_of([right, wrong])).decisive is wrong
    assert judge(all_of([right, open_])).verdict == NOT_DECIDED
    assert judge(all_of([right, open_])).decisive is open_
    assert judge(Evidence()).verdict == NOT_DECIDED and judge(Evidence()).decisive is None


def test_what_matters_on_either_side_speaks_for_the_claim_that_it_does() -> None:
    """A difference of −18 points is not 0: it is counted for the claim, and not against it."""
    values = np.array([-18.0, -18.5, -17.0])
    clear = compare("study", "quantity", over_seeds(values), right=not_zero(1))
    assert clear.p_for < 0.001 and clear.p_against > 0.999
    open_ = compare("study", "quantity", over_seeds(np.array([-3.0, 3.0, 0.1])), right=not_zero(1))
    verdict = judge(all_of([any_of([open_]), any_of([clear])]))
    assert verdict.verdict == NOT_DECIDED and verdict.decisive is open_


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_verdicts_of_a_page_are_adjusted_by_holm(pairs: list[tuple[float, float]]) -> None:
    p = np.array([min(1, 2 * min(pair)) for pair in pairs])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    page = judge_together([Evidence(), *(all_of([one(*pair)]) for pair in pairs)])
    assert (page[0].p, page[0].verdict) == (1, NOT_DECIDED)  # what was not measured does not count
    assert [verdict.p for verdict in page[1:]] == pytest.approx(adjusted.tolist())


@pytest.mark.parametrize(("distance", "claims"), [(0.5, 1), (2.0, 26)])
def test_as_many_seeds_as_are_said_to_be_needed_decide_four_times_in_five(distance: float, claims: int) -> None:
    random = np.random.default_rng(3)
    needed = int(seeds_needed(of(stats.zscore(random.normal(size=6), ddof=1) + distance), claims))

    def power(seeds: int) -> float:
        p = stats.ttest_1samp(random.normal(distance, 1, (20_000, seeds)), 0, axis=1).pvalue
        return (p < 0.05 / claims).mean()

    assert power(needed) > 0.79 and power(needed - 1) < 0.81


def test_no_number_of_seeds_is_needed_where_none_helps() -> None:
    assert seeds_needed(of([1.0, -1.0, 0.5, -0.5]), 26) == np.inf
    assert np.isnan(seeds_needed(of([1.0] * 4), 26))
    assert np.isnan(seeds_needed(compare("s", "q", counted(0, 4, SEEDS), right=NONE_COUNTED), 26))
    assert np.isnan(seeds_needed(compare("s", "q", over_seeds(np.arange(4.0)), right=not_zero(1)), 26))
