"""How a statement of each kind is measured: comparisons by seed, positive where the statement is right.

Seeds are paired: the same seed starts from the same weights and sees the same order of examples at every m and η. The
best of a group of cells is chosen on validation rows, and its test accuracy compared. Of many equal cells that is in
part the luckiest, since a run's luck is in its weights: the larger group has a slight advantage. Its intervals are wide
enough for that (tests/test_comparison.py: with no effect at all, false verdicts are no more than the nominal 5 %).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from batchwise.analysis import seed_values
from batchwise.analysis.reliable_rates import octaves
from batchwise.analysis.seed_values import SeedValues, Undecidable

# As far below the best as a learning rate still serves: points / 100
SERVES = 0.02


class SeedEffects(NamedTuple):
    """What is compared, and by how much the statement is right for each seed, [seeds]."""

    what: str
    values: np.ndarray


def best_batch_size(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the best cell with m from `low` to `high` with the best of the other m, in test accuracy."""
    inside = _within(study.effective_batch_size, low, high)
    return [_contrast(study, inside, ~inside, study.effective_batch_size, "m")]


def maintained(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare, at each m from `low` to `high`, its best cell with the best of the m beyond these bounds.

    It must be less than 2 points behind. Every m is a comparison.
    """
    m, inside = study.effective_batch_size, _within(study.effective_batch_size, low, high)
    found = [_contrast(study, m == size, ~inside, m, "m") for size in _sizes([study], low, high, least=1)]
    return [SeedEffects(f"{one.what}, short of 2 points", one.values + SERVES) for one in found]


def best_normalization(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare, at each m, the best cell whose normalisation batch k is from `low` to `high` with the best of other k.

    Every m that has both is a comparison.
    """
    k = study.normalization_batch
    return _at_each_size(study, _within(k, low, high), np.ones(len(k), bool))


def smaller_normalization(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare, at each m from `low` to `high`, the best cell with a normalisation batch k < m with the best of k = m.

    Every m that has both is a comparison.
    """
    m = study.effective_batch_size
    return _at_each_size(study, study.normalization_batch < m, _within(m, low, high))


def falls(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Fit, for each seed, a line to test accuracy on log₂ m for m from `low` to `high`, each at its best η̃.

    The comparison is the fall with each doubling of m.
    """
    sizes = _sizes([study], low, high, least=2)
    return [SeedEffects(f"the fall over {_span(sizes)}", -_slope(sizes, _by_size(study, sizes)))]


def range_shrinks(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Fit, for each seed, a line to the width of the range of η̃ that converges on log₂ m, for m from `low` to `high`.

    η̃ converges in a run that does not diverge and whose validation accuracy is within 5 points of the seed's best cell.
    The width is the number of such η̃ times the mean step of the grid in octaves. The comparison is the loss with each
    doubling of m.
    """
    sizes = _sizes([study], low, high, least=2)
    return [SeedEffects(f"the range lost over {_span(sizes)}", -_slope(sizes, octaves(study, sizes)))]


def better(worse: SeedValues, study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare two studies, the second less the first, in test accuracy averaged over the m from `low` to `high`.

    Both are at their best η̃ for each m. An improvement on average is not one at every m.
    """
    sizes = _sizes([worse, study], low, high, least=1)
    gain = _gain(worse, study, sizes)
    return [SeedEffects(f"the mean gain over {_span(sizes)}", gain.mean(axis=0))]


def gain_grows(worse: SeedValues, study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Fit, for each seed, a line on log₂ m to the gain of the second study over the first, for m from `low` to `high`.

    Both are at their best η̃ for each m. The comparison is the growth of the gain with each doubling of m.
    """
    sizes = _sizes([worse, study], low, high, least=2)
    gain = _gain(worse, study, sizes)
    return [SeedEffects(f"the growth of the gain over {_span(sizes)}", _slope(sizes, gain))]


def reachable(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the best cell with m up to `high` with the best larger m at its η̃, which must lose more than 2 points.

    With `low`, each m from `low` to `high` must lose less than 2 points there, and is one more comparison. Without
    `high`, the larger m is the largest of the grid.
    """
    m = study.effective_batch_size
    high = int(m.max()) - 1 if high is None else high
    if not (m > high).any() or not (m <= high).any():
        raise Undecidable(f"the grid has no m {'up to' if (m > high).any() else 'above'} {high:,}")
    best = seed_values.choose(study, m <= high)
    usable = study.base_learning_rate == study.base_learning_rate[best]
    beyond = seed_values.choose(study, (m > high) & usable)
    inside = [] if low is None else np.flatnonzero(_within(m, low, high) & usable)
    loss, name = study.test[best] - study.test, f"at the η̃ that is best for m = {m[best]:,}, the loss of m = "
    return [
        SeedEffects(f"{name}{m[beyond]:,}, beyond 2 points", loss[beyond] - SERVES),
        *(SeedEffects(f"{name}{m[row]:,}, short of 2 points", SERVES - loss[row]) for row in inside),
    ]


def _within(sizes: np.ndarray, low: int | None, high: int | None) -> np.ndarray:
    return (sizes >= (low or 1)) & (sizes <= (high or np.inf))


def _contrast(study: SeedValues, inside: np.ndarray, outside: np.ndarray, sizes: np.ndarray, name: str) -> SeedEffects:
    """Compare the best cell inside with the best outside; `sizes` [cells] name them."""
    if not inside.any() or not outside.any():
        raise Undecidable(f"the grid has no {name} {'inside' if outside.any() else 'outside'} the bounds")
    best, other = seed_values.choose(study, inside), seed_values.choose(study, outside)
    what = f"{name} = {sizes[best]:,} against {sizes[other]:,}"
    return SeedEffects(what, study.test[best] - study.test[other])


def _at_each_size(study: SeedValues, inside: np.ndarray, among: np.ndarray) -> list[SeedEffects]:
    """Compare the best cell inside with the best other at each m of the cells `among`, named by normalisation batch.

    They have the same η̃ to choose from: those that each normalisation batch of the m has.
    """
    sizes = study.effective_batch_size
    cells = [_with_shared_rates(study, among & (sizes == m)) for m in np.unique(sizes[among])]
    both = [at for at in cells if inside[at].any() and not inside[at].all()]
    if not both:
        raise Undecidable("no m has normalisation batches of both kinds")
    return [
        _contrast(study, at & inside, at & ~inside, study.normalization_batch, f"m = {sizes[at][0]:,}, k")
        for at in both
    ]


def _with_shared_rates(study: SeedValues, among: np.ndarray) -> np.ndarray:
    """Return those of the cells whose η̃ is in the grid of every normalisation batch among them, [cells]."""
    k, rates = study.normalization_batch[among], study.base_learning_rate[among]
    shared = set.intersection(*({*rates[k == one]} for one in np.unique(k)))
    return among & np.isin(study.base_learning_rate, sorted(shared))


def _sizes(studies: list[SeedValues], low: int | None, high: int | None, least: int) -> np.ndarray:
    """Return the m within the bounds that all of the studies have."""
    shared = set.intersection(*({*study.effective_batch_size.tolist()} for study in studies))
    sizes = np.array(sorted(shared))
    sizes = sizes[_within(sizes, low, high)]
    if len(sizes) < least:
        raise Undecidable(f"{len(sizes)} m within the bounds, of {least} that it takes")
    return sizes


def _by_size(study: SeedValues, sizes: np.ndarray) -> np.ndarray:
    """Return the test accuracy at the best η̃ of each m, [sizes, seeds]."""
    return np.stack([best_test_values(study, size) for size in sizes])


def best_test_values(study: SeedValues, size: int) -> np.ndarray:
    """Return the test accuracy at the best η̃ of an m, chosen on validation rows, [seeds].

    Raises Undecidable if no cell with that m can be chosen.
    """
    return study.test[seed_values.choose(study, study.effective_batch_size == size)]


def _gain(worse: SeedValues, study: SeedValues, sizes: np.ndarray) -> np.ndarray:
    """Return the gain in test accuracy of the second study at each m, [sizes, seeds]."""
    if worse.data != study.data:
        raise Undecidable("the two studies have different rows")
    seeds = min(worse.test.shape[1], study.test.shape[1])
    return _by_size(study, sizes)[:, :seeds] - _by_size(worse, sizes)[:, :seeds]


def _slope(sizes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return [seeds]: the slope of `values` [sizes, seeds] on log₂ of the sizes, by ordinary least squares."""
    x = np.log2(sizes) - np.log2(sizes).mean()
    return x @ values / (x @ x)


def _span(sizes: np.ndarray) -> str:
    return f"m from {sizes[0]:,} to {sizes[-1]:,}"


class Kind(NamedTuple):
    """How a kind of statement is measured."""

    compare: Callable[..., list[SeedEffects]]
    sides: int  # studies that one comparison takes
    unit: str
    scale: int  # from what `compare` gives to the unit


POINTS, POINTS_PER_DOUBLING, OCTAVES_PER_DOUBLING = "points", "points per doubling of m", "octaves per doubling of m"
KINDS = {
    "best_batch_size": Kind(best_batch_size, 1, POINTS, 100),
    "maintained": Kind(maintained, 1, POINTS, 100),
    "best_normalization": Kind(best_normalization, 1, POINTS, 100),
    "smaller_normalization": Kind(smaller_normalization, 1, POINTS, 100),
    "falls": Kind(falls, 1, POINTS_PER_DOUBLING, 100),
    "range_shrinks": Kind(range_shrinks, 1, OCTAVES_PER_DOUBLING, 1),
    "better": Kind(better, 2, POINTS, 100),
    "gain_grows": Kind(gain_grows, 2, POINTS_PER_DOUBLING, 100),
    "reachable": Kind(reachable, 1, POINTS, 100),
}
