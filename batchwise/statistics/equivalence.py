"""Two one-sided tests of an effect against a margin (Schuirmann 1987): whether it is larger, and whether it matters."""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr


class Tests(NamedTuple):
    """One-sided p-values: how likely the data, or more, if the effect were not where the field says."""

    above: float  # effect > margin
    within: float  # |effect| < margin
    below: float  # effect < −margin


UNKNOWN = Tests(1.0, 1.0, 1.0)


def tests(value: float, standard_error: float, degrees: float, margin: float) -> Tests:
    """Return the t tests of an effect, estimated as `value` with its standard error on `degrees` of freedom.

    `margin` > 0 is the least effect that matters, in the unit of the value; the value of `within` is the larger of two
    one-sided ones. A p-value is at most 2.5 % exactly where the 95 % interval lies wholly above, within or below the
    margins, and at most one of the three is below 50 %. Without an error they are 0 or 1, as the value says; where the
    value or its error is NaN, or there are no degrees, all are 1.
    """
    if np.isnan([value, standard_error]).any() or not degrees > 0:
        return UNKNOWN
    over = _greater(value - margin, standard_error, degrees)
    under = _greater(-margin - value, standard_error, degrees)
    not_over = _greater(margin - value, standard_error, degrees)
    not_under = _greater(value + margin, standard_error, degrees)
    return Tests(over, max(not_over, not_under), under)


def _greater(distance: float, standard_error: float, degrees: float) -> float:
    """Return the p-value of a distance above 0."""
    if standard_error == 0:
        return float(distance <= 0)
    return float(stdtr(degrees, -distance / standard_error))
