"""What an update of plain SGD does: θ ← θ − η̃ Σ ∇L over its m rows (Masters & Luschi 2018, eq. 5)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from batchwise.measuring.landscape.moments import moments

UPDATE_BATCH_SIZES = (4, 16, 64)  # rows
RATE_FACTORS = (0.25, 1.0)  # of the base learning rate of the cell
DRAWS = 256  # updates at each (m, η̃)
PARTS = (2, 4, 8)  # n, updates in a row against one of all their rows
STEP_DRAWS = 4  # of the rows of max(PARTS) updates
LARGEST_STEP = 256  # rows of one of these updates, at most


class UpdateMoments(NamedTuple):
    """Of the update at one (m, η̃)."""

    mean_per_example: float  # projection of E[Δθ]/m on the direction of −G; its expectation is η̃‖G‖
    covariance_trace: float  # tr Cov[Δθ]; its expectation is η̃²·m·tr Σ


class Step(NamedTuple):
    """How far n updates Δ_n are from one update Δ_1 of all their rows."""

    parts: int  # n
    relative_distance: float  # ‖Δ_n − Δ_1‖/‖Δ_1‖
    cosine: float  # of the angle between Δ_n and Δ_1


def update_moments(
    gradients: Callable[[np.ndarray], Iterable[np.ndarray]],
    gradient: np.ndarray,
    rows: int,
    batch_size: int,
    base_learning_rate: float,
    random: np.random.Generator,
) -> UpdateMoments:
    """Return the moments of DRAWS updates from the same weights: η̃·G and η̃²·m·Σ, says claim L3.

    `gradients` takes batches of rows, [k, m], and yields their mean gradients, [·, P] at a time; `gradient` is G, [P].
    Batches are drawn with replacement, so that examples are independent.
    """
    batches = random.integers(rows, size=(DRAWS, batch_size))
    rate = base_learning_rate * batch_size
    of_updates = moments(-rate * part for part in gradients(batches))
    norm = float(np.linalg.norm(gradient))
    along = -float(of_updates.mean @ gradient) / norm if norm else 0.0
    return UpdateMoments(along / batch_size, of_updates.covariance_trace)


def steps(
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weights: np.ndarray,
    batches: np.ndarray,
    base_learning_rate: float,
) -> list[Step]:
    """Return for each n of PARTS the n first updates against one of their union, at the same η̃ (Goyal 2017, sec. 2.1).

    `gradient` takes weights [P] and the rows of a batch [m], and returns their mean gradient [P]; `weights` are those
    before the first update, `batches` [max(PARTS), m] are the rows of each update.
    """
    rate = base_learning_rate * batches.shape[1]
    one, many, found = np.zeros(len(weights)), np.zeros(len(weights)), []
    for number, rows in enumerate(batches, start=1):
        one -= rate * gradient(weights, rows)  # η̃·n·m times the mean over n·m rows
        many -= rate * gradient(weights + many, rows)
        if number in PARTS:
            found.append(_compared(number, many, one))
    return found


def _compared(parts: int, many: np.ndarray, one: np.ndarray) -> Step:
    length = np.linalg.norm(one)
    product = np.linalg.norm(many) * length
    if not 0 < product < np.inf:
        return Step(parts, np.nan, np.nan)
    return Step(parts, float(np.linalg.norm(many - one) / length), float(many @ one / product))
