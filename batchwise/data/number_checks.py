"""What labels must be that are no classes: a finite number or a count for each row, or several flags of 0 or 1."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data import conversions, refusals
from batchwise.data.conversions import DROP, Step
from batchwise.data.task import Kind

EXPECTED = {
    "numbers": "an array [rows] of finite numbers",
    "counts": "an array [rows] of whole numbers from 0 up",
    "flags": "an array [rows, labels] of 0 and 1",
}
LARGEST = float(np.finfo("float32").max) / 2  # of a number; its square is that of a standardised one
LARGEST_COUNT = 2**24  # float32, in which a model has them, tells all up to this one


def check(kind: Kind, what: str, labels: Any, rows: int, class_names: Sequence[str]) -> None:
    """Raise UserError for labels that are not of the kind `numbers`, `counts` or `flags`; `what` they are called."""
    if not (conversions.is_plain(labels) and labels.ndim == (2 if kind == "flags" else 1) and _is_real(labels)):
        todo = refusals.of_labels(labels, rows) or conversions.line(labels, _next_step)
        raise UserError(f"{what} are {conversions.in_words(labels)}; {EXPECTED[kind]} is expected{todo}")
    if len(labels) != rows:
        raise UserError(f"{what} are {len(labels)} for {rows} rows of inputs; one for each row is expected")
    if kind == "flags" and labels.shape[1] != len(class_names):
        found = f"{labels.shape[1]} columns, and class_names has {len(class_names)}"
        raise UserError(f"{what} have {found}; name each of the labels")
    wrong = _wrong(kind, labels)
    if len(rows_of := np.flatnonzero(wrong.reshape(len(labels), -1).any(axis=1) if len(labels) else wrong)):
        row = rows_of[0]
        todo = f"; drop such rows{conversions.line(labels, _finite)}" if not np.isfinite(labels).all() else ""
        raise UserError(
            f"{what}: {np.asarray(labels[row]).tolist()} in row {row}, and {len(rows_of)} such rows of {rows}; "
            f"{EXPECTED[kind]}{_within(kind)} is expected{todo}"
        )


def check_vary(kind: Kind, labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Raise UserError for training labels that are all the same."""
    same = np.ptp(labels, axis=0) == 0
    if same.all():
        found = f"{labels[0]}" if kind != "flags" else f"{dict(zip(class_names, labels[0].tolist(), strict=True))}"
        raise UserError(f"train labels are all {found}; there is nothing to learn from rows that do not differ")


def _wrong(kind: Kind, labels: np.ndarray) -> np.ndarray:
    """Return which values are not of the kind."""
    if kind == "flags":
        return ~np.isin(labels, (0, 1))
    with np.errstate(invalid="ignore"):
        within = np.abs(labels) <= LARGEST if kind == "numbers" else (labels >= 0) & (labels <= LARGEST_COUNT)
        return ~within if kind == "numbers" else ~(within & (labels == np.floor(labels)))


def _within(kind: Kind) -> str:
    return {"numbers": f", within ±{LARGEST:.1e},", "counts": f", at most {LARGEST_COUNT:,},", "flags": ""}[kind]


def _is_real(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "iu" or labels.dtype.name in ("bool", "float16", "float32", "float64")


def _next_step(labels: Any) -> Step | None:
    if not conversions.is_plain(labels):
        return conversions.plain("labels", labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        return "labels = labels[:, 0]", labels[:, 0]
    return None if _is_real(labels) else ('labels = labels.astype("float64")', labels.astype("float64"))


def _finite(labels: np.ndarray) -> Step | None:
    keep = np.isfinite(labels).reshape(len(labels), -1).all(axis=1)
    text = f"keep = np.isfinite(labels).reshape(len(labels), -1).all(axis=1); {DROP}"
    return None if keep.all() else (text, labels[keep])
