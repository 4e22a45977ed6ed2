"""One comparison of a question in one study: an effect with its interval, and the margin above which it matters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from batchwise.analysis.selection import DIGITS
from batchwise.statistics.equivalence import Tests, tests
from batchwise.statistics.intervals import Estimate, mean_interval, t_quantile

# What an effect is a mean of, or a fit to: what its n counts.
SEEDS, PROCESSES, BATCH_SIZES, RUNS = "seeds", "processes", "batch sizes", "runs"
LENGTHS, UPDATES = "lengths", "updates"  # of text, and of several m at these


class Scale(StrEnum):
    """How effects of a kind are compared with their margin."""

    DIFFERENCE = "difference"
    RATIO = "ratio"  # by their logarithms: 1 is no effect, and the margin a factor above 1
    COUNT = "count"  # counted, so without a doubt: 0 is as it should be


class Rule(StrEnum):
    """What a question asks of an effect and its margin δ. What is counted within another is always asked whether 0."""

    MORE = "more"  # is it above δ? No where it is below −δ; between, it makes no difference that matters
    DIFFERENT = "different"  # is it beyond ±δ, on either side?
    EQUAL = "equal"  # is it within ±δ?
    NOT_LESS = "not less"  # is it above −δ?
    COUNTED = "counted"  # is it 0?


@dataclass(frozen=True)
class Comparison:
    """One measurement in one study. report/sentences says it in words."""

    study: str  # its name, or several as in Statement.studies
    quantity: str  # what is compared: a key of report/sentences/comparisons.py
    effect: Estimate  # positive, or a ratio above 1, where the answer to the question is yes
    degrees: float  # of freedom of its interval
    n: int
    sample: str  # what n counts
    margin: float = 0.0  # what would matter, in the unit of the effect
    scale: Scale = Scale.DIFFERENCE
    group: str = ""  # that a question may tell apart, as a reader is told
    numbers: Mapping[str, Any] = field(default_factory=dict)  # batch sizes, rates, … for the sentence

    @property
    def tests(self) -> Tests:
        """The p-values of an effect above the margin, within it on both sides, and below."""
        value, error, margin = on_scale(self.effect, self.degrees, self.margin, self.scale)
        return tests(value, error, self.degrees, margin)


def on_scale(effect: Estimate, degrees: float, margin: float, scale: str) -> tuple[float, float, float]:
    """Return an effect, its standard error and the margin on the scale of the test; the error is NaN without interval.

    The interval is one of Student's t on that scale.
    """
    if scale == Scale.RATIO:
        with np.errstate(divide="ignore", invalid="ignore"):
            effect, margin = Estimate(*np.log(effect)), float(np.log(margin))
    half = (effect.high - effect.low) / 2
    error = half / t_quantile(degrees) if degrees > 0 and np.isfinite(half) else np.nan
    return effect.value, float(error), margin


def over_seeds(values: np.ndarray, resolution: float = 0.0) -> dict[str, Any]:
    """Return the mean of `values` [seeds] as fields of a Comparison; values that are not finite do not count.

    `resolution` is the step in which values are counted: a spread that is smaller cannot be seen, so that of a uniform
    distribution over a step is the least, and values that are all equal are no proof.
    """
    values = np.asarray(values, float)
    known = values[np.isfinite(values)].round(DIGITS)
    mean, low, high, n = (bound.item() for bound in mean_interval(known[None]))
    if n > 1:
        half = max((high - low) / 2, float(t_quantile(n - 1)) * resolution / np.sqrt(12 * n))
        low, high = mean - half, mean + half
    return {"effect": Estimate(mean, low, high), "degrees": n - 1, "n": n, "sample": SEEDS}


def ratio_over_seeds(logs: np.ndarray, resolution: float = 0.0) -> dict[str, Any]:
    """Return the geometric mean of ratios, of their logarithms [seeds], as fields of a Comparison."""
    found = over_seeds(logs, resolution)
    return found | {"effect": Estimate(*np.exp(found["effect"])), "scale": Scale.RATIO}


def fitted(estimate: Estimate, points: int) -> dict[str, Any]:
    """Return a parameter of a straight line through as many points, one for each batch size, with a t interval."""
    return {"effect": estimate, "degrees": points - 2, "n": points, "sample": BATCH_SIZES}


def counted(found: int, n: int, sample: str) -> dict[str, Any]:
    """Return how many of `n` are not as they should be."""
    return {"effect": Estimate(*[float(found)] * 3), "degrees": np.inf, "n": n, "sample": sample, "scale": Scale.COUNT}
