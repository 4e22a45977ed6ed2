"""The memory of an update of m rows of T tokens, M = c + d·m·T + d₂·m·T², with 95 % intervals."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from batchwise.statistics.intervals import Estimate, t_quantile

# A term in T² is taken where it differs from 0 at this level (the F test of nested models, which for one term is that
# of Student's t) and is so much of a row's memory at the longest T: a line is never quite straight, and F sees it.
LEVEL, SHARE = 0.01, 0.1
LEAST = 4  # points: two parameters, and two degrees of freedom


@dataclass(frozen=True)
class MemoryFit:
    """Least squares through points of equal error; `params` are c, d and, where there is one, d₂, in bytes."""

    params: np.ndarray  # [2 or 3]
    covariance: np.ndarray  # of these
    degrees: int  # of freedom
    p_square: float  # of the F test of the term in T²; NaN where it was not tested
    r_squared: float
    points: int
    error: float  # standard deviation of the residuals, bytes

    @property
    def constant(self) -> Estimate:
        """The bytes of a process without rows, c."""
        return self._estimate(np.array([1.0, 0.0, 0.0]))

    @property
    def token(self) -> Estimate:
        """The bytes of a token of a row, d."""
        return self._estimate(np.array([0.0, 1.0, 0.0]))

    @property
    def square(self) -> Estimate | None:
        """The bytes of a pair of tokens of a row, d₂; None without such a term."""
        return self._estimate(np.array([0.0, 0.0, 1.0])) if len(self.params) > 2 else None

    def row(self, tokens: float) -> Estimate:
        """Return the bytes of a row of T tokens, d·T + d₂·T²."""
        return self._estimate(np.array([0.0, tokens, tokens**2]))

    def at(self, batch_size: np.ndarray | float, tokens: np.ndarray | float) -> np.ndarray:
        """Return the bytes of an update of m rows of T tokens."""
        return _terms(np.asarray(batch_size, float), np.asarray(tokens, float), len(self.params)) @ self.params

    def most_rows(self, tokens: float, limit: float) -> float:
        """Return the largest m of T tokens that fits into `limit` bytes, no whole number; 0 if none does."""
        return max(0.0, (limit - self.constant.value) / self.row(tokens).value)

    def _estimate(self, weights: np.ndarray) -> Estimate:
        weights = weights[: len(self.params)]
        value = float(weights @ self.params)
        half = float(t_quantile(self.degrees)) * float(np.sqrt(weights @ self.covariance @ weights))
        return Estimate(value, value - half, value + half)


def memory_fit(batch_size: np.ndarray, tokens: np.ndarray, peak: np.ndarray) -> MemoryFit | None:
    """Return the fit to peaks [n], bytes, at m [n] and T [n]; None for too few points, or rows that take nothing.

    The term in T² is taken as LEVEL and SHARE say, where there are three lengths or more: two differ by anything.
    """
    m, length, y = (np.asarray(values, float) for values in (batch_size, tokens, peak))
    if len(y) < LEAST or len(np.unique(m * length)) < LEAST - 1:
        return None
    line = _least_squares(m, length, y, 2)
    found, p = line, np.nan
    if len(np.unique(length)) > 2 and len(y) > LEAST:
        curve = _least_squares(m, length, y, 3)
        error = float(np.sqrt(curve.covariance[2, 2]))
        t = curve.params[2] / error if error > 0 else np.inf
        p = float(2 * stdtr(curve.degrees, -abs(t)))
        longest = length.max()
        share = curve.params[2] * longest**2 / curve.row(longest).value
        found = curve if p < LEVEL and share >= SHARE else line
    return MemoryFit(**{**vars(found), "p_square": p}) if found.params[1] > 0 else None


def _least_squares(m: np.ndarray, tokens: np.ndarray, y: np.ndarray, number: int) -> MemoryFit:
    terms = _terms(m, tokens, number)
    scale = terms.max(axis=0)  # the terms differ by powers of ten
    params, *_ = np.linalg.lstsq(terms / scale, y, rcond=None)
    left, degrees = y - terms / scale @ params, len(y) - number
    variance = left @ left / degrees
    inverse = np.linalg.pinv((terms / scale).T @ (terms / scale)) / np.outer(scale, scale)
    spread = np.square(y - y.mean()).sum()
    r_squared = float(1 - left @ left / spread) if spread else np.nan
    return MemoryFit(params / scale, variance * inverse, degrees, np.nan, r_squared, len(y), float(np.sqrt(variance)))


def _terms(m: np.ndarray, tokens: np.ndarray, number: int) -> np.ndarray:
    """Return the columns 1, m·T and m·T², as many as there are parameters."""
    return np.stack([np.ones_like(m * tokens), m * tokens, m * tokens**2], axis=-1)[..., :number]


def ratio(one: Estimate, other: Estimate) -> Estimate:
    """Return one positive estimate divided by another that is independent of it, with a 95 % interval.

    It is that of their relative errors, on the log scale (delta method).
    """
    half = float(np.linalg.norm([(found.high - found.low) / 2 / found.value for found in (one, other)]))
    value = one.value / other.value
    return Estimate(value, value * float(np.exp(-half)), value * float(np.exp(half)))
