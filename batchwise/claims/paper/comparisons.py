"""How a statement of each kind is measured: comparisons by seed, positive where the statement is right.

Seeds are paired: the same seed starts from the same weights and sees the same order of examples at every m and η. The
best of a group of cells is chosen on validation rows, and its test accuracy compared. Of many equal cells that is in
part the luckiest, since a run's luck is in its weights: the larger group has a slight advantage. Its intervals are wide
enough for that (tests/claims/paper/test_verdicts.py: with no effect at all, false verdicts are no more than the nominal
5 %). The criterion of each kind stands in report/sentences/statement_kinds.py.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from batchwise.analysis import seed_values
from batchwise.analysis.reliable_rates import octaves
from batchwise.analysis.seed_values import SeedValues, Undecidable

SERVES = 2  # points of test accuracy: as far below the best as a learning rate still serves; own criterion
POINTS = 100  # in which people read accuracies


class SeedEffects(NamedTuple):
    """What is compared, and by how much the statement is right for each seed, [seeds], in accuracy or octaves."""

    quantity: str  # a key of report/sentences/comparisons.py
    numbers: Mapping[str, Any]  # batch sizes for the sentence
    values: np.ndarray


def best_batch_size(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the best cell with m from `low` to `high` with the best of the other m."""
    inside = _within(study.effective_batch_size, low, high)
    return [_contrast(study, inside, ~inside)]


def maintained(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the best cell at each m from `low` to `high` with SERVES below the best of the m beyond these bounds."""
    m, inside = study.effective_batch_size, _within(study.effective_batch_size, low, high)
    found = [_contrast(study, m == size, ~inside) for size in _sizes([study], low, high, least=1)]
    margin = SERVES / POINTS
    return [SeedEffects("best_short_of", {**one.numbers, "margin": SERVES}, one.values + margin) for one in found]


def best_normalization(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare, at each m that has both, the best normalisation batch from `low` to `high` with the best other."""
    k = study.normalization_batch
    return _at_each_size(study, _within(k, low, high), np.ones(len(k), bool))


def smaller_normalization(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare, at each m from `low` to `high` that has both, the best normalisation batch k < m with k = m."""
    m = study.effective_batch_size
    return _at_each_size(study, study.normalization_batch < m, _within(m, low, high))


def falls(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Return the fall of test accuracy with each doubling of m, for m from `low` to `high`, each at its best η̃."""
    sizes = _sizes([study], low, high, least=2)
    return [SeedEffects("fall", _ends(sizes), -slope(sizes, _by_size(study, sizes)))]


def range_shrinks(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Return the octaves of η̃ that converge that are lost with each doubling of m, for m from `low` to `high`."""
    sizes = _sizes([study], low, high, least=2)
    return [SeedEffects("lost_range", _ends(sizes), -slope(sizes, octaves(study, sizes)))]


def better(worse: SeedValues, study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the second study with the first, averaged over the m from `low` to `high`, each at its best η̃."""
    sizes = _sizes([worse, study], low, high, least=1)
    return [SeedEffects("mean_gain", _ends(sizes), _gain(worse, study, sizes).mean(axis=0))]


def gain_grows(worse: SeedValues, study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Return the growth of the gain of the second study over the first with each doubling of m, each at its best η̃."""
    sizes = _sizes([worse, study], low, high, least=2)
    return [SeedEffects("growth_of_gain", _ends(sizes), slope(sizes, _gain(worse, study, sizes)))]


def reachable(study: SeedValues, low: int | None, high: int | None) -> list[SeedEffects]:
    """Compare the best cell with m up to `high` with the best larger m at its η̃, which must lose more than SERVES.

    With `low`, each m from `low` to `high` must lose less there, and is one more comparison. Without `high`, the larger
    m is the largest of the grid.
    """
    m = study.effective_batch_size
    if not len(m):
        raise Undecidable("no_complete_cell", metric=study.metric.title)
    high = int(m.max()) - 1 if high is None else high
    if not (m > high).any() or not (m <= high).any():
        raise Undecidable("no_size_up_to" if (m > high).any() else "no_size_above", high=high)
    best = seed_values.choose(study, m <= high)
    usable = study.base_learning_rate == study.base_learning_rate[best]
    beyond = seed_values.choose(study, (m > high) & usable)
    inside = np.flatnonzero(_within(m, low, high) & usable) if low is not None else np.array([], int)
    loss, margin = study.test[best] - study.test, SERVES / POINTS

    def numbers(cell: int) -> dict[str, int]:
        return {"best": int(m[best]), "other": int(m[cell]), "margin": SERVES}

    return [
        SeedEffects("loss_beyond", numbers(beyond), loss[beyond] - margin),
        *(SeedEffects("loss_short_of", numbers(cell), margin - loss[cell]) for cell in inside),
    ]


def _within(sizes: np.ndarray, low: int | None, high: int | None) -> np.ndarray:
    return (sizes >= (low or 1)) & (sizes <= (high or np.inf))


def _contrast(study: SeedValues, inside: np.ndarray, outside: np.ndarray) -> SeedEffects:
    """Compare the best cell inside with the best outside, named by m."""
    if not inside.any() or not outside.any():
        raise Undecidable("no_size_inside" if outside.any() else "no_size_outside")
    best, other = seed_values.choose(study, inside), seed_values.choose(study, outside)
    sizes = {"best": int(study.effective_batch_size[best]), "other": int(study.effective_batch_size[other])}
    return SeedEffects("best_against", sizes, study.test[best] - study.test[other])


def _at_each_size(study: SeedValues, inside: np.ndarray, among: np.ndarray) -> list[SeedEffects]:
    """Compare the best cell inside with the best other at each m of the cells `among`, named by normalisation batch.

    They have the same η̃ to choose from: those that each normalisation batch of the m has.
    """
    sizes = study.effective_batch_size
    cells = [_with_shared_rates(study, among & (sizes == m)) for m in np.unique(sizes[among])]
    both = [at for at in cells if inside[at].any() and not inside[at].all()]
    if not both:
        raise Undecidable("no_two_normalization_batches")
    found = []
    for at in both:
        best, other = seed_values.choose(study, at & inside), seed_values.choose(study, at & ~inside)
        k = study.normalization_batch
        numbers = {"m": int(study.effective_batch_size[best]), "best": int(k[best]), "other": int(k[other])}
        found.append(SeedEffects("best_normalization_against", numbers, study.test[best] - study.test[other]))
    return found


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
        raise Undecidable("too_few_sizes", sizes=len(sizes), least=least)
    return sizes


def _by_size(study: SeedValues, sizes: np.ndarray) -> np.ndarray:
    """Return the test accuracy at the best η̃ of each m, [sizes, seeds]."""
    return np.stack([best_on_test_rows(study, size) for size in sizes])


def best_on_test_rows(study: SeedValues, size: int) -> np.ndarray:
    """Return the test accuracy at the best η̃ of an m, chosen on validation rows, [seeds].

    Raises Undecidable if no cell with that m can be chosen.
    """
    return study.test[seed_values.choose(study, study.effective_batch_size == size)]


def _gain(worse: SeedValues, study: SeedValues, sizes: np.ndarray) -> np.ndarray:
    """Return the gain in test accuracy of the second study at each m, [sizes, seeds]."""
    if worse.data != study.data:
        raise Undecidable("different_rows")
    if worse.statistic != study.statistic:
        raise Undecidable("different_statistics")
    seeds = min(worse.test.shape[1], study.test.shape[1])
    return _by_size(study, sizes)[:, :seeds] - _by_size(worse, sizes)[:, :seeds]


def slope(sizes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return [seeds]: the slope of `values` [sizes, seeds] on log₂ of the sizes, by ordinary least squares."""
    x = np.log2(sizes) - np.log2(sizes).mean()
    return x @ values / (x @ x)


def _ends(sizes: np.ndarray) -> dict[str, int]:
    return {"smallest": int(sizes[0]), "largest": int(sizes[-1])}


class Kind(NamedTuple):
    """How a kind of statement is measured."""

    compare: Callable[..., list[SeedEffects]]
    sides: int = 1  # studies that one comparison takes
    scale: int = POINTS  # from what `compare` gives to what people read


KINDS = {
    "best_batch_size": Kind(best_batch_size),
    "maintained": Kind(maintained),
    "best_normalization": Kind(best_normalization),
    "smaller_normalization": Kind(smaller_normalization),
    "falls": Kind(falls),
    "range_shrinks": Kind(range_shrinks, scale=1),
    "better": Kind(better, sides=2),
    "gain_grows": Kind(gain_grows, sides=2),
    "reachable": Kind(reachable),
}
