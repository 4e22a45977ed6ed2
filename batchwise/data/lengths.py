"""Rows of tokens at another length: what memory and time depend on, where the tokens themselves do not matter."""

from dataclasses import replace

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions
from batchwise.data.dataset import DataSet, Split


def check(study: str, data: DataSet) -> None:
    """Raise UserError if a study asks for other lengths of inputs that are no rows of tokens: whole numbers [N, T]."""
    inputs = data.train.inputs
    if inputs.ndim != 2 or inputs.dtype.kind not in "iu":
        raise UserError(
            f"studies.{study}.memory_by_length: it is for rows of tokens, whole numbers [rows, tokens]; the inputs of "
            f"{data.description.title} are {conversions.in_words(inputs)}; leave it out"
        )


def of_length(data: DataSet, tokens: int, most_rows: int) -> DataSet:
    """Return about so many rows of each part, all classes among them, cut or repeated to so many tokens, padding last.

    Labels of each token go with them; their last column stays.
    """
    is_class = data.task.labels.kind == "classes"

    def part(of: Split) -> Split:
        return _of_length(of.take(_rows(of.labels, most_rows, is_class)), tokens)

    return replace(data, train=part(data.train), validation=part(data.validation), test=part(data.test))


def _rows(labels: np.ndarray, most: int, is_class: bool) -> np.ndarray:
    """Return rows of all parts of `labels` [N, …], with the least and the largest of each column, or each class."""
    if not len(labels):
        return np.arange(0)
    spread = np.linspace(0, len(labels) - 1, min(len(labels), most)).astype(int)
    columns = labels.reshape(len(labels), -1)
    needed = np.unique(labels, return_index=True)[1] if is_class else [*columns.argmin(axis=0), *columns.argmax(axis=0)]
    return np.union1d(spread, needed)


def _of_length(rows: Split, tokens: int) -> Split:
    before, labels = rows.inputs.shape[1], rows.labels
    if labels.ndim == 2 and labels.shape[1] == before + 1:  # of each token, and one number of the row
        labels = np.concatenate([_repeated(labels[:, :-1], tokens), labels[:, -1:]], axis=1)
    return replace(rows, inputs=_repeated(rows.inputs, tokens), labels=labels)


def _repeated(values: np.ndarray, tokens: int) -> np.ndarray:
    """Return [N, tokens] of [N, T], with all zeros, which are padding, behind the others."""
    taken = np.take(values, np.arange(tokens) % values.shape[1], axis=1)
    return np.take_along_axis(taken, np.argsort(taken == 0, axis=1, kind="stable"), axis=1)
