"""The verdicts of a page: by hand from interval and margin, by statsmodels over all, and how often they are false."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from batchwise.claims.comparison import Rule, Scale
from batchwise.claims.evidence import Evidence
from batchwise.claims.verdicts import Verdict, judge
from batchwise.statistics.intervals import Estimate
from tests.claims.pages import COUNTED, PAGES, TESTED, UNMEASURED, evidence

YES, NO, SAME, UNKNOWN = Verdict


def by_hand(one: Evidence) -> Verdict:
    """Return what the 95 % interval says: wholly above the margin, within it, below, or across."""
    margin = one.margin if one.scale == Scale.DIFFERENCE else np.log(one.margin)
    _, low, high = one.effect if one.scale == Scale.DIFFERENCE else np.log(one.effect)
    above, within, below = low > margin, low > -margin and high < margin, high < -margin
    if one.rule == Rule.NOT_LESS:
        return YES if low > -margin else NO if below else UNKNOWN
    return {
        Rule.MORE: YES if above else SAME if within else NO if below else UNKNOWN,
        Rule.DIFFERENT: YES if above or below else SAME if within else UNKNOWN,
        Rule.EQUAL: YES if within else NO if above or below else UNKNOWN,
    }[Rule(one.rule)]


@given(TESTED)
def test_a_verdict_by_itself_is_where_the_interval_lies(one: Evidence) -> None:
    (found,) = judge([one])
    assert found.verdict == by_hand(one)
    assert (found.verdict != UNKNOWN) == (found.p <= 0.05)


@given(PAGES)
def test_each_comparison_of_a_page_has_one_verdict_which_the_others_only_make_harder(page: list[Evidence]) -> None:
    found = judge(page)
    assert [one.evidence for one in found] == page
    for one in found:
        (alone,) = judge([one.evidence])
        assert one.verdict in (alone.verdict, UNKNOWN) and one.p >= alone.p - 1e-12
        assert not one.under_dependence or one.verdict != UNKNOWN


@given(PAGES, st.randoms())
def test_the_order_of_a_page_changes_nothing(page: list[Evidence], random) -> None:
    order = random.sample(range(len(page)), len(page))
    found, other = judge(page), judge([page[at] for at in order])
    for place, at in enumerate(order):
        assert (found[at].verdict, found[at].under_dependence) == (other[place].verdict, other[place].under_dependence)
        assert found[at].p == pytest.approx(other[place].p)


@given(TESTED)
def test_an_effect_turned_round_turns_yes_into_no(one: Evidence) -> None:
    value, low, high = one.effect
    if one.scale == Scale.RATIO:
        turned = replace(one, effect=Estimate(1 / value, 1 / high, 1 / low))
    else:
        turned = replace(one, effect=Estimate(-value, -high, -low))
    (found,), (other,) = judge([one]), judge([turned])
    if one.rule == Rule.MORE:
        assert other.verdict == {YES: NO, NO: YES}.get(found.verdict, found.verdict)
    elif one.rule in (Rule.DIFFERENT, Rule.EQUAL):
        assert other.verdict == found.verdict
    else:
        assert found.verdict != NO or other.verdict == YES
    if one.rule != Rule.NOT_LESS:
        assert other.p == pytest.approx(found.p)


@settings(max_examples=30)  # statsmodels looks for garbage at each correction
@given(st.lists(st.tuples(TESTED, st.sampled_from("GLQ")), min_size=1, max_size=12))
def test_few_of_the_verdicts_of_a_page_are_false_and_few_of_each_question(page: list[tuple[Evidence, str]]) -> None:
    asked = [replace(one, claim=claim) for one, claim in page]
    alone, claims = np.array([judge([one])[0].p for one in asked]), np.array([one.claim for one in asked])
    expected = {}
    for method in ("fdr_bh", "fdr_by"):
        expected[method] = multipletests(alone, method=method)[1]
        for claim in claims:
            of_claim = multipletests(alone[claims == claim], method=method)[1]
            expected[method][claims == claim] = np.maximum(expected[method][claims == claim], of_claim)
    assert [one.p for one in judge(asked)] == pytest.approx(expected["fdr_bh"].tolist())
    assert [one.under_dependence for one in judge(asked)] == (expected["fdr_by"] <= 0.05).tolist()


def test_a_question_is_not_answered_by_the_weakest_of_its_comparisons_because_others_are_clear() -> None:
    """Twelve comparisons at the margin, of which one has p = 0.02, beside twenty that are clear."""
    lucky = evidence(1 + 2.8 * 0.1, 0.1, claim="G1")
    others = [evidence(1.0, 0.1, claim="G1", study=str(number)) for number in range(11)]
    clear = [evidence(5.0, 0.1, claim="S1", study=str(number)) for number in range(20)]
    assert judge([lucky])[0].verdict == judge([lucky, *clear])[0].verdict == YES
    assert {one.verdict for one in judge([lucky, *others, *clear])[:12]} == {UNKNOWN}


@given(COUNTED, st.lists(TESTED, max_size=5))
def test_what_is_counted_is_yes_where_it_is_0_and_makes_no_other_harder(one: Evidence, page: list[Evidence]) -> None:
    first, *others = judge([one, *page])
    assert (first.verdict, first.p) == (YES if one.effect.value == 0 else NO, 0)
    assert others == judge(page)


@given(UNMEASURED)
def test_what_has_no_interval_tells_nothing(one: Evidence) -> None:
    (found,) = judge([one])
    assert (found.verdict, found.p, found.under_dependence) == (UNKNOWN, 1, False)


def test_a_difference_to_either_side_is_one_that_matters() -> None:
    """Of the three, −18 points, 5 points and nothing known, two speak for a difference, and none against."""
    page = [evidence(value, error, rule=Rule.DIFFERENT) for value, error in ((-18, 0.5), (5, 0.5), (0.4, 3))]
    assert [one.verdict for one in judge(page)] == [YES, YES, UNKNOWN]


def test_a_page_of_nothing_has_no_verdicts() -> None:
    assert judge([]) == []


@pytest.mark.parametrize("rule", [Rule.MORE, Rule.DIFFERENT, Rule.EQUAL, Rule.NOT_LESS])
@pytest.mark.parametrize("effect", [-1.0, 0.0, 0.5, 1.0])
def test_false_verdicts_are_rare_at_any_effect(rule: Rule, effect: float) -> None:
    """2,000 pages of one comparison on 10 degrees: at the margin itself neither side of it is true."""
    random, found = np.random.default_rng(1), Counter()
    errors = np.sqrt(random.chisquare(10, 2000) / 10) / 2
    for value, error in zip(effect + random.normal(0, 0.5, 2000), errors, strict=True):
        (one,) = judge([evidence(value, error, rule=rule, degrees=10)])
        found[one.verdict] += 1
    inside = abs(effect) < 1
    true = {
        Rule.MORE: {SAME} if inside else set(),
        Rule.DIFFERENT: {SAME} if inside else set(),
        Rule.EQUAL: {YES} if inside else set(),
        Rule.NOT_LESS: {YES} if effect > -1 else set(),
    }[rule]
    false = sum(number for verdict, number in found.items() if verdict not in {*true, UNKNOWN})
    assert false <= stats.binom.ppf(0.999, 2000, 0.05)
