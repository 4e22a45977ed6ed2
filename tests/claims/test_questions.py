"""The questions: each with what measures it, and refused where their file is damaged."""

from pathlib import Path

import pytest

from batchwise.claims import questions
from batchwise.claims.comparison import Rule
from batchwise.claims.verdicts import SAYS, Verdict
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from tests.claims.judged import QUESTIONS, answered
from tests.fabricated_studies import study

CLAIMS = (ROOT / "reports/claims.csv").read_text()


def test_every_question_is_measured_by_a_function_and_no_other() -> None:
    assert sorted(one.id for one in QUESTIONS) == sorted(questions.MEASURES)
    assert {one.id[0] for one in QUESTIONS} == {*questions.SECTIONS}
    assert all(one.question.endswith("?") and one.needs for one in QUESTIONS)


@pytest.mark.parametrize("one", QUESTIONS, ids=lambda one: one.id)
def test_every_question_says_what_would_matter_and_what_each_verdict_means(one: questions.Question) -> None:
    assert one.criterion and (one.margin > 0) == (one.rule != Rule.COUNTED)
    possible = {*SAYS.get(one.rule, (Verdict.YES, Verdict.NO))}
    texts = {Verdict.YES: one.yes, Verdict.SAME: one.same, Verdict.NO: one.no}
    assert {verdict for verdict, text in texts.items() if text} >= possible


@pytest.mark.parametrize("asked", ["O1", "O6", "T2"])
def test_what_is_not_measured_names_the_study_to_run(asked: str) -> None:
    assert answered(asked, study()).judged == ()


def test_other_pipelines_ask_nothing_of_their_own() -> None:
    for path in sorted((ROOT / "paper").rglob("reports/claims.csv")):
        asked = questions.read(path)
        assert asked == [one for one in QUESTIONS if one.id in {each.id for each in asked}]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("G1,", "G9,"),
        ("G1,", "G3,"),
        (",more,1.1,times as fast", ",mor,1.1,times as fast"),
        (",more,1.1,times as fast", ",more,ten,times as fast"),
        (",more,1.1,times as fast", ",more,-1.1,times as fast"),
        (",more,1.1,times as fast", ",more,nan,times as fast"),
        (",more,1.1,times as fast", ",more,inf,times as fast"),
        ("margin,", "bound,"),
        ("rule,margin", "rule"),
        ('"any study, with its profile"', '"any study, with its profile'),
        ("S5,", "S5,S5,"),
    ],
)
def test_damaged_questions_are_told(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "claims.csv"
    assert old in CLAIMS
    path.write_text(CLAIMS.replace(old, new, 1))
    with pytest.raises(UserError, match=r"claims\.csv is damaged .*git restore"):
        questions.read(path)


def test_missing_questions_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        questions.read(tmp_path / "claims.csv")
