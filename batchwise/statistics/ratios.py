"""The ratio of the medians of two samples with its 95 % interval."""

import numpy as np
from scipy import stats

from batchwise.statistics.intervals import CONFIDENCE, Estimate


def ratio_of_medians(a: np.ndarray, b: np.ndarray, seed: int = 0) -> Estimate:
    """Return median(a)/median(b) of two independent samples, `a` [n] and `b` [k], with its bootstrap interval.

    It takes percentiles: BCa needs the jackknife, which is not consistent for a median (Efron & Tibshirani 1993,
    section 11.6), and has no value for constant samples. The order of the values does not matter. A sample of one value
    has no interval. The median of b is not 0.
    """
    samples = np.sort(a), np.sort(b)
    ratio = float(_ratio(*samples))
    if min(len(a), len(b)) < 2:
        return Estimate(ratio, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    result = stats.bootstrap(
        samples, _ratio, confidence_level=CONFIDENCE, method="percentile", vectorized=True, rng=generator
    )
    (least_a, *_, most_a), (least_b, *_, most_b) = samples
    # Between two resamples rounding may go beyond them.
    return Estimate(ratio, *map(float, np.clip(result.confidence_interval, least_a / most_b, most_a / least_b)))


def _ratio(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.median(a, axis=axis) / np.median(b, axis=axis)
