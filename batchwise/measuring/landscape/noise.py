"""The gradient noise scale B_simple = tr Σ/‖G‖² (McCandlish et al. 2018, arXiv 1812.06162, eq. 2.9 and app. A.1).

G is the gradient of the loss over all training rows, Σ the covariance of the gradient of one of them. A batch is drawn
with replacement, so that its examples are independent.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

from batchwise.measuring.landscape.moments import moments

SMALL_BATCH, LARGE_BATCH = 16, 1024  # b and B, rows; a large batch is made of small ones
PAIRS = 64  # draws of a large batch
RESAMPLES = 999  # of the bootstrap


class Noise(NamedTuple):
    """B_simple with its 95 % interval, and the estimates of ‖G‖² and tr Σ that it is made of.

    Where ‖G‖² cannot be told from 0, the noise scale or the upper bound is infinite; NaN if there is no gradient.
    """

    scale: float
    low: float
    high: float
    norm_squared: float
    trace: float


def sample(
    gradients: Callable[[np.ndarray], Iterable[np.ndarray]], rows: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return (‖G_b‖², ‖G_B‖²), [pairs] each: the first a mean over the small batches that make up the large one.

    `gradients` takes batches of rows, [k, b], and yields their mean gradients, [·, P] at a time.
    """
    pairs = []
    for _ in range(PAIRS):
        of_pair = moments(gradients(random.integers(rows, size=(LARGE_BATCH // SMALL_BATCH, SMALL_BATCH))))
        pairs.append((of_pair.mean_square, float(of_pair.mean @ of_pair.mean)))
    small, large = np.array(pairs).T
    return small, large


def noise_scale(small: np.ndarray, large: np.ndarray, small_batch: int, large_batch: int) -> Noise:
    """Return the noise scale from ‖G_b‖² and ‖G_B‖², [pairs] each (McCandlish et al. 2018, app. A.1).

    The unbiased estimates of ‖G‖² and tr Σ are averaged over the pairs before one is divided by the other. The interval
    is a bootstrap (BCa) over the pairs of 1/B_simple, which is finite where ‖G‖² is near 0.
    """
    norms = (large_batch * large - small_batch * small) / (large_batch - small_batch)
    traces = (small - large) / (1 / small_batch - 1 / large_batch)
    norm, trace = float(norms.mean()), float(traces.mean())
    if trace <= 0:
        return Noise(np.nan, np.nan, np.nan, norm, trace)
    interval = stats.bootstrap(
        (norms, traces),
        lambda norms, traces, axis: norms.mean(axis) / traces.mean(axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = _inverse(interval.high), _inverse(interval.low)
    return Noise(_inverse(norm / trace), low, high, norm, trace)


def _inverse(value: float) -> float:
    return 1 / float(value) if value > 0 else np.inf
