"""What labels must be that are tokens: the next one at each place of a row, and the bytes of the text that they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions, large_arrays, refusals

EXPECTED = (
    "an array [rows, T + 1] of whole numbers is expected: the next token at each of T places, 0 where there is none, "
    "and then the bytes of the text that these tokens are"
)
LARGEST = np.iinfo("int32").max


def check(what: str, labels: Any, rows: int, class_names: Sequence[str]) -> None:
    """Raise UserError for labels that are no tokens with a name in each row, and bytes. `what` they are called."""
    if not (conversions.is_plain(labels) and labels.ndim == 2 and labels.dtype.kind in "iu" and labels.shape[1] > 1):
        raise UserError(f"{what} are {conversions.in_words(labels)}; {EXPECTED}{refusals.of_labels(labels, rows)}")
    if len(labels) != rows:
        raise UserError(f"{what} are {len(labels)} for {rows} rows of inputs; one for each row is expected")
    first = 0
    for some in large_arrays.chunks(labels):
        _check_part(what, first, some, len(class_names))
        first += len(some)


def check_places(inputs: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray]) -> None:
    """Raise UserError unless inputs {part: [rows, T]} are as many tokens a row as labels [rows, T + 1] have places."""
    for part, tokens in inputs.items():
        if tokens.ndim != 2 or tokens.dtype.kind not in "iu" or tokens.shape[1] + 1 != labels[part].shape[1]:
            raise UserError(
                f"{part} inputs are {conversions.in_words(tokens)}; whole numbers [rows, T] are expected, the token at "
                f"each of the {labels[part].shape[1] - 1} places of the labels"
            )


def check_vary(labels: np.ndarray) -> None:
    """Raise UserError for training labels of which all tokens are the same."""
    first = labels[0, :-1].max()
    if all(np.isin(some[:, :-1], (0, first)).all() for some in large_arrays.chunks(labels)):
        raise UserError(f"train labels are all the token {first}; there is nothing to learn from one token")


def _check_part(what: str, first: int, labels: np.ndarray, classes: int) -> None:
    tokens, bytes_ = labels[:, :-1], labels[:, -1]
    outside = ((tokens < 0) | (tokens >= classes)).any(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise UserError(
            f"{what} go from {tokens[row].min()} to {tokens[row].max()} in row {first + row}; with {classes} "
            f"class_names tokens are whole numbers from 0 to {classes - 1}"
        )
    if (empty := ~(tokens > 0).any(axis=1)).any():
        raise UserError(
            f"{what} have no token in row {first + int(empty.argmax())}, only 0; leave such rows out of the data set"
        )
    if (wrong := (bytes_ < 1) | (bytes_ > LARGEST)).any():
        row = int(wrong.argmax())
        raise UserError(
            f"{what} have {bytes_[row]} in the last column of row {first + row}, where the bytes of its text stand; "
            f"1 to {LARGEST:,} are expected"
        )
