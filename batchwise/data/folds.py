"""Cross-validation: all rows of a data set dealt to folds, of which each seed tests on another.

Seed s tests on fold s, and chooses by fold s + 1 if there are three or more; it trains on the other rows. So each row
is tested by one seed, whichever part of the data set it was in. It helps to choose for another seed, whose model is
another: in simulations (60 to 400 rows, 30 candidates that are equally good) that flattered results by no more than
rows do which choose alone.

All seeds have as many rows of each part. Where groups make folds unequal, rows are left out by chance.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import rescaling
from batchwise.data.dataset import ROW_VALUES, SPLITS, DataSet, Folds, Split
from batchwise.data.subset import channel_statistics, strata
from batchwise.data.texts import without_unseen

SEED = 0  # of how rows are dealt


def deal(data: DataSet, count: int, whole: DataSet) -> DataSet:
    """Return the data set with its rows dealt to `count` folds; `whole` is what it is a subset of, or itself.

    Rows are dealt by chance, with each class's share in each fold to within a row; those of one group stay together.
    Raises UserError for rows that are in order of time, and for too few.
    """
    if data.is_streamed:
        raise UserError("the data set is streamed, and folds deal out rows in memory; leave folds out, or streamed")
    rows = joined(data)
    if rows.order is not None:
        raise UserError("rows are in order of time, and folds would train on what comes after their test rows")
    classes, random = strata(data, rows), np.random.default_rng(SEED)
    if rows.groups is None:
        _check_enough(classes, count, data.class_names)
        of_rows = _by_class(classes, count, random)
    else:
        of_rows = _by_group(classes, np.unique(rows.groups, return_inverse=True)[1], count, random)
    return replace(data, folds=Folds(of_rows, rescaling.spreads(whole.train.inputs)))


def of_seed(data: DataSet, seed: int) -> DataSet:
    """Return what a seed trains, chooses and tests on, scaled by its training rows; without folds, the data set."""
    if data.folds is None:
        return data
    number, sizes, rows = seed % data.folds.count, data.folds.rows, joined(data)
    test, next_one = (data.folds.of_rows == one % data.folds.count for one in (number, number + 1))
    validation = next_one if sizes["validation"] else np.zeros_like(next_one)
    random = np.random.default_rng([SEED, number])
    parts = [
        rows.take(_drawn(np.flatnonzero(chosen), sizes[name], random))
        for name, chosen in zip(SPLITS, (~test & ~validation, validation, test), strict=True)
    ]
    if data.texts:  # what a seed does not train on it does not know
        parts = _known(parts, labels=data.task.labels.are_tokens)
    scaled: dict[str, Any] = dict(zip(SPLITS, rescaling.rescaled(parts, data.folds.spreads), strict=True))
    mean, std = (None, None) if data.mean is None else channel_statistics(parts[0].inputs)
    return replace(data, **scaled, mean=mean, std=std, folds=None)


def _known(parts: list[Split], *, labels: bool) -> list[Split]:
    """Return parts in which tokens that the training rows do not have are unknown, as inputs and, if so, as labels."""
    places = parts[0].inputs.shape[1]
    tokens = [np.hstack([part.inputs, part.labels[:, :-1]]) if labels else part.inputs for part in parts]
    found = []
    for part, known in zip(parts, without_unseen(tokens), strict=True):
        following = np.hstack([known[:, places:], part.labels[:, -1:]]) if labels else part.labels
        found.append(replace(part, inputs=known[:, :places].astype(part.inputs.dtype), labels=following))
    return found


def check(data: DataSet) -> None:
    """Raise UserError if what a seed has is no data set: its training rows are of one class, say."""
    for number in range(data.folds.count if data.folds else 0):
        try:
            of_seed(data, number)
        except UserError as error:
            raise UserError(f"of seed {number}, {error}") from None


def facts(data: DataSet) -> dict[str, Any]:
    """Return how the rows of a data set are dealt, and whether inputs are scaled by those of a seed."""
    assert data.folds
    dealt = data.folds
    return {
        "count": dealt.count,
        "rows": len(dealt.of_rows),
        "groups": data.train.groups is not None,
        "rescaled": bool(dealt.spreads.any()) or data.mean is not None,
    }


def joined(data: DataSet) -> Split:
    """Return the rows of all parts, one after the other. Raises UserError if one has weights, say, and another not."""
    parts = {name: part for name in SPLITS if len((part := getattr(data, name)).labels)}
    values = {key: [getattr(part, key) for part in parts.values()] for key in ROW_VALUES}
    for key, of_parts in values.items():
        lacking = [name for name, of_part in zip(parts, of_parts, strict=True) if of_part is None]
        if 0 < len(lacking) < len(parts):
            raise UserError(f"the {lacking[0]} rows have no {key}, and others have; with folds all rows need them")
    arrays = {key: [getattr(part, key) for part in parts.values()] for key in ("inputs", "labels")}
    arrays |= {key: of_parts for key, of_parts in values.items() if of_parts[0] is not None}
    return Split(**{key: np.concatenate(of_parts) for key, of_parts in arrays.items()})


def _check_enough(classes: np.ndarray, count: int, names: Sequence[str]) -> None:
    """Raise UserError for a class, or a data set, of which there is not a row for each fold."""
    found, sizes = np.unique(classes, return_counts=True)
    if sizes.min() < count:
        what = f"class {shown(names[found[sizes.argmin()]])} has" if len(found) > 1 else "the data set has"
        rows = f"{sizes.min()} row{'s' if sizes.min() > 1 else ''}"
        raise UserError(f"{what} {rows}; with {count} folds at least {count} are needed, one for each")


def _by_class(classes: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return the fold of each row, [N]: each has as many, and of each class as many to within a row.

    The rows that are left over are of the largest classes, and have the fold −1.
    """
    order, sizes = random.permutation(len(classes)), np.bincount(classes)
    for _ in range(len(classes) % count):
        sizes[sizes.argmax()] -= 1
    dealt = np.concatenate([order[classes[order] == label][:size] for label, size in enumerate(sizes)])
    of_rows = np.full(len(classes), -1, "int32")
    of_rows[dealt] = np.arange(len(dealt)) % count
    return of_rows


def _by_group(classes: np.ndarray, groups: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return the fold of each row, [N], which is that of its group: the largest are dealt first.

    Each goes where there are fewest rows of its classes, counted as shares of a class, and then fewest rows.
    """
    sizes = np.bincount(groups)
    if len(sizes) < count:
        raise UserError(f"there are {len(sizes)} groups; with {count} folds at least {count} are needed, one for each")
    shares = np.zeros((len(sizes), classes.max() + 1))
    np.add.at(shares, (groups, classes), 1)
    shares /= np.maximum(np.bincount(classes), 1)
    folds, filled, rows = np.zeros(len(sizes), "int32"), np.zeros((count, shares.shape[1])), np.zeros(count, "int64")
    order = random.permutation(len(sizes))
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        fold = np.lexsort((rows, (filled @ shares[group]).round(12)))[0]
        folds[group] = fold
        filled[fold] += shares[group]
        rows[fold] += sizes[group]
    return folds[groups]


def _drawn(rows: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Return `size` of some rows, in their order; all if there are no more."""
    return rows if len(rows) == size else np.sort(random.choice(rows, size, replace=False))
