"""How often intervals hold what they are of: of one mean, of ten differences together, for new rows, of new studies."""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.special import ndtri

from batchwise.statistics.intervals import Estimate, Interval, mean_interval, paired_difference
from batchwise.statistics.random_effects import summarise
from batchwise.statistics.rows import difference_over_seeds_and_rows, over_seeds_and_rows
from batchwise.statistics.simultaneous import from_reference
from benchmarks.truths.rate import Rate

CELLS = 20  # of a study: each has a mean
GROUPS = 11  # batch sizes: ten differ from the reference
ROWS = 297  # of a test set
SPREAD = 0.005  # standard deviation between seeds, of a share


def rates(repetitions: int) -> list[Rate]:
    """Return how often intervals hold in as many simulated studies of each kind; the same for the same number."""
    return [*single(repetitions), *together(repetitions), *new_rows(repetitions), *new_studies(repetitions)]


def single(repetitions: int) -> Iterator[Rate]:
    """Return the rates of intervals of a mean over seeds."""
    generator = np.random.default_rng(1)
    for seeds in (5, 10, 40):
        shape = repetitions * CELLS, seeds
        for share in (0.97, 0.99):
            precision = share * (1 - share) / SPREAD**2 - 1
            found = mean_interval(generator.beta(share * precision, (1 - share) * precision, shape), 0, 1)
            yield _between("interval of a mean", f"share of {share}, {seeds} seeds", _hold(found, share))
        losses = generator.gamma(8, 1 / 8, shape)
        yield _between("interval of a mean", f"skewed loss, {seeds} seeds", _hold(mean_interval(losses, 0), 1))
        shared, (a, b) = generator.normal(size=shape), generator.normal(size=(2, *shape))
        difference = paired_difference(0.01 + shared + a, shared + b)
        yield _between("interval of a mean", f"difference, {seeds} seeds", _hold(difference, 0.01))


def together(repetitions: int) -> Iterator[Rate]:
    """Return the rates of ten differences that hold together; groups share seeds, and do not vary alike."""
    generator = np.random.default_rng(2)
    for seeds in (10, 20, 40):
        held = []
        for _ in range(repetitions):
            truth = generator.normal(size=GROUPS)
            spread = np.exp(generator.uniform(-1, 1, (GROUPS, 1)))
            shared, own = generator.normal(size=seeds), generator.normal(size=(GROUPS, seeds))
            values = truth[:, None] + spread * (np.sqrt(0.3) * shared + np.sqrt(0.7) * own)
            reference = int(generator.integers(GROUPS))
            _, low, high, _ = from_reference(values, reference)
            inside = (low <= truth - truth[reference]) & (truth - truth[reference] <= high)
            held.append(np.delete(inside, reference).all())
        yield _at_least("differences together", f"ten, {seeds} seeds", held, 0.93)


def new_rows(repetitions: int) -> Iterator[Rate]:
    """Return the rates of intervals for new seeds and new rows, of a share and of the difference of two."""
    generator = np.random.default_rng(3)
    for share in (0.94, 0.97, 0.99):
        for seeds in (5, 40):
            found = [right(generator, seeds, share) for _ in range(repetitions)]
            held = [_holds(over_seeds_and_rows(values, 0, 1), share) for (values,) in found]
            yield _at_least("new seeds and rows", f"share of {share}, {seeds} seeds", held, 0.92)
    for seeds in (5, 40):
        pairs = [right(generator, seeds, 0.97, 0.96) for _ in range(repetitions)]
        held = [_holds(difference_over_seeds_and_rows(a, b, 0, 1), 0.01) for a, b in pairs]
        yield _at_least("new seeds and rows", f"difference of 0.01, {seeds} seeds", held, 0.92)


def right(generator: np.random.Generator, seeds: int, *shares: float, rows: int = ROWS) -> list[np.ndarray]:
    """Return whether rows are right, [seeds, rows] of 0 and 1, for models that are right in `shares` of all rows.

    A row has a difficulty, most of which it has for all models, and each seed of a model finds it easier or harder.
    Seeds of a model differ by SPREAD in the share that is right.
    """
    shared, outcomes = generator.normal(size=rows), []
    for share in shares:
        quantile = ndtri(share)
        ability = SPREAD / (np.exp(-(quantile**2) / 2) / np.sqrt(2 * np.pi))  # of a seed: a share has this density
        difficulty = np.sqrt(0.7) * shared + np.sqrt(0.2) * generator.normal(size=rows)
        found = difficulty + np.sqrt(0.1) * generator.normal(size=(seeds, rows))
        level = quantile * np.sqrt(1 + ability**2) + ability * generator.normal(size=(seeds, 1))
        outcomes.append((found < level).astype(float))
    return outcomes


def new_studies(repetitions: int) -> Iterator[Rate]:
    """Return the rates of the mean over studies, and of the true effect in a new one."""
    generator = np.random.default_rng(4)
    for studies in (3, 5):
        for tau, least in ((1.0, 0.85), (3.0, 0.9)):
            means, new = [], []
            for _ in range(repetitions):
                errors = np.exp(generator.uniform(-1, 1, studies))
                found = summarise(generator.normal(0, tau, studies) + generator.normal(0, errors), errors)
                means.append(_holds(found.mean, 0))
                new.append(_holds(found.prediction, generator.normal(0, tau)))
            what = f"{studies} studies that differ by {tau:g} standard errors"
            yield _at_least("mean over studies", what, means, 0.9)
            yield _at_least("prediction for a new study", what, new, least)


def _hold(found: Interval, truth: float) -> np.ndarray:
    return (found.low <= truth) & (truth <= found.high)


def _holds(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


def _between(kind: str, what: str, held: np.ndarray) -> Rate:
    rate = float(held.mean())
    return Rate(kind, what, rate, "0.93 … 0.97", 0.93 <= rate <= 0.97)


def _at_least(kind: str, what: str, held: Iterable[bool], least: float) -> Rate:
    rate = float(np.mean(list(held)))
    return Rate(kind, what, rate, f"≥ {least}", rate >= least)
