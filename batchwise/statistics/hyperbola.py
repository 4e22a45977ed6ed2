"""The law y = level + log(1 + B/m) through points over batch sizes, by random-effects regression.

A point has an error that is known, and the points scatter about the law beyond it: variance error² + τ². τ² is that of
Paule & Mandel (1982), with which the weighted sum of squares equals its degrees of freedom, or 0. Intervals hold the
parameters whose sum of squares an F test on k − 2 degrees does not tell from the smallest one, whatever the other
parameter is (profile likelihood, Bates & Watts 1988, section 6.1; few points, Knapp & Hartung 2003).
"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.optimize import brentq, minimize_scalar

from batchwise.statistics.intervals import CONFIDENCE, Estimate

FAR = 16  # log units: 1 + B/m is within 1e-7 of its limit where B is so far from every m
NEAR = 4  # log units: within them from an m the grid of log B is fine
PARAMETERS = 2
COMPARABLE = 5  # points: those that are left without one are two more than the parameters


class Hyperbola(NamedTuple):
    """A law that was fitted to k points."""

    level: Estimate  # −inf where B is infinite
    batch_size: Estimate  # B, rows; 0 and infinite in the limits
    scatter: float  # τ, in the unit of y
    squares: float  # smallest weighted sum of squares without scatter: of χ² with k − 2 degrees where there is none
    expected: np.ndarray  # y at the m of the points, [k]


class Prediction(NamedTuple):
    """What the law of the other points says of each point, [k]."""

    expected: np.ndarray  # y
    p_value: np.ndarray  # of the distance from it, scatter and errors considered; for one point that was named before


class _Curves(NamedTuple):
    """The best level for each log B of a grid [g], and the weighted sum of squares that it leaves."""

    level: np.ndarray
    squares: np.ndarray


def fit(m: np.ndarray, y: np.ndarray, errors: np.ndarray) -> Hyperbola:
    """Return the law through `y` [k] at different `m` [k], with standard errors [k] above 0; k is three at least.

    Data that only show a slope of −1 leave B without an upper bound, and flat data leave B at 0 or more.
    """
    grid = _grid(m)
    shapes = _shapes(grid, m)
    scatter = _scatter(shapes, y, errors)
    variances = errors**2 + scatter
    best = _best(grid, m, y, variances)
    at_best = _curves(_shapes(np.array([best]), m), y, variances)
    least = at_best.squares[0]
    limit = least + _worse(least, len(m) - PARAMETERS)
    low, high = _ends(np.union1d(grid, best), m, y, variances, limit)
    within = _curves(_shapes(np.linspace(low, high, 1001), m), y, variances)
    return Hyperbola(
        _level(float(at_best.level[0]), best == grid[-1], within, limit, variances, high == grid[-1]),
        Estimate(*(_unlogged(u, grid) for u in (best, low, high))),
        float(np.sqrt(scatter)),
        float(_curves(shapes, y, errors**2).squares.min()),
        at_best.level[0] + _shapes(np.array([best]), m)[0],
    )


def predict(m: np.ndarray, y: np.ndarray, errors: np.ndarray) -> Prediction:
    """Return for each of k points what the law of the others says; k is five at least.

    The distance is that of a deleted residual (Cook & Weisberg 1982, section 2.2): by how much the sum of squares grows
    when the point joins the others, whose scatter it keeps.
    """
    grid = _grid(m)
    shapes = _shapes(grid, m)
    expected, p_value = np.empty(len(m)), np.empty(len(m))
    for point in range(len(m)):
        others = np.arange(len(m)) != point
        scatter = _scatter(shapes[:, others], y[others], errors[others])
        variances = errors**2 + scatter
        curves = _curves(shapes[:, others], y[others], variances[others])
        best, degrees = curves.squares.argmin(), len(m) - 1 - PARAMETERS
        growth = _curves(shapes, y, variances).squares.min() - curves.squares[best]
        expected[point] = curves.level[best] + shapes[best, point]
        p_value[point] = stats.f.sf(growth / max(1, curves.squares[best] / degrees), 1, degrees)
    return Prediction(expected, p_value)


def _grid(m: np.ndarray) -> np.ndarray:
    """Return log B from so far below all m that it stands for B = 0 to so far above that it stands for B = ∞."""
    low, high = np.log(m.min()), np.log(m.max())
    near = np.linspace(low - NEAR, high + NEAR, round((high - low + 2 * NEAR) / 0.02))
    far = np.linspace(NEAR, FAR, 25)[1:]
    return np.concatenate([low - far[::-1], near, high + far])


def _shapes(log_batch_size: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Return log(1 + B/m), [g, k], for each log B [g]."""
    return np.logaddexp(0, log_batch_size[:, None] - np.log(m))


def _curves(shapes: np.ndarray, y: np.ndarray, variances: np.ndarray) -> _Curves:
    rest, weights = y - shapes, 1 / variances
    level = rest @ weights / weights.sum()
    return _Curves(level, np.square(rest - level[:, None]) @ weights)


def _scatter(shapes: np.ndarray, y: np.ndarray, errors: np.ndarray) -> float:
    """Return τ²."""
    degrees = len(y) - PARAMETERS

    def excess(scatter: float) -> float:
        return float(_curves(shapes, y, errors**2 + scatter).squares.min()) - degrees

    return brentq(excess, 0, len(y) * np.ptp(y) ** 2, rtol=1e-6) if excess(0) > 0 else 0.0


def _worse(least: float, degrees: int) -> float:
    """Return by how much a sum of squares may exceed the least: the errors alone may make it small by chance."""
    return float(stats.f.ppf(CONFIDENCE, 1, degrees)) * max(1.0, least / degrees)


def _best(grid: np.ndarray, m: np.ndarray, y: np.ndarray, variances: np.ndarray) -> float:
    """Return the best log B. There may be two valleys, so it is first looked for on the grid."""
    i = int(_curves(_shapes(grid, m), y, variances).squares.argmin())
    if not 0 < i < len(grid) - 1:
        return float(grid[i])
    bounds = grid[[i - 1, i + 1]]
    return float(minimize_scalar(_squares, bounds=bounds, args=(m, y, variances), options={"xatol": 1e-9}).x)


def _squares(log_batch_size: float, m: np.ndarray, y: np.ndarray, variances: np.ndarray) -> float:
    return float(_curves(_shapes(np.array([log_batch_size]), m), y, variances).squares[0])


def _ends(grid: np.ndarray, m: np.ndarray, y: np.ndarray, variances: np.ndarray, limit: float) -> tuple[float, float]:
    """Return the lowest and highest log B whose sum of squares is within `limit`, at most the ends of the grid."""
    within = np.flatnonzero(_curves(_shapes(grid, m), y, variances).squares <= limit)

    def crossing(inside: int, outside: int) -> float:
        if not 0 <= outside < len(grid):
            return float(grid[inside])
        return brentq(lambda u: _squares(u, m, y, variances) - limit, grid[inside], grid[outside])

    return crossing(within[0], within[0] - 1), crossing(within[-1], within[-1] + 1)


def _unlogged(log_batch_size: float, grid: np.ndarray) -> float:
    """Return B, which is 0 or infinite at the ends of the grid."""
    ends = {grid[0]: 0.0, grid[-1]: np.inf}
    return ends.get(log_batch_size, float(np.exp(log_batch_size)))


def _level(
    best: float, infinite: bool, within: _Curves, limit: float, variances: np.ndarray, unbounded: bool
) -> Estimate:
    """Return the level with the lowest and highest that stay within `limit` at some B; it falls as B grows to ∞."""
    half = np.sqrt(np.maximum(limit - within.squares, 0) / np.sum(1 / variances))
    low = -np.inf if unbounded else float((within.level - half).min())
    return Estimate(-np.inf if infinite else best, low, float((within.level + half).max()))
