"""A data set that is wrong is told so where it is made, in one sentence; the line of NumPy in it mends the arrays."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.splitting import split
from tests.data.wrong_data_sets import INPUTS, LABELS, NAMES, WRONG, WRONG_INPUTS, WRONG_LABELS, build

PLAIN = {"inputs": INPUTS, "labels": LABELS}


def refused(*arguments, make=build, **named) -> str:
    """Return the sentence with which a data set is refused."""
    with pytest.raises(UserError) as caught:
        make(*arguments, **named)
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 600
    return sentence


def mended(sentence: str, given: dict) -> dict:
    """Return the arrays after the line of a sentence."""
    variables = {**given, "np": np}
    exec(re.search("`(.*)`", sentence)[1], variables)
    return {name: variables[name] for name in given}


def split_in_parts(inputs, labels) -> tuple[Split, Split, Split]:
    return split(inputs, labels, validation_rows=10, test_rows=10, seed=0)


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_labels_that_are_wrong_are_refused_with_the_line_that_mends_them(case) -> None:
    labels, others, words, line = WRONG_LABELS[case]
    sentence = refused(labels=labels, **others)
    assert words in sentence and line in sentence
    given = {**PLAIN, "class_names": others.get("class_names", NAMES), "labels": labels}
    data = build(**{**others, **mended(sentence, given)})
    kept = [*data.train.labels, *data.validation.labels, *data.test.labels]
    assert len(kept) in (59, 60)
    if np.shape(labels) == (len(kept),):
        pairs = set(zip(map(str, labels), kept, strict=True))
        assert len(pairs) == len(set(kept))  # each label has a class of its own


@pytest.mark.parametrize("case", WRONG_INPUTS)
def test_inputs_that_are_wrong_are_refused_with_the_line_that_mends_them(case) -> None:
    inputs, words, line = WRONG_INPUTS[case]
    sentence = refused(inputs)
    assert words in sentence and line in sentence
    if case == "all NaN":  # no row is left
        return
    after = mended(sentence, {**PLAIN, "inputs": inputs})
    if after["inputs"].dtype == np.uint8:
        after |= {name: np.ones(after["inputs"].shape[-1], "float32") for name in ("mean", "std")}
    assert sum(build(**after).rows.values()) > 40


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused(case) -> None:
    given, words = WRONG[case]
    assert words in refused(**given)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": WRONG_LABELS["strings"][0]}, "labels are strings of the shape [60]"),
        ({"labels": WRONG_LABELS["infinite"][0]}, "labels are float64 of the shape [60]"),
        ({"labels": WRONG_LABELS["beyond int32"][0]}, "labels go from 0 to 2199023255552"),
        ({"labels": WRONG_LABELS["one-hot"][0][1:]}, "labels are int64 of the shape [59, 3], such as 0; a finite"),
        ({"labels": WRONG_LABELS["a Series"][0]}, "labels are a pandas.Series"),
        ({"labels": LABELS[1:]}, "labels are 59 for 60 rows of inputs"),
        ({"inputs": WRONG_INPUTS["NaN in test rows"][0]}, "inputs: 5 values are NaN or infinite, in 2 of 60"),
        ({"inputs": WRONG_INPUTS["a DataFrame"][0]}, "inputs are a pandas.DataFrame"),
        ({"inputs": INPUTS[:0], "labels": LABELS[:0]}, "there are no rows"),
    ],
)
def test_what_is_wrong_is_refused_before_it_is_split_and_scaled(arrays, words) -> None:
    """Else whole labels are made of halves, and all of a column is NaN once it is scaled."""
    assert words in refused(make=split_in_parts, **PLAIN | arrays)


# Properties

DTYPES = st.sampled_from(["float16", "float32", "float64", ">f4", "int8", "int32", "uint16", "int64", "uint8"])
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def right(draw: st.DrawFn) -> DataSet:
    """Draw a data set of any shape and type."""
    shape, dtype, classes = draw(SHAPES), np.dtype(draw(DTYPES)), draw(st.integers(2, 6))
    if len(shape) == 2 and dtype.name == "uint8":  # else they are images that want an axis of channels
        shape = shape[:1]
    bytes_ = len(shape) == 3 and dtype.kind in "iu"
    random = np.random.default_rng(draw(st.integers(0, 99)))

    def part(least: int) -> Split:
        rows = draw(st.integers(least, 20))
        values = random.uniform(0, 100, (rows, *shape)).astype("uint8" if bytes_ else dtype)
        labels = random.integers(classes, size=rows)
        labels[:2] = [0, classes - 1][:rows]
        return Split(values, labels.astype(draw(st.sampled_from(["int32", "int64", "uint8", ">i2"]))))

    parts = part(2), part(0), part(1)
    statistics = [np.full(shape[-1], value, "float32") for value in (2, 3)] if bytes_ else []
    names = tuple(f"<b>{number}</b> &" for number in range(classes))
    task = "binary_classification" if classes == 2 and draw(st.booleans()) else "multiclass_classification"
    return DataSet(Description("title", task, "source", "licence"), names, *parts, *statistics)


@given(right())
def test_right_data_sets_are_taken(data) -> None:
    assert min(data.rows["train"], data.rows["test"]) >= 1 and data.sha256


def of_part(change: Callable[[Split, np.random.Generator], Split]) -> Callable[..., dict]:
    """Return a corruption of a part that has rows, from one of its arrays and a random generator."""

    def corrupt(data: DataSet, random: np.random.Generator) -> dict:
        name = random.choice([name for name in SPLITS if data.rows[name]])
        part = getattr(data, name)
        return {name: change(part, random)}

    return corrupt


def value(part: Split, random: np.random.Generator, what: float) -> Split:
    inputs = part.inputs.astype("float32" if part.inputs.dtype.kind != "f" else part.inputs.dtype)
    inputs[tuple(random.integers(inputs.shape))] = what
    return Split(inputs, part.labels)


def label(part: Split, random: np.random.Generator, what: float) -> Split:
    labels = part.labels.astype("float64" if what % 1 else "int64")
    labels[random.integers(len(labels))] = what
    return Split(part.inputs, labels)


CORRUPTIONS = {
    "a NaN": of_part(lambda part, random: value(part, random, np.nan)),
    "an infinite value": of_part(lambda part, random: value(part, random, -np.inf)),
    "a label below 0": of_part(lambda part, random: label(part, random, -1)),
    "a label without a class": of_part(lambda part, random: label(part, random, 6)),
    "a label beyond int32": of_part(lambda part, random: label(part, random, 2**32)),
    "half a label": of_part(lambda part, random: label(part, random, 0.5)),
    "floats as labels": of_part(lambda part, random: Split(part.inputs, part.labels * 1.0)),
    "strings as labels": of_part(lambda part, random: Split(part.inputs, part.labels.astype(str))),
    "a list as labels": of_part(lambda part, random: Split(part.inputs, part.labels.tolist())),
    "a column of labels": of_part(lambda part, random: Split(part.inputs, part.labels[:, np.newaxis])),
    "a label too few": of_part(lambda part, random: Split(part.inputs, part.labels[1:])),
    "a row too few": of_part(lambda part, random: Split(part.inputs[1:], part.labels)),
    "a column too many": of_part(lambda part, random: Split(np.repeat(part.inputs, 5, axis=1), part.labels)),
    "another rank": of_part(lambda part, random: Split(part.inputs[..., np.newaxis], part.labels)),
    "another type": of_part(lambda part, random: Split(part.inputs.astype("uint32"), part.labels)),
    "a class twice": lambda data, random: {"class_names": (data.class_names[0], *data.class_names[:-1])},
    "a name too few": lambda data, random: {"class_names": data.class_names[:-1]},
    "no test rows": lambda data, random: {"test": Split(data.test.inputs[:0], data.test.labels[:0])},
    "one class": lambda data, random: {"train": Split(data.train.inputs, data.train.labels * 0)},
    "a mean without a deviation": lambda data, random: {"mean": np.float32([1]), "std": None},
}


@given(right(), st.sampled_from(sorted(CORRUPTIONS)), st.integers(0, 99))
def test_any_corruption_of_a_right_data_set_is_refused_in_one_line(data, name, seed) -> None:
    changes = CORRUPTIONS[name](data, np.random.default_rng(seed))
    fields = {key: getattr(data, key) for key in ("description", "class_names", *SPLITS, "mean", "std")}
    refused(make=DataSet, **fields | changes)
