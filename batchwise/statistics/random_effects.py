"""What several studies found of the same effect: its mean, and what a study like them would find."""

from typing import NamedTuple

import numpy as np
from statsmodels.stats.meta_analysis import combine_effects

from batchwise.statistics.intervals import NONE, Estimate, t_quantile

LEAST = 3  # studies
EXACT = 1e-6  # the least standard error, as a part of the largest difference or error: one of 0 would be all the weight
STEPS = 100  # of the iteration for tau, which takes some 40 from so small an error


class RandomEffects(NamedTuple):
    """The mean of the effects of studies; `prediction` has its value, and the interval of a new study's true effect."""

    mean: Estimate
    prediction: Estimate
    tau: float  # the standard deviation of true effects between studies, NaN for fewer than three
    studies: int


def summarise(effects: np.ndarray, standard_errors: np.ndarray) -> RandomEffects:
    """Return the random-effects summary of `effects` [k] with their `standard_errors` [k], in their unit.

    Studies where one of the two is NaN do not count; fewer than three have a mean without intervals. tau is that of
    Paule & Mandel (1982). The interval of the mean has the quantile of t on k − 1 degrees: it holds in 93 to 100 %,
    that of Hartung & Knapp (2001) in 91 to 97 %. The prediction interval is that of Higgins, Thompson & Spiegelhalter
    (2009, section 3.3), on k − 2. It holds in 85 to 100 %, least where tau is about a standard error, and with three
    studies it says little: for few and unlike studies both describe these studies, and prove nothing.
    """
    known = ~np.isnan(effects) & ~np.isnan(standard_errors)
    order = np.lexsort((standard_errors[known], effects[known]))  # studies have no order
    effects, errors = effects[known][order], standard_errors[known][order]
    k = len(effects)
    if k < LEAST:
        value = float(effects.mean()) if k else np.nan
        return RandomEffects(NONE._replace(value=value), NONE._replace(value=value), np.nan, k)
    errors = np.maximum(errors, EXACT * max(np.ptp(effects), errors.max()))
    if not errors.any():
        same = Estimate(*[float(effects[0])] * 3)
        return RandomEffects(same, same, 0.0, k)
    with np.errstate(divide="ignore"):  # of a measure of heterogeneity that is not used here
        found = combine_effects(effects, errors**2, method_re="iterated", use_t=True, maxiter=STEPS)
    low, high = found.conf_int()[1]
    half = t_quantile(k - 2) * np.sqrt(found.tau2 + found.sd_eff_w_re**2)
    value = float(found.mean_effect_re)
    return RandomEffects(
        Estimate(value, float(low), float(high)),
        Estimate(value, float(value - half), float(value + half)),
        float(np.sqrt(found.tau2)),
        k,
    )
