"""A claim judged by itself on made-up studies, and the values of their runs."""

import re
from collections.abc import Callable

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims import verdicts
from batchwise.common.repository import ROOT
from batchwise.report.sentences import claims as sentences

CLAIMS = verdicts.read(ROOT / "reports/claims.csv")
BY_ID = {claim.id: claim for claim in CLAIMS}


def verdict(claim: str, *studies: StudyResults) -> str:
    """Return the verdict on one claim, judged by itself; all that it rests on can be said in words."""
    (judged,) = verdicts.judge([BY_ID[claim]], list(studies)).values()
    for comparison in judged.evidence.comparisons:
        assert not re.search(r"[{}]|\bnan\b", sentences.effect(comparison))
    return judged.verdict


def noisy(mean: Callable[[int, float], float], scale: float = 0.002, salt: int = 0) -> Callable:
    """Return an accuracy by (m, η̃, seed) around `mean` of (m, η̃), with noise of its own for each run and salt."""

    def value(m, rate, seed):
        return mean(m, rate) + scale * np.random.default_rng([m, int(rate * 2**30), seed, salt]).normal()

    return value


def of_size(values: dict[int, float], scale: float = 0.002) -> Callable:
    """Return an accuracy by (m, η̃, seed) around that of its m."""
    return noisy(lambda m, rate: values[m], scale)
