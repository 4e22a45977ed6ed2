"""What labels must be: of classes whole numbers from 0 up, one for each row, of classes that have names."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import box_checks, conversions, number_checks, refusals, token_checks
from batchwise.data.conversions import DROP, MISSING, Step
from batchwise.data.task import Kind

EXPECTED = "an array [rows] of whole numbers from 0 up is expected, one for each row"
INT32 = np.iinfo("int32")


def check(kind: Kind, what: str, labels: Any, rows: int, class_names: Sequence[str]) -> None:
    """Raise UserError for labels that are not of a kind. `what` is what they are called: `train labels`."""
    if kind == "classes":
        check_form(what, labels, rows, class_names)
    elif kind == "tokens":
        token_checks.check(what, labels, rows, class_names)
    elif kind == "boxes":
        box_checks.check(what, labels, rows, class_names)
    else:
        number_checks.check(kind, what, labels, rows, class_names)


def check_together(kind: Kind, labels: Mapping[str, np.ndarray], class_names: tuple[str, ...]) -> None:
    """Raise UserError for labels {part: [rows, …]} of which there is nothing to learn, or of classes without a name."""
    if kind == "classes":
        check_classes(labels, class_names)
    elif kind == "tokens":
        token_checks.check_vary(labels["train"])
    elif kind == "boxes":
        box_checks.check_alike(labels)
        box_checks.check_some(labels["train"])
    else:
        number_checks.check_vary(kind, labels["train"], class_names)


def check_form(what: str, labels: Any, rows: int, class_names: Sequence[str] = ()) -> None:
    """Raise UserError, with the line that converts them, for labels that are no integers [rows].

    `what` is what they are called: `train labels`.
    """
    if not (conversions.is_plain(labels) and labels.ndim == 1 and _is_integer(labels)):
        todo = refusals.of_labels(labels, rows) or _conversion(labels, class_names)
        raise UserError(f"{what} are {conversions.in_words(labels, _odd(labels))}; {EXPECTED}{todo}")
    if len(labels) != rows:
        raise UserError(f"{what} are {len(labels)} for {rows} rows of inputs; one for each row is expected")
    if rows and not (INT32.min <= labels.min() and labels.max() <= INT32.max):
        line = conversions.line(labels, partial(_numbered, class_names=class_names))
        raise UserError(f"{what} go from {labels.min()} to {labels.max()}; they number the classes from 0 up{line}")


def _conversion(labels: Any, class_names: Sequence[str]) -> str:
    """Return the line that converts labels, and what to know of it."""
    line = conversions.line(labels, partial(_next_step, class_names=class_names))
    if "[:, 0]" in line and (columns := (labels if hasattr(labels, "shape") else np.asarray(labels)).shape[1]) > 1:
        several = "for several labels a row the task is multilabel_classification"
        return f"; {several}; for one, take a column, 0 to {columns - 1}{line}"
    return f"; convert all rows alike, before they are split{line}" if "np.unique" in line else line


def check_names(kind: Kind, class_names: Any) -> None:
    """Raise UserError if these are not two names or more, each another, or some where labels are numbers."""
    if not isinstance(class_names, tuple):
        found = conversions.type_name(class_names)
        raise UserError(f"class_names is {found}; a tuple of strings is expected: `tuple(map(str, class_names))`")
    for name in class_names:
        if type(name) is not str:  # NumPy's strings are written in another way
            found = f"{name!r}, {conversions.type_name(name)}"
            raise UserError(f"class_names has {found}; each must be a string: `tuple(map(str, class_names))`")
        if not name.strip() or not conversions.is_text(name) or any(map(_is_control, name)):
            raise UserError(f"class_names has {name!r}; each class needs a name, in one line of text")
    for name, count in Counter(class_names).items():
        if count > 1:
            raise UserError(f"class_names has {name!r} {count} times; each class needs a name of its own")
    if kind in ("numbers", "counts"):
        if class_names:
            raise UserError(f"class_names is {class_names}; labels that are {kind} have none: write `()`")
    elif len(class_names) < (fewest := 1 if kind == "boxes" else 2):
        raise UserError(f"class_names has {len(class_names)}; at least {'one is' if fewest == 1 else 'two are'} needed")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def check_classes(labels: Mapping[str, np.ndarray], class_names: tuple[str, ...]) -> None:
    """Raise UserError if integer labels {part: [rows]} are not of classes with a name, or all in `train` of one."""
    _check_range(np.concatenate([*labels.values()]), labels, class_names)
    if len(found := np.unique(labels["train"])) < 2:
        name = class_names[found[0]]
        raise UserError(f"train labels are all {found[0]} ({name!r}); rows of at least two classes are needed")


def _check_range(together: np.ndarray, labels: Mapping[str, np.ndarray], class_names: tuple[str, ...]) -> None:
    classes = len(class_names)
    for part, values in labels.items():
        outside = np.flatnonzero((values < 0) | (values >= classes))
        if len(outside):
            found = f"{part} labels go from {values.min()} to {values.max()}, the first outside in row {outside[0]}"
            expected = f"with {classes} class_names they are whole numbers from 0 to {classes - 1}"
            number = len(np.unique(together))
            line = conversions.line(together, partial(_numbered, class_names=class_names))
            todo = f", in all parts{line}" if line else f"; name each of the {number} classes that have rows"
            raise UserError(f"{found}; {expected}{todo}")


def _is_integer(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "iu" and np.can_cast(labels.dtype, "int64")


def _odd(labels: Any) -> int:
    """Return the number of a label that is no whole number, or 0."""
    is_float = conversions.is_plain(labels) and labels.dtype.kind == "f" and labels.size
    return int(np.argmax(~np.isfinite(labels) | (labels != np.floor(labels)))) if is_float else 0


def _next_step(labels: Any, class_names: Sequence[str]) -> Step | None:
    """Return the next step on the way to labels as they should be, None at its end."""
    if not conversions.is_plain(labels):
        return conversions.plain("labels", labels)
    if labels.ndim != 1:
        return _one_a_row(labels)
    return _without_missing(labels) or _whole(labels, class_names) or _numbered(labels, class_names)


def _one_a_row(labels: np.ndarray) -> Step | None:
    if labels.ndim == 0:
        if labels.dtype != "O":
            return None
        return "labels = np.array(list(labels.item()))", np.array(list(labels.item()))
    if labels.size in labels.shape and labels.shape[0] != labels.size:
        return "labels = labels.reshape(-1)", labels.reshape(-1)
    if _is_one_hot(labels):
        return "labels = labels.argmax(axis=1)", labels.argmax(axis=1)
    return ("labels = labels[:, 0]", labels[:, 0]) if labels.shape[1] else None


def _is_one_hot(labels: np.ndarray) -> bool:
    """Return whether each row has a share of each class, or one number in one place and another in all others."""
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind not in "biuf":
        return False
    if (labels >= 0).all() and np.allclose(labels.sum(axis=1), 1):
        return True
    largest = labels == labels.max()
    return bool((largest.sum(axis=1) == 1).all() and len(np.unique(labels[~largest])) == 1)


def _without_missing(labels: np.ndarray) -> Step | None:
    if labels.dtype.kind == "O":
        keep = np.array([isinstance(label, str) or str(label) not in MISSING for label in labels], bool)
        text = f"[isinstance(label, str) or str(label) not in {MISSING} for label in labels]"
        return None if keep.all() else (f"keep = np.array({text}); {DROP}", labels[keep])
    if labels.dtype.kind in "fc":
        keep = np.isfinite(labels)
        return None if keep.all() else (f"keep = np.isfinite(labels); {DROP}", labels[keep])
    return None


def _whole(labels: np.ndarray, class_names: Sequence[str]) -> Step | None:
    """Return the step to integers: the same where these are whole numbers, otherwise the number of the class."""
    if _is_integer(labels):
        return None
    if labels.dtype.kind in "UTO" and _are_names(labels, class_names):
        line = 'labels = np.array([class_names.index(label) for label in labels], "int32")'
        return line, np.array([class_names.index(label) for label in labels], "int32")
    if _are_whole(labels):
        return 'labels = labels.astype("int32")', labels.astype("int32")
    if labels.dtype.kind in "UTSO" and all(map(_is_decimal, labels)):
        return 'labels = labels.astype("float64")', labels.astype("float64")
    try:
        return "labels = np.unique(labels, return_inverse=True)[1]", np.unique(labels, return_inverse=True)[1]
    except TypeError:  # strings and numbers, which have no order
        return "labels = labels.astype(str)", labels.astype(str)


def _are_whole(labels: np.ndarray) -> bool:
    """Return whether these are whole numbers in another form, or their digits."""
    kind = labels.dtype.kind
    if kind not in "biuf" and not (kind in "OUST" and all(map(_is_whole, labels))):
        return False
    numbers = labels.astype("float64")
    return bool((numbers == np.floor(numbers)).all() and (abs(numbers) < INT32.max).all())


def _is_whole(label: Any) -> bool:
    return isinstance(label, int | np.integer) or (isinstance(label, str | bytes) and label.isdigit())


def _is_decimal(label: Any) -> bool:
    """Return whether this is the text of a whole number that is written as another, 2.0 or with a space say."""
    text = label.decode(errors="replace") if isinstance(label, bytes) else label
    return isinstance(text, str) and bool(re.fullmatch(r"\s*[-+]?[0-9]+(\.0*)?\s*", text, re.ASCII))


def _are_names(labels: np.ndarray, class_names: Sequence[str]) -> bool:
    """Return whether labels are names of classes that are in another order than NumPy would sort them, or not all."""
    return set(labels) <= set(class_names) and sorted(set(labels)) != [*class_names]


def _numbered(labels: np.ndarray, class_names: Sequence[str]) -> Step | None:
    """Return the step from integers to those from 0 up, if there are as many as classes at most."""
    found = np.unique(labels)
    classes = len(class_names) or len(found)
    if not len(found) or (found[0] >= 0 and found[-1] < (len(class_names) or INT32.max)) or len(found) > classes:
        return None
    if found.tolist() == [-1, 1]:
        return 'labels = (labels > 0).astype("int32")', (labels > 0).astype("int32")
    if found[0] == 1 and found[-1] <= classes:
        return "labels = labels - 1", labels - 1
    return "labels = np.unique(labels, return_inverse=True)[1]", np.unique(labels, return_inverse=True)[1]
