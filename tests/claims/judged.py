"""A question answered from made-up studies alone, and the values of their runs."""

import re
from collections.abc import Callable

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims import answers, questions
from batchwise.claims.answers import Answer
from batchwise.common.repository import ROOT
from batchwise.report.sentences import questions as sentences

QUESTIONS = questions.read(ROOT / "reports/claims.csv")
BY_ID = {question.id: question for question in QUESTIONS}
BROKEN = re.compile(r"[{}]|\b(?:nan|inf|None)\b")  # what a number that is missing leaves in a sentence


def answered(asked: str, *studies: StudyResults) -> Answer:
    """Return the answer to one question from some studies; all that it rests on can be said in words."""
    by_name = {study.name: study for study in studies}
    measured = questions.measure([BY_ID[asked]], list(studies))
    found = [sentences.as_evidence(question, one, by_name[one.study]) for question, one in measured]
    (answer,) = answers.answer([BY_ID[asked]], found)
    check_words(answer)
    return answer


def says(asked: str, *studies: StudyResults) -> list[str]:
    """Return the verdict of each comparison of a question, `yes` or another, in their order."""
    return [one.verdict.value for one in answered(asked, *studies).judged]


def check_words(answer: Answer) -> None:
    """Assert that nothing is missing in any sentence of an answer."""
    whole = [sentences.answer(answer), sentences.certainty(answer), *map(sentences.mean, answer.means)]
    assert whole[0].endswith(".") and "–" not in whole[0]
    for text in [*whole, *(cell for one in answer.judged for cell in sentences.row(one))]:
        assert not BROKEN.search(text), text


def noisy(mean: Callable[[int, float], float], scale: float = 0.002, salt: int = 0) -> Callable:
    """Return an accuracy by (m, η̃, seed) around `mean` of (m, η̃), with noise of its own for each run and salt."""

    def value(m, rate, seed):
        return mean(m, rate) + scale * np.random.default_rng([m, int(rate * 2**30), seed, salt]).normal()

    return value


def of_size(values: dict[int, float], scale: float = 0.002) -> Callable:
    """Return an accuracy by (m, η̃, seed) around that of its m."""
    return noisy(lambda m, rate: values[m], scale)
