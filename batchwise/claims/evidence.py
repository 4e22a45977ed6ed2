"""One comparison: what was measured, with which effects a claim is right, and the p-values of both directions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from batchwise.analysis.selection import DIGITS
from batchwise.statistics.intervals import CONFIDENCE, Estimate, mean_interval, t_quantile

# What an effect is a mean of, or a fit to: what its n counts.
SEEDS, REPETITIONS, BATCH_SIZES, RUNS, TIMES = "seeds", "repetitions", "batch sizes", "runs", "times"


class Rule(Enum):
    """Where an effect lies if the claim is right."""

    ABOVE = auto()  # a bound
    BELOW = auto()
    WITHIN = auto()  # two bounds; the claim is wrong beyond either
    NOT_ZERO = auto()  # on either side of 0; the claim is wrong within two bounds
    NONE_COUNTED = auto()  # of what is counted, not estimated


@dataclass(frozen=True)
class Right:
    """The effects with which a claim is right: made by above, below, within and not_zero."""

    rule: Rule
    low: float = -np.inf
    high: float = np.inf

    def distance(self, effect: float) -> float:
        """Return how far an effect is from where the claim begins to be wrong; negative where it is wrong."""
        return abs(effect) if self.rule is Rule.NOT_ZERO else min(effect - self.low, self.high - effect)


def above(bound: float) -> Right:
    """Return that the effect is above `bound`."""
    return Right(Rule.ABOVE, low=bound)


def below(bound: float) -> Right:
    """Return that the effect is below `bound`."""
    return Right(Rule.BELOW, high=bound)


def within(low: float, high: float) -> Right:
    """Return that the effect is within two bounds."""
    return Right(Rule.WITHIN, low, high)


def not_zero(margin: float) -> Right:
    """Return that the effect is not 0; against it speaks an effect within ±`margin`."""
    return Right(Rule.NOT_ZERO, -margin, margin)


NONE_COUNTED = Right(Rule.NONE_COUNTED, 0.0, 0.0)


class Tails(NamedTuple):
    """One-sided p-values: how likely the data, or more, if the effect were not above a bound, and if not below."""

    above: float
    below: float


@dataclass(frozen=True)
class Measured:
    """An effect, and how sure it is on which side of a bound it lies."""

    effect: Estimate
    n: int
    sample: str  # what n counts
    tails: Callable[[float], Tails]  # of a bound


class Spread(NamedTuple):
    """How much the log of a ratio of times differs from one pair of processes to another."""

    std: float
    degrees: float  # pairs that were seen


NO_SPREAD = Spread(0.0, np.inf)


@dataclass(frozen=True)
class Comparison:
    """One measurement of a claim in one study. report/sentences says it in words."""

    study: str  # its name, or several as in Statement.studies
    quantity: str  # what is compared: a key of report/sentences/comparisons.py
    numbers: Mapping[str, Any]  # batch sizes, rates, … for the sentence
    effect: Estimate
    n: int
    sample: str  # what n counts
    right: Right
    p_for: float  # how likely the data, or more, if the claim were not right here
    p_against: float  # how likely the data, or more, if the claim were right here

    @property
    def distance(self) -> float:
        """How far the effect is from where the claim begins to be wrong; negative where it is wrong."""
        return self.right.distance(self.effect.value)

    @property
    def is_counted(self) -> bool:
        """Whether the effect is counted, so that it has no interval."""
        return self.right.rule is Rule.NONE_COUNTED


def compare(study: str, quantity: str, measured: Measured, /, *, right: Right, **numbers: Any) -> Comparison:
    """Return the comparison of what was measured with the effects of a claim that is right."""
    p_for, p_against = _p_values(measured.tails, right)
    return Comparison(study, quantity, numbers, measured.effect, measured.n, measured.sample, right, p_for, p_against)


def over_seeds(values: np.ndarray) -> Measured:
    """Return the mean of `values` [seeds], with Student's t-test; values that are not finite do not count."""
    values = np.asarray(values, float)
    values = np.where(np.isfinite(values), values, np.nan)
    mean, low, high, n = (bound.item() for bound in mean_interval(values[None]))
    known = values[~np.isnan(values)].round(DIGITS)

    def tails(bound: float) -> Tails:
        return Tails(_t_test(known, bound, "greater"), _t_test(known, bound, "less"))

    return Measured(Estimate(mean, low, high), n, SEEDS, tails)


def fitted(estimate: Estimate, points: int) -> Measured:
    """Return a parameter of a straight line through as many points, one for each batch size, with a t interval."""
    return Measured(estimate, points, BATCH_SIZES, lambda bound: _tails(estimate, bound, points - 2))


def ratio(estimate: Estimate, n: int, spread: Spread = NO_SPREAD) -> Measured:
    """Return a bootstrapped ratio of times of `n` repetitions each; it is taken on a log scale.

    To the bootstrap's variance comes that between processes, whose repetitions share what their process has; the
    degrees of the sum are those of Welch and Satterthwaite.
    """
    logs = Estimate(*np.log(estimate))
    error = (logs.high - logs.low) / 2 / stats.norm.ppf((1 + CONFIDENCE) / 2)
    whole = np.hypot(error, spread.std)
    degrees = spread.degrees * (whole / spread.std) ** 4 if spread.std > 0 else np.inf
    half = t_quantile(degrees) * whole
    widened = Estimate(logs.value, logs.value - half, logs.value + half)
    return Measured(Estimate(*np.exp(widened)), n, REPETITIONS, lambda bound: _tails(widened, np.log(bound), degrees))


def counted(found: int, n: int, sample: str) -> Measured:
    """Return how many were `found` of `n`: counted, so without a doubt."""
    effect = Estimate(*[float(found)] * 3)
    return Measured(effect, n, sample, lambda bound: Tails(float(found <= bound), float(found > bound)))


def _p_values(tails: Callable[[float], Tails], right: Right) -> tuple[float, float]:
    """Return p_for and p_against."""
    match right.rule:
        case Rule.ABOVE:
            return tails(right.low)
        case Rule.BELOW | Rule.NONE_COUNTED:
            return tails(right.high)[::-1]
        case Rule.WITHIN:
            return _within(tails, right), min(1.0, 2 * min(tails(right.low).below, tails(right.high).above))
        case Rule.NOT_ZERO:
            return min(1.0, 2 * min(tails(0.0))), _within(tails, right)


def _within(tails: Callable[[float], Tails], right: Right) -> float:
    """Return the p-value of two one-sided tests (Schuirmann 1987)."""
    return max(tails(right.low).above, tails(right.high).below)


def _t_test(values: np.ndarray, bound: float, side: str) -> float:
    """Return the one-sided p-value; 1 for fewer than two seeds, and 0 or 1 where all of them are the same."""
    if len(values) < 2:
        return 1.0
    if np.ptp(values) < 10.0**-DIGITS:
        return float(values[0] <= bound if side == "greater" else values[0] >= bound)
    return float(stats.ttest_1samp(values, bound, alternative=side).pvalue)


def _tails(estimate: Estimate, bound: float, degrees: float) -> Tails:
    """Return the p-values of an estimate with a symmetric 95 % interval; 1 where there is no interval."""
    half = (estimate.high - estimate.low) / 2
    if not np.isfinite(half) or degrees < 1:
        return Tails(1.0, 1.0)
    if half == 0:
        return Tails(float(estimate.value <= bound), float(estimate.value >= bound))
    distance = (estimate.value - bound) / (half / t_quantile(degrees))
    return Tails(float(stats.t.sf(distance, degrees)), float(stats.t.cdf(distance, degrees)))
