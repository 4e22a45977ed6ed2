"""Made-up pages of evidence, for the tests of verdicts, answers and sentences."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from batchwise.claims.comparison import SEEDS, Rule, Scale
from batchwise.claims.evidence import Evidence
from batchwise.statistics.intervals import Estimate, t_quantile

ONE = Evidence(
    claim="G1",
    study="one",
    data="Made up",
    group="",
    what="m = 16 ahead of m = 256",
    effect=Estimate(0.0, -1.0, 1.0),
    unit="points",
    margin=1.0,
    rule=Rule.MORE,
    scale=Scale.DIFFERENCE,
    degrees=9.0,
    n=10,
    sample=SEEDS,
    machine="made up",
    seconds=1.0,
    setting="studies.one.grid.seeds",
)


def evidence(value: float, error: float = 0.1, **changes: Any) -> Evidence:
    """Return a comparison whose effect has a standard error; both are logarithms where it is a ratio."""
    one = replace(ONE, **changes)
    half = float(t_quantile(one.degrees)) * error if np.isfinite(one.degrees) else 0.0
    effect = Estimate(*(float(value + side * half) for side in (0, -1, 1)))
    return replace(one, effect=Estimate(*map(float, np.exp(effect))) if one.scale == Scale.RATIO else effect)


def saying(verdict: str, study: str = "one", **changes: Any) -> Evidence:
    """Return a comparison that clearly says something, to a question of the rule `more`."""
    if verdict == "cannot be told":
        return evidence(0.9, 1.0, study=study, **changes)
    value = {"yes": 5.0, "no": -5.0, "no difference that matters": 0.0}[verdict]
    return evidence(value, study=study, **changes)


def finite(low: float, high: float) -> st.SearchStrategy[float]:
    """Return numbers with few digits."""
    return st.integers(int(100 * low), int(100 * high)).map(lambda number: number / 100)


TESTED = st.builds(
    evidence,
    finite(-4, 4),
    finite(0.01, 2),
    margin=finite(1.01, 2),
    rule=st.sampled_from([rule for rule in Rule if rule != Rule.COUNTED]),
    scale=st.sampled_from([Scale.DIFFERENCE, Scale.RATIO]),
    degrees=st.integers(1, 40).map(float),
    study=st.sampled_from(["one", "two", "three"]),
    group=st.sampled_from(["", "SGD", "Adam"]),
)
COUNTED = st.builds(
    lambda found, n: replace(ONE, effect=Estimate(found, found, found), n=n, scale=Scale.COUNT, degrees=np.inf),
    st.sampled_from([0.0, 2.0]),
    st.integers(1, 9),
)
UNMEASURED = TESTED.map(lambda one: replace(one, effect=Estimate(one.effect.value, np.nan, np.nan)))
PAGES = st.lists(TESTED | COUNTED | UNMEASURED, max_size=12)
TESTED_PAGES = st.lists(TESTED | UNMEASURED, max_size=12)
