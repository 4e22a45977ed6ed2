"""Sentences of answers: every question and verdict in words, what is said of numbers, and what would tell more."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from batchwise.claims import answers
from batchwise.claims.answers import Agreement, Answer
from batchwise.claims.comparison import Comparison, Rule, Scale, over_seeds
from batchwise.claims.evidence import Evidence
from batchwise.claims.questions import Question
from batchwise.claims.verdicts import SAYS, Verdict, judge
from batchwise.data import task
from batchwise.data.task import Scale as LabelScale
from batchwise.report.number_format import digits
from batchwise.report.sentences import questions as sentences
from batchwise.report.sentences.comparisons import FIELD, OF_METRIC, unit, what
from batchwise.statistics.intervals import Estimate
from tests.claims.judged import BY_ID, QUESTIONS, check_words
from tests.claims.pages import ONE, evidence
from tests.fabricated_studies import costs, study

YES, NO, SAME, UNKNOWN = Verdict
ORDER = [*Verdict].index
ASKED = [one for one in QUESTIONS if one.criterion]
IDS = [one.id for one in ASKED]
LABELS = np.array([0, 1, 1, 1])
METRICS = [
    metric.on(LABELS, LabelScale(), "mm")
    for name in ("regression", "binary_classification", "count_regression")
    for metric in task.load(name).metrics
]


def told(one: Question, verdict: Verdict, number: int = 0, group: str = "") -> Evidence:
    """Return evidence for a question that has a verdict, of a study of its own."""
    about = {"claim": one.id, "study": f"study_{number}", "group": group, "rule": one.rule, "margin": one.margin}
    if one.rule == Rule.COUNTED:
        found = Estimate(*[float(verdict == NO)] * 3)
        return replace(ONE, **about, effect=found, scale=Scale.COUNT, degrees=np.inf)
    scale = Scale.RATIO if one.unit.startswith("times") else Scale.DIFFERENCE
    margin = np.log(one.margin) if scale == Scale.RATIO else one.margin
    above, within, below = SAYS[one.rule]
    value = 3 if verdict == above else 0 if verdict == within else -3 if verdict == below else 0.5
    error = 0.05 if verdict != UNKNOWN else 2.0
    return evidence(value * margin, error * margin, **about, scale=scale, unit=one.unit)


def answered(one: Question, verdicts: list[Verdict], groups: list[str] | None = None) -> Answer:
    page = [
        told(one, verdict, number, group)
        for number, (verdict, group) in enumerate(zip(verdicts, groups or [""] * len(verdicts), strict=True))
    ]
    (found,) = answers.answer([one], page)
    assert [each.verdict for each in found.judged] == verdicts
    check_words(found)
    return found


def of_group(verdict: Verdict, group: str, *, start: bool = True) -> str:
    said = sentences.SAYS[verdict]
    text = f"{group}: {said}, " if verdict == SAME else f"{said}, {group}: "
    return text[0].upper() + text[1:] if start else text


def possible(one: Question) -> list[Verdict]:
    """Return the verdicts that a question can have."""
    return [*dict.fromkeys(SAYS.get(one.rule, (YES, NO)))]


@pytest.mark.parametrize("one", ASKED, ids=IDS)
def test_every_verdict_of_every_question_is_said(one: Question) -> None:
    for verdict in possible(one):
        texts = {YES: one.yes, SAME: one.same, NO: one.no}
        said = sentences.answer(answered(one, [verdict] * 3))
        assert said.startswith(sentences.SAYS[verdict].capitalize() + ": ")
        assert texts[verdict].partition("{")[0] in said


@pytest.mark.parametrize("one", ASKED, ids=IDS)
def test_every_two_verdicts_of_every_question_are_said(one: Question) -> None:
    for verdict in possible(one):
        for other in [each for each in possible(one) if each != verdict]:
            mostly = sentences.answer(answered(one, [verdict, verdict, other]))
            assert mostly.startswith(f"Mostly {sentences.SAYS[verdict]}: ")
            assert f"But {sentences.SAYS[other]} in study_2: " in mostly
            grouped = sentences.answer(answered(one, [verdict, other], ["with SGD", "with Adam"]))
            assert grouped.startswith(of_group(verdict, "with SGD"))
            assert f"; {of_group(other, 'with Adam', start=False)}" in grouped
            split = sentences.answer(answered(one, [verdict, other]))
            assert split.startswith(f"It depends: {sentences.SAYS[min(verdict, other, key=ORDER)]} in ")


@pytest.mark.parametrize("one", ASKED, ids=IDS)
def test_what_cannot_be_told_says_what_would_tell(one: Question) -> None:
    if one.rule != Rule.COUNTED:
        said = sentences.answer(answered(one, [UNKNOWN, UNKNOWN]))
        assert said.startswith("Cannot be told yet. ") and "edit studies.one.grid.seeds in params.yaml" in said
    nothing = sentences.answer(answered(one, []))
    assert nothing == f"No study here measures it: it takes {one.needs}."


def test_a_study_that_says_two_things_is_named_with_what_was_compared() -> None:
    page = [replace(told(BY_ID["Q4"], verdict), study="one", what=f"pair {verdict}") for verdict in (YES, NO)]
    (found,) = answers.answer([BY_ID["Q4"]], page)
    said = sentences.answer(found)
    assert "yes in one (pair yes), where" in said and "no in one (pair no), where" in said


def test_the_numbers_of_an_answer_are_those_of_its_comparisons() -> None:
    (found,) = answers.answer([BY_ID["G1"]], [evidence(5.25), evidence(2, study="b"), evidence(0.9, 1, study="c")])
    assert found.agreement == Agreement.ALL and "is ahead by 2 to 5.2 points" in sentences.answer(found)
    (turned,) = answers.answer([BY_ID["G1"]], [evidence(-5.25)])
    assert "the best large batch is ahead by 5.2 points" in sentences.answer(turned)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("S1", "an epoch takes 2 times as long with the larger batch"),
        ("S2", "one update of twice the rows takes 2 times as long as two"),
        ("S3", "beside a power of two a row takes 2 times as long"),
        ("S5", "an update in float32 takes 2 times as long"),
        ("S6", "an update in bfloat16 takes 2 times as long as in float32"),
        ("Q5", "a large batch takes only 0.5 times the epochs"),
        ("P1", "each has 0.5 times its speed alone"),
    ],
)
def test_what_is_half_as_fast_is_not_said_to_be_twice_as_fast(asked: str, said: str) -> None:
    half = replace(told(BY_ID[asked], NO), effect=Estimate(0.5, 0.49, 0.51))
    (found,) = answers.answer([BY_ID[asked]], [half])
    assert said in sentences.answer(found)


def test_certainty_counts_what_tells() -> None:
    found = answered(BY_ID["G1"], [YES, YES, UNKNOWN])
    assert sentences.certainty(found) == (
        "How sure: 2 of 3 comparisons in 3 studies tell (10 seeds), whatever their dependence."
    )
    recorded = [replace(each.evidence, pipeline="paper/small") for each in found.judged]
    (elsewhere,) = answers.answer([BY_ID["G1"]], recorded)
    assert sentences.certainty(elsewhere).endswith(" 3 of them are recorded in paper/small, not measured here.")
    assert sentences.certainty(answered(BY_ID["B1"], [YES])) == "Counted in 1 study, so it is exact."
    assert sentences.certainty(answered(BY_ID["B1"], [])) == ""


def test_a_row_has_the_effect_its_interval_and_the_margin() -> None:
    (one,) = judge([evidence(2.0, 0.1)])
    low, high = (digits(bound) for bound in one.evidence.effect[1:])
    assert sentences.row(one) == [
        "one",
        "m = 16 ahead of m = 256",
        "2.00 points",
        f"{low} to {high}",
        "10 seeds",
        "± 1.00",
        "yes (p < 0.001)",
    ]
    (ratio,) = judge([replace(told(BY_ID["S1"], UNKNOWN), pipeline="paper")])
    assert sentences.row(ratio)[0] == "study_0 (recorded, paper)" and sentences.row(ratio)[5:] == [
        "× 1.10, ÷ 1.10",
        "cannot be told",
    ]
    (alone,) = judge([replace(ONE, effect=Estimate(1.0, np.nan, np.nan), degrees=0.0, n=1)])
    assert sentences.row(alone)[3] == "–"


@pytest.mark.parametrize(("value", "rule"), [(0.4, Rule.MORE), (1.9, Rule.EQUAL), (0.0, Rule.NOT_LESS)])
def test_as_many_seeds_as_are_said_to_be_needed_tell_four_times_in_five(value: float, rule: Rule) -> None:
    """Among the ten comparisons of a page too, of which the others are as hard."""
    random = np.random.default_rng(3)
    one = replace(evidence(value, 2 / np.sqrt(10)), rule=rule)
    needed = int(sentences._needed(one))
    told = []
    for _ in range(200):
        values = stats.zscore(random.normal(size=(10, needed)), axis=1, ddof=1) * 2 * np.sqrt(
            random.chisquare(needed - 1, (10, 1)) / (needed - 1)
        ) + random.normal(value, 2 / np.sqrt(needed), (10, 1))
        page = [replace(one, **{k: v for k, v in over_seeds(row).items() if k != "sample"}) for row in values]
        told.append(judge(page)[0].verdict != UNKNOWN)
    assert np.mean(told) >= 0.8


def test_fewer_seeds_than_are_said_to_be_needed_do_not_do() -> None:
    """Half as many tell in less than four of five, alone."""
    random = np.random.default_rng(3)
    one = evidence(0.4, 2 / np.sqrt(10))
    half = int(sentences._needed(one) / 2.5)
    told = [
        judge([replace(one, **{k: v for k, v in over_seeds(row).items() if k != "sample"})])[0].verdict != UNKNOWN
        for row in random.normal(0.4, 2, (400, half))
    ]
    assert np.mean(told) < 0.8


def test_one_side_alone_counts_where_the_other_makes_no_difference() -> None:
    """Whether an effect near the upper margin is not less needs no more seeds than one further from the lower."""
    near, far = (replace(evidence(value, 1.0), rule=Rule.NOT_LESS) for value in (0.8, 0.5))
    assert sentences._needed(near) <= sentences._needed(far) < sentences._needed(evidence(0.8, 1.0))


@pytest.mark.parametrize(
    "one",
    [
        evidence(1.0, 0.5),
        replace(ONE, effect=Estimate(0.5, np.nan, np.nan), n=1, degrees=0.0),
        replace(ONE, effect=Estimate(0.5, 0.5, 0.5)),
        evidence(0.99, 10.0),
    ],
)
def test_no_number_of_seeds_is_named_where_none_helps(one: Evidence) -> None:
    assert np.isnan(sentences._needed(one))


def test_what_would_tell_is_the_cheapest_and_says_its_cost() -> None:
    page = [evidence(0.5, 1.0, study="dear", seconds=100.0), evidence(0.5, 1.0, study="cheap", seconds=0.5)]
    (found,) = answers.answer([BY_ID["G1"]], page)
    more = int(sentences._needed(page[1])) - 10
    assert f"they are in cheap, {more} more seeds ({more + 10} in all, " in sentences.needed(found)
    unknown = [replace(one, seconds=np.nan) for one in page]
    (found,) = answers.answer([BY_ID["G1"]], unknown)
    assert f"({more + 10} in all) would tell" in sentences.needed(found)


def test_a_part_of_which_nothing_can_be_told_says_what_would_tell() -> None:
    page = [evidence(5.0, group="with SGD"), evidence(0.5, 1.0, group="with Adam", seconds=2.0)]
    (found,) = answers.answer([BY_ID["G1"]], page)
    more = int(sentences._needed(page[1])) - 10
    (said,) = sentences.untold(found)
    assert said.startswith("With Adam: Were effect and spread as they are in one, ") and f" {more} more seeds" in said
    assert sentences.answer(found).endswith("Cannot be told yet: with Adam.")
    (whole,) = answers.answer([BY_ID["G1"]], page[:1])
    assert sentences.untold(whole) == []


@pytest.mark.parametrize(("fresh", "setting"), [(0, "studies.one.grid.seeds"), (10, "studies.one.confirmation (")])
def test_evidence_names_what_to_edit_and_what_a_seed_takes(fresh: int, setting: str) -> None:
    made = study(fresh=fresh, rates=(0.01, 0.02), costs=costs({16: 2.0, 256: 1.0}))
    one = Comparison(
        "one", "best_of", **over_seeds(np.arange(5.0)), numbers={"best": 16, "other": 256, "unit": "points"}
    )
    found = sentences.as_evidence(BY_ID["G1"], one, made)
    assert found.setting.startswith(setting)
    assert found.seconds == 20 * 3 * (1 if fresh else 2)  # epochs, of all m, at each rate of the grid
    assert (found.claim, found.data, found.what, found.unit) == ("G1", "Made up", "m = 16 ahead of m = 256", "points")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_how_far_one_batch_size_is_ahead_is_above_0_for_the_better_one_whichever_way_the_metric_goes(metric) -> None:
    better = 0.5 + metric.sign * np.array([0.01, 0.02, 0.03])
    numbers = {"small": 2, "large": 4, "metric": metric.title, "unit": metric.differences}
    one = Comparison("one", "smallest_less_largest", **over_seeds(metric.gain(better, 0.5)), numbers=numbers)
    assert what(one) == f"test {metric.title}, m = 2 ahead of m = 4"
    assert one.effect.value == pytest.approx(metric.scale * 0.02) and unit(one) == metric.differences


def test_what_is_measured_in_the_metric_is_said_as_a_lead_and_of_losses_as_a_difference() -> None:
    of_metric = {name: words.what for name, words in FIELD.items() if words.unit == OF_METRIC}
    losses = {name for name, said in of_metric.items() if name.startswith("loss_")}
    assert losses == {"loss_after_epochs", "loss_after_updates"}
    assert {name for name, said in of_metric.items() if "ahead of" not in said} == losses | {"same_after_seconds"}
