"""Values of a metric as a reader sees them, in its unit. Plain text; a missing number is –."""

import math

from batchwise.data.metric import Metric
from batchwise.report.number_format import MISSING, known, number, shortest, signed


def bare(metric: Metric, value: float | None) -> str:
    """Return a value without its unit, for a table that names it: `97.1`."""
    return number(metric.scale * value, metric.decimals) if known(value) else MISSING


def shown(metric: Metric, value: float | None) -> str:
    """Return a value: `97.1 %`."""
    return with_unit(metric, bare(metric, value)) if known(value) else MISSING


def with_unit(metric: Metric, text: str) -> str:
    """Return a text followed by the unit of the metric, if it has one."""
    return f"{text} {metric.unit}".rstrip()


def interval(metric: Metric, low: float | None, high: float | None) -> str:
    """Return an interval without its unit: `96.0 to 97.3`."""
    if not (known(low) and known(high)):
        return MISSING
    return f"{bare(metric, low)} to {bare(metric, high)}"


def bare_difference(metric: Metric, value: float | None) -> str:
    """Return a difference of values with its sign and without its unit: `+0.25`."""
    return signed(metric.scale * value, _decimals_of_difference(metric)) if known(value) else MISSING


def bare_differences(metric: Metric, low: float | None, high: float | None) -> str:
    """Return the interval of a difference without its unit: `−0.40 to 0.90`."""
    if not (known(low) and known(high)):
        return MISSING
    return " to ".join(number(metric.scale * value, _decimals_of_difference(metric)) for value in (low, high))


def size_of_difference(metric: Metric, value: float) -> str:
    """Return how large a difference is, without its sign: `0.25 points`."""
    return f"{number(abs(metric.scale * value), _decimals_of_difference(metric))} {metric.differences}"


def _decimals_of_difference(metric: Metric) -> int:
    """Return one decimal more than values have, but none beyond a hundredth of the least margin."""
    return max(0, min(metric.decimals + 1, math.ceil(2 - math.log10(metric.least_margin))))


def margin(metric: Metric, amount: float) -> str:
    """Return a margin of the reliable range, which is in the unit of differences: `1 point`, `0.02 nats`."""
    return f"{shortest(amount)} {metric.difference_unit if amount == 1 else metric.differences}"


def heading(metric: Metric, split: str) -> str:
    """Return the heading of a column or an axis: `test accuracy (%)`."""
    return f"{split} {metric.title} ({metric.unit})" if metric.unit else f"{split} {metric.title}"
