"""The engine trains the networks for texts, with dropout by rows: again to the bit, and in parts as in whole."""

from typing import Any

import numpy as np
import pytest

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.training import model_trial, trainers
from tests.models.test_text_models import SMALL, TELL_THE_NEXT, TOKENS, VOCABULARY
from tests.project import of_engine
from tests.training.runs import assert_close, content

TRUE = 5  # the token that makes a text one of the second class


def classes(rows: int) -> Split:
    inputs = some_texts(rows)
    return Split(inputs, (inputs == TRUE).any(axis=1).astype("int32"))


def windows(rows: int) -> Split:
    """Return texts and the token after each, which is the same again, or none after the last."""
    inputs = np.maximum.accumulate(some_texts(rows), axis=1) * (some_texts(rows) > 0)
    following = np.hstack([inputs[:, 1:], np.zeros((rows, 1), "int32")])
    following[:, 0] = np.maximum(following[:, 0], 1)
    return Split(inputs, np.hstack([following, (following > 0).sum(axis=1, keepdims=True)]).astype("int32"))


def some_texts(rows: int) -> np.ndarray:
    random = np.random.default_rng(rows)
    inputs = random.integers(2, VOCABULARY, (rows, TOKENS))
    inputs[np.arange(TOKENS) >= random.integers(1, TOKENS + 1, rows)[:, None]] = 0
    return inputs.astype("int32")


def trainer(name: str, dtype: str, accumulation: int = 1) -> Any:
    if name in TELL_THE_NEXT:
        task, of_part, names = "language_modelling", windows, tuple(map(str, range(VOCABULARY)))
    else:
        task, of_part, names = "binary_classification", classes, ("without", "with")
    data = DataSet(Description("texts", task, "none", "none"), names, *map(of_part, (60, 11, 12)))
    how = {"optimizer": {"name": "adam"}, "budget": {"epochs": 2}, "dtype": dtype, "accumulation": accumulation}
    how |= {"model": {"name": name, **SMALL[name], "dropout": 0.25}} | of_engine(lanes=2)
    return trainers.load(data, Recipe.model_validate(how))


@pytest.mark.usefixtures("without_xla")
@pytest.mark.parametrize("name", ["bag_of_embeddings", "lstm", "language_model"])
def test_they_train_and_can_do_it_again_in_parts_too(name) -> None:
    whole, parted = trainer(name, "float64"), trainer(name, "float64", accumulation=3)
    result = whole.run(20, 0.02, seed=1)  # in parts of 7, 7 and 6 rows
    assert content(whole.run(20, 0.02, seed=1)) == content(result)
    assert result.metrics["loss"][-1, 0] < result.metrics["loss"][0, 0]
    assert not result.draws_by_pass
    assert_close(parted.run(20, 0.02, seed=1).weights.values(), result.weights.values(), "float64")


@pytest.mark.parametrize("name", ["lstm", "gpt_small"])
def test_the_trial_before_a_run_takes_them_in_mixed_bfloat16(name) -> None:
    model_trial.check(trainer(name, "mixed_bfloat16"))
