"""Answers: what the comparisons of a question say together, and what they found in the mean."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.claims.answers import Agreement, Answer, answer
from batchwise.claims.comparison import Scale
from batchwise.claims.evidence import Evidence
from batchwise.claims.verdicts import Verdict
from batchwise.statistics.random_effects import summarise
from tests.claims.judged import BY_ID, QUESTIONS, check_words
from tests.claims.pages import ONE, TESTED_PAGES, evidence, saying

YES, NO, SAME, UNKNOWN = Verdict
VERDICTS = st.lists(st.sampled_from([*Verdict]), max_size=9)


def together(page: list[Evidence]) -> Answer:
    (found,) = answer([BY_ID["G1"]], page)
    check_words(found)
    return found


def of(verdicts: list[Verdict], group: str = "") -> list[Evidence]:
    """Return clear comparisons that say so, each in a study of its own."""
    return [saying(verdict, f"study_{number}_{group}", group=group) for number, verdict in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "agreement", "verdict"),
    [
        ([], Agreement.UNMEASURED, UNKNOWN),
        ([UNKNOWN, UNKNOWN], Agreement.NONE, UNKNOWN),
        ([YES], Agreement.ALL, YES),
        ([YES, YES, UNKNOWN], Agreement.ALL, YES),
        ([NO, NO], Agreement.ALL, NO),
        ([SAME, UNKNOWN], Agreement.ALL, SAME),
        ([YES, YES, NO], Agreement.MOSTLY, YES),
        ([YES, YES, UNKNOWN, SAME], Agreement.MOSTLY, YES),
        ([NO, SAME, SAME], Agreement.MOSTLY, SAME),
        ([YES, YES, NO, SAME], Agreement.DEPENDS, YES),
        ([NO, YES], Agreement.DEPENDS, YES),
        ([SAME, NO], Agreement.DEPENDS, NO),
    ],
)
def test_comparisons_are_summed_up(verdicts: list[Verdict], agreement: Agreement, verdict: Verdict) -> None:
    found = together(of(verdicts))
    assert [one.verdict for one in found.judged] == verdicts
    assert (found.agreement, found.verdict) == (agreement, verdict)


@given(VERDICTS)
def test_the_answer_by_counting(verdicts: list[Verdict]) -> None:
    found, counts = together(of(verdicts)), Counter(one for one in verdicts if one != UNKNOWN)
    telling = sum(counts.values())
    assert len(found.telling) == telling
    if telling:
        assert counts[found.verdict] == max(counts.values())
        assert (found.agreement == Agreement.ALL) == (counts[found.verdict] == telling)
        assert (found.agreement == Agreement.MOSTLY) == (2 * telling <= 3 * counts[found.verdict] < 3 * telling)
    else:
        assert found.agreement == (Agreement.NONE if verdicts else Agreement.UNMEASURED)


@given(VERDICTS, VERDICTS)
def test_it_depends_on_groups_where_each_agrees_within_itself(of_one: list[Verdict], of_other: list[Verdict]) -> None:
    found = together([*of(of_one, "SGD"), *of(of_other, "Adam")])
    one, other = ({*verdicts} - {UNKNOWN} for verdicts in (of_one, of_other))
    splits = len(one) == len(other) == 1 and one != other
    assert found.groups == ({"SGD": one.pop(), "Adam": other.pop()} if splits else {})
    assert not splits or found.agreement == Agreement.DEPENDS


@given(VERDICTS, VERDICTS)
def test_a_group_that_disagrees_within_itself_has_an_answer_of_its_own(
    of_one: list[Verdict], of_other: list[Verdict]
) -> None:
    """What one group says says nothing of the other: G3 was mostly yes since large batches made too few updates."""
    found = together([*of(of_one, "SGD"), *of(of_other, "Adam")])
    told = [{*verdicts} - {UNKNOWN} for verdicts in (of_one, of_other)]
    disagree = all(told) and max(map(len, told)) > 1
    assert bool(found.parts) == disagree and (not disagree or found.agreement == Agreement.DEPENDS)
    for group, verdicts in {"SGD": of_one, "Adam": of_other}.items() if disagree else ():
        alone, part = together(of(verdicts, group)), found.parts[group]
        assert (part.agreement, part.verdict, part.groups, part.parts) == (alone.agreement, alone.verdict, {}, {})


@given(TESTED_PAGES, st.randoms())
def test_the_order_of_studies_changes_no_answer(page: list[Evidence], random) -> None:
    found, other = together(page), together(random.sample(page, len(page)))
    assert (found.agreement, found.verdict, found.groups) == (other.agreement, other.verdict, other.groups)
    assert sorted((one.group, one.unit, one.found.studies) for one in found.means) == sorted(
        (one.group, one.unit, one.found.studies) for one in other.means
    )
    for one, another in zip(found.means, other.means, strict=True):
        np.testing.assert_allclose(
            [*one.found.mean, *one.found.prediction], [*another.found.mean, *another.found.prediction]
        )


def test_all_questions_of_a_page_are_judged_together_and_answered_in_their_order() -> None:
    weak = evidence(1.35, 0.13, claim="G1")
    page = [weak, *(evidence(0.9, 1.0, claim="G3", study=f"study_{number}") for number in range(20))]
    assert [one.question for one in answer(QUESTIONS, page)] == QUESTIONS
    (alone,) = answer([BY_ID["G1"]], page)
    among = next(one for one in answer(QUESTIONS, page) if one.question.id == "G1")
    assert (alone.verdict, among.verdict) == (YES, UNKNOWN)


def test_evidence_for_a_question_that_is_not_asked_is_left_out() -> None:
    assert together([replace(ONE, claim="X1")]).agreement == Agreement.UNMEASURED


def test_the_mean_is_that_of_studies_each_once() -> None:
    """Of a study with two comparisons the mean and the mean error: they err together."""
    page = [
        evidence(value, error, study=study)
        for study, value, error in (("a", 1, 0.5), ("b", 2, 0.25), ("a", 2, 0.25), ("c", 4, 1))
    ]
    expected = summarise(np.array([1.5, 2, 4]), np.array([0.375, 0.25, 1]))
    (mean,) = together(page).means
    np.testing.assert_allclose([*mean.found.mean], [*expected.mean])
    assert mean.found.studies == 3 and together(page[:3]).means == ()


def test_ratios_have_the_mean_of_their_logarithms() -> None:
    page = [evidence(np.log(2) + at, 0.1, study=str(at), scale=Scale.RATIO, margin=1.1) for at in (-0.3, 0, 0.3)]
    (mean,) = together(page).means
    assert mean.found.mean.value == pytest.approx(2)
    assert mean.found.prediction.low < mean.found.mean.low < 2 < mean.found.mean.high < mean.found.prediction.high


def test_what_is_of_another_group_unit_or_margin_is_no_part_of_a_mean() -> None:
    page = of([YES, YES], "SGD") + of([YES], "Adam")
    assert together(page).means == ()
    assert together([*page[:2], replace(page[0], study="x", margin=0.5)]).means == ()
    assert [mean.group for mean in together([*page, saying("no", "y", group="SGD")]).means] == ["SGD"]
