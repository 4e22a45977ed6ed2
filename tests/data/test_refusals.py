"""What holds examples and is no array of rows: it is named, why it cannot be is said, and the nearest thing works."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchwise.common.errors import UserError
from batchwise.data import refusals
from batchwise.data.dataset import Split
from batchwise.data.input_checks import check_form
from batchwise.data.splitting import split
from batchwise.runtime.tensorflow import keras, tf
from tests.data.wrong_data_sets import INPUTS, LABELS, build, objects

ROWS, CLASSES = INPUTS[:30], LABELS[:30]
TEXTS = {
    "strings": np.array(["red", "blue"] * 15),
    "a list": ["red wine", "blue"] * 15,
    "a Series": pd.Series(["red", "blue"] * 15),
    "a column, and one of numbers": np.array([["red", 1.5], ["blue", 2.5]] * 15, object),
    "a DataFrame, with numbers": pd.DataFrame({"colour": ["red", "blue"] * 15, "size": range(30)}),
}


class Sequence(keras.utils.PyDataset):
    """Batches of six rows, as `fit` takes them."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(6 * number, 6 * number + 6)
        return ROWS[rows], CLASSES[rows]


def batches() -> Any:
    for number in range(5):
        yield Sequence()[number]


# {what: how it is made}
STREAMS = {
    "a generator": batches,
    "a function": lambda: batches,
    "a map": lambda: map(np.asarray, [ROWS]),
    "a zip": lambda: zip([ROWS], [CLASSES], strict=True),
    "a list_iterator": lambda: iter([ROWS]),
    "a tensorflow._BatchDataset": lambda: tf.data.Dataset.from_tensor_slices((ROWS, CLASSES)).batch(6),
    "a tests.Sequence": Sequence,
}
SEVERAL = {
    "a dict": {"a": ROWS, "b": INPUTS[:30, :1]},
    "a list": [ROWS, INPUTS[:30, :, np.newaxis]],
    "a tuple": (ROWS, ROWS),
}
# Made when a test runs: TensorFlow, once it has made a tensor, cannot be set as in training.
RAGGED = {
    "a list": lambda: [[1.0], [1.0, 2.0]] * 15,
    "a tuple": lambda: tuple(np.ones(number % 3 + 1) for number in range(30)),
    "objects": lambda: objects([np.ones(number % 3 + 1) for number in range(30)]),
    "a pandas.Series": lambda: pd.Series([[1.0], [1.0, 2.0]] * 15),
    "images": lambda: [np.ones((4, number % 2 + 3, 1)) for number in range(30)],
    "a tensorflow.RaggedTensor": lambda: tf.ragged.constant([[1.0], [1.0, 2.0]] * 15),
}


def refused(part: Any, **more: Any) -> str:
    """Return the sentence that refuses a part of a data set."""
    with pytest.raises(UserError) as caught:
        build(train=part, **more)
    sentence = str(caught.value)
    assert sentence.isprintable() and len(sentence) < 450
    return sentence


@pytest.mark.parametrize("kind", STREAMS)
def test_what_yields_batches(kind) -> None:
    make = STREAMS[kind]
    for sentence in (refused(Split(make(), CLASSES)), refused(Split(ROWS, make())), refused(make())):
        assert f" {kind}; " in sentence and "has an order of its own" in sentence
    with pytest.raises(UserError, match="collect them first"):
        split(make(), CLASSES, validation_rows=3, test_rows=3, seed=0)


@pytest.mark.parametrize("make", [batches, STREAMS["a tensorflow._BatchDataset"], lambda: [*batches()]])
def test_the_line_collects_them(make) -> None:
    given = make()
    line = re.search("`(.*)`", refusals.STREAM)[1].partition(" = ")[2]
    inputs, labels = eval(line, {"np": np, "batches": given})
    assert (inputs == ROWS).all() and (labels == CLASSES).all()
    assert build(train=Split(inputs, labels)).rows["train"] == 30


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_inputs_or_several_targets(kind) -> None:
    sentence = refused(Split(inputs := SEVERAL[kind], CLASSES))
    assert f"train inputs are {kind}; " in sentence and "a model takes one array" in sentence
    line = re.search("`inputs = (.*)`", sentence)[1]
    assert eval(line, {"np": np, "inputs": inputs}).shape in ((30, 5), (30, 8))
    for task in ("multiclass_classification", "multilabel_classification"):
        assert "a study has one loss" in refused(Split(ROWS, inputs), task=task)


@pytest.mark.parametrize("kind", RAGGED)
def test_rows_of_several_lengths(kind) -> None:
    sentence = refused(Split(RAGGED[kind](), CLASSES))
    assert kind.partition(" of")[0] in sentence or kind == "images"
    assert "rows differ in shape, and all must have one" in sentence and "mask_zero=True" in sentence


@pytest.mark.parametrize("kind", TEXTS)
def test_of_texts_numbers_are_made(kind) -> None:
    with pytest.raises(UserError, match="; make numbers of them: ") as error:
        check_form("train inputs", TEXTS[kind], 30)
    scope = {"np": np, "pd": pd, "inputs": TEXTS[kind]}
    exec(re.search("`([^`]+)`", str(error.value))[1], scope)
    check_form("train inputs", scope["inputs"], 30)
    assert scope["inputs"].shape == (30, 3 if "numbers" in kind else 2)


def test_a_list_of_rows_is_no_list_of_inputs() -> None:
    for rows in ([*ROWS], [row.tolist() for row in ROWS], [*np.ones((30, 30, 2))]):
        assert "`inputs = np.asarray(inputs)`" in refused(Split(rows, CLASSES))
    assert "take a column, 0 to 1" in refused(Split(ROWS, [[1, 1]] * 30))


@pytest.mark.parametrize("part", [(ROWS, CLASSES), [ROWS, CLASSES], {"inputs": ROWS, "labels": CLASSES}])
def test_a_part_that_is_arrays_alone(part) -> None:
    with pytest.raises(UserError, match=r"test is a .*; a Split is expected; write `Split\(inputs, labels\)`"):
        build(test=[*part] if isinstance(part, tuple) else part)
