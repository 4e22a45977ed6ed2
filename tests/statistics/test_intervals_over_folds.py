"""How often a t interval over seeds holds where each tests on a fold: what reports say of it, by simulation."""

import numpy as np
import pytest

from batchwise.statistics.intervals import Interval, mean_interval, paired_difference

ROWS, FOLDS, ROUNDS, DRAWS, FEATURES = 100, 5, 4, 300, 15
PENALTIES = (0.1, 30.0)  # of two models that are compared
FRESH = 1000  # rows to tell how good a model is


def rows(number: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels, ±1."""
    inputs = random.normal(size=(number, 6))
    signal = inputs[:, :3].sum(1) + inputs[:, 0] * inputs[:, 1] + 1.5 * random.normal(size=number)
    return inputs, np.sign(signal)


def features(inputs: np.ndarray, seed: int) -> np.ndarray:
    """Return a hidden layer with the random weights of a seed, which is not trained."""
    random = np.random.default_rng([1, seed])
    hidden = np.maximum(inputs @ random.normal(size=(inputs.shape[1], FEATURES)) + random.normal(size=FEATURES), 0)
    return np.concatenate([hidden, np.ones((len(inputs), 1))], axis=1)


@pytest.fixture(scope="module")
def simulated() -> tuple[np.ndarray, np.ndarray]:
    """Return accuracies on test folds [models, draws, seeds], and the mean accuracy on fresh rows, [models]."""
    random = np.random.default_rng(0)
    fresh, truth = rows(FRESH, random)
    hidden_fresh = [features(fresh, seed) for seed in range(FOLDS * ROUNDS)]
    found, good = np.empty((2, DRAWS, FOLDS * ROUNDS)), np.empty((2, DRAWS, FOLDS * ROUNDS))
    for draw in range(DRAWS):
        inputs, labels = rows(ROWS, random)
        fold = random.permutation(ROWS) % FOLDS
        for seed in range(FOLDS * ROUNDS):
            test, hidden = fold == seed % FOLDS, features(inputs, seed)
            for model, penalty in enumerate(PENALTIES):
                used = hidden[~test]
                weights = np.linalg.solve(used.T @ used + penalty * np.eye(FEATURES + 1), used.T @ labels[~test])
                found[model, draw, seed] = (np.sign(hidden[test] @ weights) == labels[test]).mean()
                good[model, draw, seed] = (np.sign(hidden_fresh[seed] @ weights) == truth).mean()
    return found, good.mean(axis=(1, 2))


def held(interval: Interval, value: float) -> float:
    return float(((interval.low <= value) & (value <= interval.high)).mean())


def test_intervals_over_folds_hold_nearly_as_often_as_they_say(simulated: tuple[np.ndarray, np.ndarray]) -> None:
    found, good = simulated[0][:, :, :FOLDS], simulated[1]
    for model in range(2):
        assert 0.92 <= held(mean_interval(found[model]), good[model]) <= 0.98
    assert 0.92 <= held(paired_difference(found[0], found[1]), good[0] - good[1]) <= 0.98


def test_more_seeds_than_folds_are_refused_since_their_intervals_would_not_hold(
    simulated: tuple[np.ndarray, np.ndarray],
) -> None:
    found, good = simulated
    assert held(mean_interval(found[0]), good[0]) < 0.8
