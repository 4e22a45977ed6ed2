"""Runs whose batch size changes, against an independent implementation, and the same whichever way they are called."""

from collections.abc import Sequence

import numpy as np
import pytest

from batchwise.config.phases import Branch
from batchwise.config.recipe import Recipe
from batchwise.training import random_streams, trainers
from tests.reference import STEPS, train
from tests.training.runs import ROWS, assert_close, content, data_set, recipe

EPOCHS, SEED, RATE = 5, 7, 0.05
ADAM = {"beta_1": 0.75, "epsilon": 2.0**-10, "second_moment_half_life": 8}
GROWING = {"batch_sizes": {0.3: 2, 0.75: 6}}
# From 8 rows on: two epochs begin before 0.3 of five, two more before 0.75, and 48 rows are more than there are.
SIZES = [8, 8, 16, 16, ROWS]
FACTORS = {"none": [1, 1, 1, 1, 1], "linear": [1, 1, 2, 2, ROWS / 8], "sqrt": [1, 1, *np.sqrt([2, 2, ROWS / 8])]}


WITHOUT_XLA = pytest.mark.usefixtures("without_xla")


def trained(how: Recipe, sizes: Sequence[int], rates: np.ndarray, data=None) -> list[list[np.ndarray]]:
    """Return the weights at the start and after each epoch by NumPy, with an m for each epoch, η for each update."""
    data = data or data_set()
    steps = [STEPS[how.optimizer.name](**how.optimizer.options(m)) for m in sizes]
    start = [weight.numpy() for weight in trainers.load(data, how).build(SEED).weights]
    inputs, orders = (
        [data.train.inputs.astype("float64")] * len(sizes),
        random_streams.orders(SEED, 0, len(sizes), ROWS),
    )
    return list(train(start, steps, inputs[: len(sizes)], data.train.labels, orders[: len(sizes)], [*sizes], rates))


def by_update(sizes: Sequence[int], of_epoch: Sequence[float]) -> np.ndarray:
    """Return the value of an epoch for each of its updates."""
    return np.repeat(np.array(of_epoch, float), [-(-ROWS // m) for m in sizes])


def growing(optimizer="sgd", options=None, **schedule) -> Recipe:
    given = {"dtype": "float64", "budget": {"epochs": EPOCHS}, "schedule": {**GROWING, **schedule}}
    return recipe(optimizer, **given, **(options or {"momentum": 0.5}))


@WITHOUT_XLA
@pytest.mark.parametrize("scaling", FACTORS)
def test_m_grows_at_the_first_epoch_after_its_fraction_and_the_rate_as_asked(scaling) -> None:
    """With a rate that drops in the middle of the third epoch, and of its three updates, of all rows half."""
    how = growing(learning_rate_scaling=scaling, drops=[0.5])
    rates = RATE * by_update(SIZES, FACTORS[scaling])
    rates[5 + 5 + 2 :] *= 0.1
    result = trainers.load(data_set(), how).run(8, RATE, SEED)
    assert_close(result.weights.values(), trained(how, SIZES, rates)[-1], "float64")
    assert result.evaluations == 1 + EPOCHS


@WITHOUT_XLA
def test_half_lives_follow_m_and_parts_keep_their_number() -> None:
    how = growing("adam", {**ADAM, "accumulation": 5})
    expected = trained(how, SIZES, RATE * by_update(SIZES, FACTORS["none"]))
    assert_close(trainers.load(data_set(), how).run(8, RATE, SEED).weights.values(), expected[-1], "float64")


@WITHOUT_XLA
def test_a_branch_is_the_run_until_its_moment_and_goes_on_with_another_batch_size() -> None:
    how = recipe(
        "adam",
        "float64",
        budget={"epochs": EPOCHS},
        schedule={"warm_up": 0.75},
        **{**ADAM, "second_moment_half_life": 4},
    )
    branch = Branch(2, 4, 4, 0.5)
    whole, found = (
        trainers.load(data_set(), how).run(8, RATE, SEED),
        trainers.load(data_set(), how).run(8, RATE, SEED, branch),
    )
    assert found.status == "ok" and found.evaluations == 1 + 4
    assert found.metrics["loss"][:3].tobytes() == whole.metrics["loss"][:3].tobytes()
    sizes = [8, 8, 4, 4]
    way = np.concatenate([np.arange(10) / 25, np.arange(20, 40) / 50])  # of all epochs, of which it has four
    rates = np.minimum(1 / 32 + 31 / 32 * way / 0.75, 1) * by_update(sizes, [1, 1, 0.5, 0.5])
    assert_close(found.weights.values(), trained(how, sizes, RATE * rates)[-1], "float64")


def test_a_branch_that_keeps_m_is_the_beginning_of_the_run() -> None:
    how = recipe("adam", budget={"epochs": EPOCHS}, **ADAM)
    run = trainers.load(data_set(), how)
    whole, found = run.run(8, RATE, SEED), run.run(8, RATE, SEED, Branch(2, 4, 8, 1.0))
    for name, values in found.metrics.items():
        assert values.tobytes() == whole.metrics[name][:5].tobytes()


@WITHOUT_XLA
def test_branches_have_the_same_bits_whether_or_not_their_prefix_is_kept() -> None:
    """Those of two moments and two seeds, in an order in which prefixes are taken up, lengthened and trained anew."""
    how = recipe("adam", budget={"epochs": EPOCHS}, schedule={"drops": [0.5]}, **ADAM, ema=0.75)
    moments = [Branch(1, 3, 4, 0.5), Branch(1, 3, 20, 2.0), Branch(3, 5, 4, 0.5), Branch(3, 5, 8, 1.0)]
    asked = [(seed, branch) for seed in (1, 0) for branch in moments] + [(0, moments[0])]
    one, alone = trainers.load(data_set(), how), trainers.load(data_set(), how)
    for seed, branch in asked:
        alone.prefix = None
        assert content(one.run(8, RATE, seed, branch)) == content(alone.run(8, RATE, seed, branch))
