"""Seeds with rows of their own: each trains as it would alone, on a data set of these rows, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from batchwise.config.recipe import Model, TaskChoice
from batchwise.data import folds
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.splitting import standardise
from batchwise.measuring.landscape.measurement import gradients, loss_rows
from batchwise.training import model_trial, trainers
from tests.training.runs import content, data_set, image_data_set, recipe

SEEDS = (2, 0, 2)  # from one fold to another, and back


def table() -> DataSet:
    """Return columns that are standardised by the training rows of the data set."""
    data = data_set()
    parts = standardise((data.train, data.validation, data.test))
    return replace(data, train=parts[0], validation=parts[1], test=parts[2])


def numbers() -> DataSet:
    """Return numbers with a long tail, of which each fold has another mean, and weights."""
    data = table()
    parts = [
        replace(part, labels=100 + 7.0 * part.inputs[:, 0] ** 3, weights=1.0 + np.arange(len(part.labels)))
        for part in (data.train, data.validation, data.test)
    ]
    return DataSet(Description("numbers", "regression", "none", "none"), (), *parts)


def unequal() -> DataSet:
    data = table()
    parts = [
        Split(part.inputs, np.minimum(part.labels, 1), weights=1.0 + np.arange(len(part.labels)) % 3)
        for part in (data.train, data.validation, data.test)
    ]
    return replace(data, train=parts[0], validation=parts[1], test=parts[2])


CNN = Model(name="cnn", channels=2, normalization="none")
REGRESSION, BALANCED = {"task": TaskChoice(name="regression")}, {"class_weights": "balanced"}
CASES = {
    "table": (table, recipe("adam"), None),
    "numbers": (numbers, recipe("adam", "float64").model_copy(update=REGRESSION), None),
    "weights and a score": (unequal, recipe().model_copy(update=BALANCED), "roc_auc"),
    "images": (image_data_set, recipe("adam", augmentation={"pad": 1, "flip": True}), None),
    "convolutions": (image_data_set, recipe().model_copy(update={"model": CNN}), None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_seed_trains_as_on_a_data_set_of_its_rows(request, case: str) -> None:
    """One of them with XLA, for the time that it takes to compile."""
    if case != "weights and a score":
        request.getfixturevalue("without_xla")
    make, how, metric = CASES[case]
    dealt = folds.deal(data := make(), 3, whole=data)
    trainer = trainers.load(dealt, how, metric)
    model_trial.check(trainer)
    first, other, again = (content(trainer.run(7, 0.01, seed)) for seed in SEEDS)
    assert first == again != other
    assert content(trainers.load(folds.of_seed(dealt, SEEDS[0]), how, metric).run(7, 0.01, SEEDS[0])) == first


def test_a_landscape_is_of_the_rows_of_a_seed() -> None:
    dealt = folds.deal(data := table(), 3, whole=data)
    programs = gradients(dealt, recipe(), loss_rows(folds.of_seed(dealt, 0)))
    found = []
    for seed in SEEDS:
        programs.use_rows_of(seed, loss_rows(folds.of_seed(dealt, seed)))
        found.append(programs.gradient(programs.load(programs.start(0))))
    alone = gradients(own := folds.of_seed(dealt, SEEDS[1]), recipe(), loss_rows(own))
    np.testing.assert_array_equal(found[1], alone.gradient(alone.load(alone.start(0))))
    np.testing.assert_array_equal(found[0], found[-1])
    assert (found[0] != found[1]).any()
