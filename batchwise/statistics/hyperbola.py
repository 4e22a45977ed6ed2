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
NEAR = 4  # log units: within them from an m the grid of log B is dense
STEP, FINE = 0.1, 51  # log units between its points, and how many points there are between the neighbours of the best
PARAMETERS = 2
COMPARABLE = 5  # points: those that are left without one, two more than the parameters, test it


class Hyperbola(NamedTuple):
    """A law that was fitted to k points."""

    level: Estimate  # −inf where B is infinite
    batch_size: Estimate  # B, rows; 0 and infinite in the limits
    scatter: float  # τ, in the unit of y
    squares: float  # smallest weighted sum of squares without scatter: of χ² with k − 2 degrees where there is none
    expected: np.ndarray  # y at the m of the points, [k]


class Prediction(NamedTuple):
    """What a law says of all points that was fitted without some."""

    expected: np.ndarray  # y, [k]
    p_value: float  # of how far those left out are from it, with scatter and errors; for points that were named before


class _Grid(NamedTuple):
    """Values of log B [g], and log(1 + B/m) for each at `m` [k]."""

    log_batch_size: np.ndarray
    m: np.ndarray
    shapes: np.ndarray  # [g, k]


class _Curves(NamedTuple):
    """The best level for each log B of a grid [g], and the weighted sum of squares that it leaves."""

    level: np.ndarray
    squares: np.ndarray


def fit(m: np.ndarray, y: np.ndarray, errors: np.ndarray) -> Hyperbola:
    """Return the law through `y` [k] at different `m` [k], with standard errors [k] above 0; k is three at least.

    Data that only show a slope of −1 leave B without an upper bound, and flat data leave B at 0 or more.
    """
    grid = _whole_grid(m)
    scatter = _scatter(grid, y, errors)
    variances = errors**2 + scatter
    best = _best(grid, y, variances)
    at_best = _grid(np.array([best]), m)
    level, least = (float(one.item()) for one in _curves(at_best, y, variances))
    limit = least + float(stats.f.ppf(CONFIDENCE, 1, len(m) - PARAMETERS)) * _excess(least, len(m))
    low, high = _ends(_grid(np.union1d(grid.log_batch_size, best), m), y, variances, limit)
    within = _curves(_grid(np.linspace(low, high, 1001), m), y, variances)
    first, last = grid.log_batch_size[[0, -1]]
    return Hyperbola(
        _level(level, best == last, within, limit, variances, high == last),
        Estimate(*({first: 0.0, last: np.inf}.get(u, float(np.exp(u))) for u in (best, low, high))),
        float(np.sqrt(scatter)),
        float(_curves(_near_best(grid, y, errors**2), y, errors**2).squares.min()),
        level + at_best.shapes[0],
    )


def predict(m: np.ndarray, y: np.ndarray, errors: np.ndarray, out: np.ndarray) -> Prediction:
    """Return what the law of the other points says where some, `out` [k], are left out; three others at least.

    The distance of those left out is that of deleted residuals (Cook & Weisberg 1982, section 2.2): by how much the sum
    of squares grows when they join the others, whose scatter they have.
    """
    grid, others = _whole_grid(m), ~out
    of_others = _Grid(grid.log_batch_size, m[others], grid.shapes[:, others])
    variances = errors**2 + _scatter(of_others, y[others], errors[others])
    near = _near_best(of_others, y[others], variances[others])
    curves = _curves(near, y[others], variances[others])
    i = curves.squares.argmin()
    growth = _curves(_near_best(grid, y, variances), y, variances).squares.min() - curves.squares[i]
    lost, left = int(out.sum()), int(others.sum())
    ratio = growth / lost / _excess(curves.squares[i], left)
    expected = curves.level[i] + _grid(near.log_batch_size[[i]], m).shapes[0]
    return Prediction(expected, float(stats.f.sf(ratio, lost, left - PARAMETERS)))


def _grid(log_batch_size: np.ndarray, m: np.ndarray) -> _Grid:
    return _Grid(log_batch_size, m, np.log1p(np.exp(log_batch_size)[:, None] / m))


def _whole_grid(m: np.ndarray) -> _Grid:
    """Return log B from so far below all m that it stands for B = 0 to so far above that it stands for B = ∞."""
    low, high = np.log(m.min()), np.log(m.max())
    near = np.linspace(low - NEAR, high + NEAR, round((high - low + 2 * NEAR) / STEP))
    far = np.linspace(NEAR, FAR, 13)[1:]
    return _grid(np.concatenate([low - far[::-1], near, high + far]), m)


def _curves(grid: _Grid, y: np.ndarray, variances: np.ndarray) -> _Curves:
    rest, weights = y - grid.shapes, 1 / variances
    level = rest @ weights / weights.sum()
    return _Curves(level, np.square(rest - level[:, None]) @ weights)


def _near_best(grid: _Grid, y: np.ndarray, variances: np.ndarray) -> _Grid:
    """Return a fine grid about the best log B. There may be two valleys, so it is first looked for on the whole one."""
    values, i = grid.log_batch_size, int(_curves(grid, y, variances).squares.argmin())
    inner = 0 < i < len(values) - 1
    return _grid(np.linspace(values[i - 1], values[i + 1], FINE) if inner else values[[i]], grid.m)


def _best(grid: _Grid, y: np.ndarray, variances: np.ndarray) -> float:
    """Return the best log B."""
    near = _near_best(grid, y, variances).log_batch_size
    if len(near) == 1:
        return float(near[0])
    bounds, arguments = near[[0, -1]], (grid.m, y, variances)
    return float(minimize_scalar(_squares, bounds=bounds, args=arguments, options={"xatol": 1e-9}).x)


def _squares(log_batch_size: float, m: np.ndarray, y: np.ndarray, variances: np.ndarray) -> float:
    return float(_curves(_grid(np.array([log_batch_size]), m), y, variances).squares.item())


def _scatter(grid: _Grid, y: np.ndarray, errors: np.ndarray) -> float:
    """Return τ²."""

    def too_large(scatter: float) -> float:
        variances = errors**2 + scatter
        squares = _curves(_near_best(grid, y, variances), y, variances).squares.min()
        return float(squares) - (len(y) - PARAMETERS)

    return brentq(too_large, 0, len(y) * np.ptp(y) ** 2, rtol=1e-5) if too_large(0) > 0 else 0.0


def _excess(squares: float, points: int) -> float:
    """Return by what the variances are too small, 1 at least: squares are also small by chance."""
    return max(1.0, squares / (points - PARAMETERS))


def _ends(grid: _Grid, y: np.ndarray, variances: np.ndarray, limit: float) -> tuple[float, float]:
    """Return the lowest and highest log B whose sum of squares is within `limit`, at most the ends of the grid."""
    values, within = grid.log_batch_size, np.flatnonzero(_curves(grid, y, variances).squares <= limit)

    def crossing(inside: int, outside: int) -> float:
        if not 0 <= outside < len(values):
            return float(values[inside])
        return brentq(lambda u: _squares(u, grid.m, y, variances) - limit, values[inside], values[outside])

    return crossing(within[0], within[0] - 1), crossing(within[-1], within[-1] + 1)


def _level(
    best: float, infinite: bool, within: _Curves, limit: float, variances: np.ndarray, unbounded: bool
) -> Estimate:
    """Return the level with the lowest and highest that stay within `limit` at some B; it falls as B grows to ∞."""
    half = np.sqrt(np.maximum(limit - within.squares, 0) / np.sum(1 / variances))
    low = -np.inf if unbounded else float((within.level - half).min())
    return Estimate(-np.inf if infinite else best, low, float((within.level + half).max()))
