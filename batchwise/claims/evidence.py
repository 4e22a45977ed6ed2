"""What speaks for or against a claim: comparisons with their intervals, and the p-values of both directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from batchwise.analysis.selection import DIGITS
from batchwise.statistics.fits import Estimate
from batchwise.statistics.intervals import CONFIDENCE, mean_interval

POWER = 0.8
MOST_SEEDS = 1000  # nobody trains more


class Comparison(NamedTuple):
    """One measurement of a claim in one study."""

    study: str
    what: str  # what is compared
    unit: str  # of the effect
    effect: float
    low: float  # of its 95 % interval
    high: float
    n: int
    counted: str  # what n counts: seeds, repetitions, batch sizes
    p_for: float  # one-sided: how likely the data, or more, if the claim were not right here
    p_against: float  # one-sided: how likely the data, or more, if the claim were right here
    right: tuple[float, float]  # the effects with which the claim is right, from … to …


class Spread(NamedTuple):
    """How much the log of a ratio of times differs from one pair of processes to another."""

    deviation: float
    degrees: float  # pairs that were seen


NO_SPREAD = Spread(0.0, np.inf)


@dataclass(frozen=True)
class Evidence:
    """All comparisons of a claim. Without any, the claim is not decided."""

    comparisons: tuple[Comparison, ...] = ()
    p_for: float = 1.0
    p_against: float = 1.0


def all_of(comparisons: Sequence[Comparison]) -> Evidence:
    """Return the evidence of a claim that is right if each comparison says so, and wrong if any says the contrary.

    For it speaks the weakest (intersection–union test; Berger 1982, Technometrics 24(4)); against it the strongest,
    with Bonferroni's correction for their number.
    """
    if not comparisons:
        return Evidence()
    against = len(comparisons) * min(one.p_against for one in comparisons)
    return Evidence(tuple(comparisons), max(one.p_for for one in comparisons), min(1.0, against))


def above(study: str, what: str, unit: str, values: np.ndarray, bound: float = 0.0) -> Comparison:
    """Return the comparison that is right if the mean of `values` [seeds] is above `bound` (Student's t-test)."""
    values = _known(values)
    greater, less = (_t_test(values, bound, side) for side in ("greater", "less"))
    return Comparison(study, what, unit, *_mean(values), len(values), "seeds", greater, less, (bound, np.inf))


def within(study: str, what: str, unit: str, values: np.ndarray, margin: float) -> Comparison:
    """Return the comparison that is right if the mean of `values` [seeds] is within ±margin (two one-sided t-tests).

    It is wrong if the mean is beyond the margin, on either side.
    """
    values = _known(values)
    beyond = min(_t_test(values, margin, "greater"), _t_test(values, -margin, "less"))
    if len(values) < 2 or np.ptp(values) < 10.0**-DIGITS:
        inside = max(_t_test(values, -margin, "greater"), _t_test(values, margin, "less"))
    else:
        inside = DescrStatsW(values).ttost_mean(-margin, margin)[0]
    return Comparison(
        study, what, unit, *_mean(values), len(values), "seeds", float(inside), min(1.0, 2 * beyond), (-margin, margin)
    )


def estimate_above(
    study: str, what: str, unit: str, estimate: Estimate, bound: float, n: int, degrees: float
) -> Comparison:
    """Return the comparison that is right if an estimate with a symmetric 95 % interval is above `bound`.

    `degrees` are those of Student's t: points less parameters of a fit, or infinite for a bootstrap.
    """
    return Comparison(
        study, what, unit, *estimate, n, "batch sizes", *_tails(estimate, bound, degrees), (bound, np.inf)
    )


def ratio_below(
    study: str, what: str, unit: str, ratio: Estimate, bound: float, n: int, spread: Spread = NO_SPREAD
) -> Comparison:
    """Return the comparison that is right if a bootstrapped ratio is below `bound`; it is taken on a log scale.

    To the bootstrap's variance comes that between processes, whose repetitions share what their process has; the
    degrees of the sum are those of Welch and Satterthwaite.
    """
    logs = Estimate(*np.log(ratio))
    error = (logs.high - logs.low) / 2 / stats.norm.ppf((1 + CONFIDENCE) / 2)
    whole = np.hypot(error, spread.deviation)
    degrees = spread.degrees * (whole / spread.deviation) ** 4 if spread.deviation > 0 else np.inf
    half = stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * whole
    logs = Estimate(logs.value, logs.value - half, logs.value + half)
    over, under = _tails(logs, np.log(bound), degrees)
    return Comparison(study, what, unit, *np.exp(logs), n, "repetitions", under, over, (-np.inf, bound))


def estimate_within(
    study: str, what: str, unit: str, estimate: Estimate, centre: float, margin: float, n: int, degrees: float
) -> Comparison:
    """Return the comparison that is right if an estimate is within `centre` ± `margin`, and wrong if it is beyond."""
    over_low, under_low = _tails(estimate, centre - margin, degrees)
    over_high, under_high = _tails(estimate, centre + margin, degrees)
    beyond = min(1.0, 2 * min(under_low, over_high))
    return Comparison(
        study,
        what,
        unit,
        *estimate,
        n,
        "batch sizes",
        max(over_low, under_high),
        beyond,
        (centre - margin, centre + margin),
    )


def exact(study: str, what: str, unit: str, differing: int, n: int) -> Comparison:
    """Return the comparison of what is counted, not estimated: right if none of `n` differs."""
    p_for, p_against = (1.0, 0.0) if differing else (0.0, 1.0)
    return Comparison(study, what, unit, *[float(differing)] * 3, n, unit, p_for, p_against, (0.0, 0.0))


def seeds_needed(one: Comparison, claims: int) -> float:
    """Return how many seeds would decide a comparison with a probability of 80 %, were its effect and spread these.

    For a t-test at 5 % over the number of claims, which is Holm's first step. NaN where seeds are not what is counted,
    or there is no spread; infinite where it would be more than MOST_SEEDS.
    """
    distance = min(abs(one.effect - bound) for bound in one.right)
    half = (one.high - one.low) / 2
    if one.counted != "seeds" or not (one.n > 1 and half > 0 and np.isfinite(distance)):
        return np.nan
    deviation = half / stats.t.ppf((1 + CONFIDENCE) / 2, one.n - 1) * np.sqrt(one.n)
    seeds = np.arange(2.0, MOST_SEEDS + 1)
    alpha = (1 - CONFIDENCE) / claims / 2  # the other side, far away, cannot be computed everywhere
    power = TTestPower().power(distance / deviation, seeds, alpha, alternative="larger")
    return float(np.min(seeds[power >= POWER], initial=np.inf))


def _known(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    return values[~np.isnan(values)].round(DIGITS)


def _mean(values: np.ndarray) -> tuple[float, float, float]:
    interval = mean_interval(values[None])
    return interval.mean.item(), interval.low.item(), interval.high.item()


def _t_test(values: np.ndarray, bound: float, side: str) -> float:
    """Return the one-sided p-value; 1 for fewer than two seeds, and 0 or 1 where all of them are the same."""
    if len(values) < 2:
        return 1.0
    if np.ptp(values) < 10.0**-DIGITS:
        return float(values[0] <= bound if side == "greater" else values[0] >= bound)
    return float(stats.ttest_1samp(values, bound, alternative=side).pvalue)


def _tails(estimate: Estimate, bound: float, degrees: float) -> tuple[float, float]:
    """Return the one-sided p-values of being above and of being below the bound; 1 where there is no interval."""
    half = (estimate.high - estimate.low) / 2
    if not np.isfinite(half) or degrees < 1:
        return 1.0, 1.0
    if half == 0:
        return float(estimate.value <= bound), float(estimate.value >= bound)
    unit = half / stats.t.ppf((1 + CONFIDENCE) / 2, degrees)
    distance = (estimate.value - bound) / unit
    return float(stats.t.sf(distance, degrees)), float(stats.t.cdf(distance, degrees))
