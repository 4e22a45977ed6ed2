"""Data sets that are wrong, each with words of the sentence that says so. The rows are split by their number."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.subset import channel_statistics

NAMES = ("cat", "dog", "fox")
TASK = "multiclass_classification"
LABELS = np.arange(60, dtype="int32") % 3
INPUTS = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
IMAGES = np.random.default_rng(0).integers(256, size=(60, 5, 5, 2), dtype="uint8")
MEAN, STD = channel_statistics(IMAGES)
PARTS = {"train": slice(0, 30), "validation": slice(30, 42), "test": slice(42, None)}


def build(inputs: Any = INPUTS, labels: Any = LABELS, class_names: Any = NAMES, task: Any = TASK, **more) -> DataSet:
    """Return the data set of these, of which a part may be another: `test=(inputs, labels)`."""
    parts = {name: more.pop(name, None) or (inputs[rows], labels[rows]) for name, rows in PARTS.items()}
    parts = {name: Split(*part) if type(part) is tuple else part for name, part in parts.items()}
    return DataSet(Description("title", task, "source", "licence"), class_names, **parts, **more)


def put(array: Any, where: Any, value: Any, dtype: Any = None) -> Any:
    """Return a copy of an array, of another type perhaps, with a value in a place."""
    array = np.array(array, dtype or array.dtype)
    array[where] = value
    return array


def objects(values: list) -> np.ndarray:
    """Return a one-dimensional array of objects, whatever these are."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


STRINGS = np.array(NAMES)[LABELS]
ONE_HOT = np.eye(3, dtype="int64")[LABELS]
MASK = np.arange(60) == 3
DATES = np.datetime64("2026-01-01") + LABELS
WHOLE = "an array [rows] of whole numbers from 0 up is expected, one for each row"
BINARY = {"class_names": ("no", "yes"), "task": "binary_classification"}
TWO = LABELS % 2

# {what is wrong: (all labels, other arguments, words, the line that mends them, or its beginning)}
WRONG_LABELS: dict[str, tuple[Any, dict[str, Any], str, str]] = {
    "strings": (STRINGS, {}, "train labels are strings of the shape [30], such as 'cat'", "np.unique("),
    "strings in the order of class_names": (
        *(STRINGS, {"class_names": ("fox", "cat", "dog")}, "strings of"),
        "labels = np.array([class_names.index(label) for label in labels]",
    ),
    "strings of other names": (STRINGS, {"class_names": ("a", "b", "c")}, "strings", "labels = np.unique("),
    "digits": (LABELS.astype(str), {}, "strings", 'labels = labels.astype("int32")'),
    "digits from 1": ((LABELS + 1).astype(str), {}, "strings", 'labels = labels.astype("int32"); labels = labels - 1'),
    "bytes": (STRINGS.astype("S"), {}, "train labels are bytes", "labels = np.unique(labels"),
    "strings of variable width": (STRINGS.astype(np.dtypes.StringDType()), {}, "are strings", "labels = np."),
    "objects that are strings": (STRINGS.astype(object), {}, "are objects of the shape [30]", "labels = np."),
    "objects that are numbers": (LABELS.astype(object), {}, "are objects", 'labels = labels.astype("int32")'),
    "objects, some None": (
        *(put(STRINGS, MASK, None, object), {"class_names": ("a", "b", "c")}, "are objects"),
        "keep = np.array([isinstance(label, str)",
    ),
    "objects of two types": (
        put(STRINGS, MASK, 7, object),
        {"class_names": tuple("abcd")},
        "objects",
        "labels = labels",
    ),
    "tuples": (objects([(int(label),) for label in LABELS]), {}, "are objects", "labels = np.unique("),
    "bool": (TWO.astype(bool), BINARY, "train labels are bool", 'labels = labels.astype("int32")'),
    "floats with halves": (
        *(put(LABELS, LABELS == 1, 0.5, "float64"), {}, "are float64 of the shape [30], such as 0.5"),
        "labels = np.unique(labels, return_inverse=True)[1]",
    ),
    "whole floats": (LABELS.astype("float32"), {}, "are float32", 'labels = labels.astype("int32")'),
    "whole floats from 1": (LABELS + 1.0, {}, "are float64", 'labels = labels.astype("int32"); labels = labels - 1'),
    "whole floats −1 and 1": (
        *(TWO * 2.0 - 1, BINARY, "float64"),
        'labels = labels.astype("int32"); labels = (labels > 0).astype("int32")',
    ),
    "floats that are not a number": (
        *(put(LABELS, MASK, np.nan, "float64"), {}, "such as nan"),
        'keep = np.isfinite(labels); inputs, labels = inputs[keep], labels[keep]; labels = labels.astype("int32")',
    ),
    "infinite": (put(LABELS, MASK, np.inf, "float64"), {}, "such as inf", "keep = np.isfinite(labels)"),
    "complex": (LABELS + 0j, {}, "are complex numbers", "labels = np.unique(labels"),
    "unsigned of 64 bits": (LABELS.astype("uint64"), {}, "are uint64", 'labels = labels.astype("int32")'),
    "dates": (DATES, {}, "are dates of the shape [30], such as 2026-01-01", "labels = np.unique(labels"),
    "durations": (DATES - DATES[0], {}, "are durations", "labels = np.unique(labels"),
    "records": (np.array([(label,) for label in LABELS], [("class", "i4")]), {}, "are records", "labels = np.unique("),
    "from 1": (
        *(LABELS + 1, {}, "train labels go from 1 to 3, the first outside in row 2; with 3 class_names they are"),
        "labels = labels - 1",
    ),
    "from 1, as bytes": ((LABELS + 1).astype("uint8"), {}, "go from 1 to 3", "labels = labels - 1"),
    "−1 and 1": (TWO * 2 - 1, BINARY, "go from -1 to 1", 'labels = (labels > 0).astype("int32")'),
    "−1 and 1, of two classes": (TWO * 2 - 1, {"class_names": ("a", "b")}, "-1 to 1", "labels = (labels > 0)"),
    "negative": (LABELS - 1, {}, "go from -1 to 1, the first outside in row 0", "labels = np.unique(labels"),
    "with gaps": (LABELS * 10, {}, "go from 0 to 20", "labels = np.unique(labels, return_inverse=True)[1]"),
    "beyond int32": (LABELS.astype("int64") * 2**40, {}, "go from 0 to 2199023255552", "labels = np.unique(labels"),
    "below int32": (-(LABELS.astype("int64") * 2**40), {}, "from -2199023255552 to 0", "labels = np.unique(labels"),
    "one-hot": (ONE_HOT, {}, "train labels are int64 of the shape [30, 3]", "labels = labels.argmax(axis=1)"),
    "one-hot floats": (ONE_HOT.astype("float32"), {}, "are float32 of the shape [30, 3]", "labels = labels.argmax("),
    "one-hot bool": (ONE_HOT.astype(bool), {}, "are bool of the shape [30, 3]", "labels = labels.argmax(axis=1)"),
    "probabilities": (ONE_HOT * 0.7 + 0.1, {}, "are float64 of the shape [30, 3]", "labels = labels.argmax(axis=1)"),
    "one-hot of bytes": (np.uint8(ONE_HOT * 255), {}, "uint8 of the shape [30, 3]", "labels = labels.argmax(axis=1)"),
    "one-hot of −1 and 1": (ONE_HOT * 2 - 1, {}, "int64 of the shape [30, 3]", "labels = labels.argmax(axis=1)"),
    "digits with a point": (
        *(np.array([f" {label * 5}.0" for label in LABELS]), {"class_names": ("0", "5", "10")}, "are strings"),
        'labels = labels.astype("float64"); labels = labels.astype("int32"); labels = np.unique(labels',
    ),
    "digits with a sign": (np.array([f"{label - 1:+}" for label in LABELS]), {}, "are strings", 'astype("int32"); lab'),
    "a column": (LABELS[:, np.newaxis], {}, "are int32 of the shape [30, 1]", "labels = labels[:, 0]"),
    "a column of strings": (STRINGS[:, np.newaxis], {}, "strings of the shape [30, 1]", "labels = labels[:, 0]; "),
    "a column of columns": (LABELS.reshape(60, 1, 1), {}, "of the shape [30, 1, 1]", "labels = labels[:, 0]"),
    "several a row": (
        *(
            np.stack([LABELS, *[TWO] * 4], axis=1),
            {},
            "for several labels a row the task is multilabel_classification; for one, take a column, 0 to",
        ),
        "labels = labels[:, 0]",
    ),
    "a list": (LABELS.tolist(), {}, f"train labels are a list; {WHOLE}", "labels = np.asarray(labels)"),
    "a list of strings": (STRINGS.tolist(), {}, "are a list", "labels = np.asarray(labels); labels = np."),
    "a tuple": (tuple(LABELS.tolist()), {}, "are a tuple", "labels = np.asarray(labels)"),
    "a range": (range(60), {"class_names": tuple(map(str, range(60)))}, "are a range", "labels = np.asarray(labels)"),
    "a Series": (pd.Series(LABELS), {}, "are a pandas.Series", "labels = labels.to_numpy()"),
    "a Series of strings": (pd.Series(STRINGS), {}, "are a pandas.Series", "labels = labels.to_numpy(); labels = np."),
    "a Series with NA": (
        *(pd.Series(put(STRINGS, MASK, None, object), dtype="string"), {}, "a pandas.Series"),
        "labels = labels.to_numpy(); keep = ",
    ),
    "a Categorical": (
        pd.Categorical(STRINGS),
        {},
        "are a pandas.Categorical",
        "labels = labels.to_numpy(); labels = np.",
    ),
    "a DataFrame": (
        pd.DataFrame({"y": LABELS}),
        {},
        "a pandas.DataFrame",
        "labels = labels.to_numpy(); labels = labels[",
    ),
    "an Index": (pd.Index(LABELS), {}, "are a pandas.Index", "labels = labels.to_numpy()"),
    "masked": (np.ma.masked_array(LABELS, MASK), {}, "are a numpy.MaskedArray", "keep = ~np.ma.getmaskarray(labels)"),
    "masked nowhere": (np.ma.masked_array(LABELS), {}, "are a numpy.MaskedArray", "labels = labels.data"),
    "a matrix": (np.asmatrix(LABELS).T, {}, "are a numpy.matrix", "labels = np.asarray(labels); labels = labels[:, 0]"),
    "sparse": (
        sparse.csr_array(ONE_HOT),
        {},
        "are a scipy.csr_array",
        "labels = labels.toarray(); labels = labels.arg",
    ),
    "a memory": (memoryview(LABELS), {}, "are a memoryview", "labels = np.asarray(labels)"),
}

REAL = "an array [rows, …] of real numbers is expected"
# {what is wrong: (all inputs, words, the line that mends them, or its beginning)}
WRONG_INPUTS: dict[str, tuple[Any, str, str]] = {
    "NaN in a training row": (
        *(
            put(INPUTS, (5, 2), np.nan),
            "train inputs: 1 value is NaN or infinite, in 1 of 30 rows, the first in",
        ),
        "keep = np.isfinite(inputs)",
    ),
    "NaN in test rows": (
        put(put(INPUTS, (45, 2), np.nan), (50, slice(None)), np.nan),
        "test inputs: 5 values are NaN or infinite, in 2 of 18 rows, the first in row 3",
        "keep = np.isfinite(inputs)",
    ),
    "infinite": (
        put(INPUTS, (31, 0), -np.inf),
        "validation inputs: 1 value is NaN or infinite",
        "keep = np.isfinite(inputs)",
    ),
    "all NaN": (INPUTS * np.float32(np.nan), "120 values are NaN or infinite, in 30 of 30 rows", "keep = "),
    "NaN in an image": (put(IMAGES / 255, (9, 1, 1, 0), np.nan), "1 value is NaN or infinite", "keep = "),
    "complex": (INPUTS + 1j, "train inputs are complex numbers", "inputs = np.concatenate([inputs.real, inputs.imag]"),
    "objects": (INPUTS.astype(object), "train inputs are objects of the shape [30, 4]", 'inputs.astype("float32")'),
    "digits": (INPUTS.astype(str), "train inputs are strings", 'inputs = inputs.astype("float32")'),
    "bool": (INPUTS > 0, "train inputs are bool", 'inputs = inputs.astype("float32")'),
    "long floats": (INPUTS.astype("longdouble"), "train inputs are ", 'inputs = inputs.astype("float64")'),
    "no column": (INPUTS[:, 0], "train inputs are float32 of the shape [30]", "inputs = inputs[:, np.newaxis]"),
    "rows that are objects": (objects(list(INPUTS)), "train inputs are objects of the shape [30]", "np.stack(inputs)"),
    "a list": (INPUTS.tolist(), f"train inputs are a list; {REAL}", "inputs = np.asarray(inputs)"),
    "a DataFrame": (pd.DataFrame(INPUTS), "train inputs are a pandas.DataFrame", "inputs = inputs.to_numpy()"),
    "a Series": (pd.Series(INPUTS[:, 0]), "train inputs are a pandas.Series", "inputs = inputs.to_numpy(); inputs = "),
    "sparse": (sparse.csr_array(INPUTS), "train inputs are a scipy.csr_array", "inputs = inputs.toarray()"),
    "a sparse matrix": (sparse.csr_matrix(INPUTS), "train inputs are a scipy.csr_matrix", "inputs = inputs.toarray()"),
    "masked": (
        *(np.ma.masked_array(INPUTS, INPUTS > 1.5), "train inputs are a numpy.MaskedArray"),
        "keep = ~np.ma.getmaskarray(inputs)",
    ),
    "a matrix": (np.asmatrix(INPUTS), "train inputs are a numpy.matrix", "inputs = np.asarray(inputs)"),
    "images of whole numbers": (
        *(IMAGES.astype("int64"), "images are int64 of the shape [30, 5, 5, 2]; uint8, or floats that are scaled"),
        'inputs = inputs.astype("uint8")',
    ),
    "images without channels": (
        *(IMAGES[..., 0], "images are uint8 of the shape [30, 5, 5]; a last axis of channels is expected"),
        "inputs = inputs[..., np.newaxis]",
    ),
    "images of 16 bits": (IMAGES.astype("uint16") * 256, "images are uint16", "inputs = inputs / 255"),
}

DATES_2D = np.datetime64("2026-01-01") + np.arange(240).reshape(60, 4)
TRAIN, TEST = (INPUTS[:30], LABELS[:30]), (INPUTS[42:], LABELS[42:])
STATISTICS = {"mean": MEAN, "std": STD}
# {what is wrong: (arguments, words)}: what no line mends
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "labels that are a number": ({"test": (TEST[0], np.array(1))}, "test labels are int64 of the shape []"),
    "labels that are None": ({"test": (TEST[0], None)}, "test labels are None"),
    "labels that are a generator": ({"test": (TEST[0], (x for x in LABELS))}, "test labels are a generator"),
    "labels that are a dictionary": ({"test": (TEST[0], {"a": 1})}, "test labels are a dict"),
    "labels that are a text": ({"test": (TEST[0], "cat")}, "test labels are a str"),
    "a label too few": ({"test": (TEST[0], TEST[1][1:])}, "test labels are 17 for 18 rows of inputs"),
    "a label too many": ({"train": (TRAIN[0], LABELS[:31])}, "train labels are 31 for 30 rows of inputs"),
    "labels of test alone from 1": ({"test": (TEST[0], TEST[1] + 1)}, "test labels go from 1 to 3, the first outside"),
    "too few names": (
        {"class_names": ("a", "b")},
        "train labels go from 0 to 2, the first outside in row 2; with 2 class",
    ),
    "too few names for a task of two classes": ({**BINARY}, "train labels go from 0 to 2"),
    "one name": ({"class_names": ("a",), "labels": LABELS * 0}, "class_names has 1; at least two are needed"),
    "no names": ({"class_names": ()}, "class_names has 0; at least two are needed"),
    "three classes of a binary task": (
        {"task": "binary_classification"},
        "the task binary_classification is for 2 classes; class_names has 3",
    ),
    "a name twice": (
        {"class_names": ("a", "b", "a")},
        "class_names has 'a' 2 times; each class needs a name of its own",
    ),
    "names in a list": ({"class_names": list(NAMES)}, "class_names is a list; a tuple of strings is expected: `tuple("),
    "names that are a text": ({"class_names": "abc"}, "class_names is a str; a tuple of strings is expected"),
    "names in an array": ({"class_names": np.array(NAMES)}, "class_names is a numpy.ndarray; a tuple of strings"),
    "names of NumPy": ({"class_names": tuple(np.array(NAMES))}, "a numpy.str_; each must be a string: `tuple(map(str"),
    "names that are numbers": ({"class_names": (0, 1, 2)}, "class_names has 0, an int; each must be a string"),
    "an empty name": ({"class_names": ("a", " ", "c")}, "class_names has ' '; each class needs a name"),
    "a name with its end of line": ({"class_names": ("a\n", "b\n", "c\n")}, r"class_names has 'a\n'; each class needs"),
    "a name that is no text": ({"class_names": ("a", "b", "\ud800")}, r"class_names has '\ud800'"),
    "names that are None": ({"class_names": None}, "class_names is None"),
    "one class in the training rows": ({"train": (TRAIN[0], TRAIN[1] * 0)}, "train labels are all 0 ('cat'); rows of"),
    "no training rows": ({"train": (INPUTS[:0], LABELS[:0])}, "train has no rows; only validation may have none"),
    "no test rows": ({"test": (INPUTS[:0], LABELS[:0])}, "test has no rows; only validation may have none"),
    "labels without values, as floats": ({"validation": (INPUTS[:0], np.array([]))}, "validation labels are float64"),
    "inputs without values, as floats": (
        {"validation": (np.zeros((0, 4)), LABELS[:0])},
        "validation inputs are float64",
    ),
    "no columns": ({"inputs": INPUTS[:, :0]}, "train inputs have the shape [30, 0]; at least one column is needed"),
    "images of no height": ({"inputs": IMAGES[:, :0], **STATISTICS}, "have the shape [30, 0, 5, 2]; at least one"),
    "inputs that are a number": ({"test": (np.float32(1), TEST[1])}, "test inputs are a numpy.float32"),
    "inputs that are None": ({"test": (None, TEST[1])}, "test inputs are None"),
    "inputs that are a dictionary": ({"test": ({"a": INPUTS}, TEST[1])}, "test inputs are a dict"),
    "rows of several lengths": ({"train": ([[1.0], [1.0, 2.0]], LABELS[:2])}, "train inputs are a list"),
    "inputs that are names": ({"inputs": STRINGS[:, np.newaxis]}, "train inputs are strings of the shape [30, 1]"),
    "inputs that are dates": ({"inputs": DATES_2D}, "train inputs are dates of the shape [30, 4]"),
    "inputs that are records": ({"inputs": np.zeros((60, 2), [("a", "f4")])}, "train inputs are records"),
    "too large for float32": (
        {"inputs": put(INPUTS, (43, 1), 1e300, "float64")},
        "test inputs: 1 value is beyond the range of float32, in 1 of 18 rows, the first in row 1 (±3.4e+38)",
    ),
    "a column too few": (
        {"test": (TEST[0][:, :3], TEST[1])},
        "test inputs have the shape [18, 3]; those of train [30, 4]: all but the number of rows must be the same",
    ),
    "another rank": ({"validation": (INPUTS[:2, None], LABELS[:2])}, "validation inputs have the shape [2, 1, 4]"),
    "another type": (
        {"test": (TEST[0].astype("float64"), TEST[1])},
        'test inputs are float64, those of train float32; they must be the same: `inputs = inputs.astype("float32")`',
    ),
    "images without statistics": (
        {"inputs": IMAGES},
        "mean is None; uint8 images need an array [2] of floats: `mean, ",
    ),
    "images without a deviation": ({"inputs": IMAGES, "mean": MEAN}, "std is None; uint8 images need an array [2]"),
    "a mean of another shape": (
        {"inputs": IMAGES, "mean": np.zeros(3, "f4"), "std": STD},
        "mean is float32 of the shape [3]",
    ),
    "a mean of each pixel": (
        {"inputs": IMAGES, "mean": IMAGES.mean(0), "std": STD},
        "mean is float64 of the shape [5, 5, 2]",
    ),
    "a mean that is a number": (
        {"inputs": IMAGES, "mean": 0.5, "std": STD},
        "mean is a float; uint8 images need an array",
    ),
    "a mean in a list": ({"inputs": IMAGES, "mean": [1.0, 2.0], "std": STD}, "mean is a list"),
    "a mean that is no number": (
        {"inputs": IMAGES, "mean": MEAN * np.float32(np.nan), "std": STD},
        "mean is [nan, nan]",
    ),
    "a deviation of 0": (
        {"inputs": IMAGES, "mean": MEAN, "std": put(STD, 1, 0)},
        "more than 0 is expected for each channel",
    ),
    "a deviation below 0": ({"inputs": IMAGES, "mean": MEAN, "std": -STD}, "more than 0 is expected for each channel"),
    "a deviation without an inverse": (
        {"inputs": IMAGES, "mean": MEAN, "std": STD * 0 + np.float32(1e-42)},
        "more than 0",
    ),
    "an infinite deviation": (
        {"inputs": IMAGES, "mean": MEAN, "std": STD * np.float32(np.inf)},
        "std is [inf, inf]; finite",
    ),
    "statistics of a table": ({**STATISTICS}, "mean and std are for uint8 images [rows, height, width, channels]; the"),
    "statistics of images that are floats": (
        {"inputs": IMAGES / 255, **STATISTICS},
        "the inputs are float64 of the shape",
    ),
    "statistics of bytes that are no images": (
        {"inputs": IMAGES[..., 0, 0], **STATISTICS},
        "the inputs are uint8 of the shape [30, 5]",
    ),
    "a part that is a tuple of three": ({"test": [*TEST, TEST[1]]}, "test is a list; a Split is expected"),
    "a part that is a dictionary": ({"train": {"inputs": TRAIN[0], "labels": TRAIN[1]}}, "train is a dict; a Split is"),
    "files that are a list": ({"files": ["a.zip"]}, "files is a list; a dict is expected"),
    "an unknown task": (
        {"task": "regresion"},
        "'regresion' is not a known task; allowed: binary_classification, count_regression, detec",
    ),
    "a task that is no text": ({"task": 3}, "task is an int, 3; a text is expected"),
    "files whose checksums are bytes": ({"files": {"a.zip": b"0"}}, "files is {'a.zip': b'0'}; each file's name and"),
}
