"""Which rows are set apart: by chance, by chance with each class's share, in whole groups, or the latest.

A rule takes the numbers of some rows, how many of them to set apart, and how many parts the others must do for, and
returns (the others, those set apart). The test rows are set apart first, and so do not depend on the validation rows.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from sklearn.model_selection import train_test_split

from batchwise.common.errors import UserError
from batchwise.common.messages import shown

Rows = np.ndarray  # [R] integers, the numbers of rows
Rule = Callable[[Rows, int, int], tuple[Rows, Rows]]


def choose(
    labels: np.ndarray,
    *,
    seed: int,
    stratify: bool,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> Rule:
    """Return the rule of rows with these labels [N, …], which are classes from 0 up if they are stratified.

    `names` are those of the classes, for sentences; `groups` [N] and `order` [N] are any values that can be sorted, and
    at most one of them is given. Raises UserError for both, and for arrays of another length.
    """
    for name, values in (("groups", groups), ("order", order)):
        if values is not None and np.shape(values) != (len(labels),):
            raise UserError(f"{name} has the shape {list(np.shape(values))}; one value for each of {len(labels)} rows")
    if groups is not None and order is not None:
        raise UserError("groups and order are both given; rows are set apart by one of them")
    if not 0 <= seed < 2**32:
        raise UserError(f"seed is {seed}; it must be from 0 to {2**32 - 1}")
    if order is not None:
        return partial(latest, order=order)
    if groups is not None:
        strata = labels if stratify else np.zeros(len(labels), "int64")
        group, stratum = (np.unique(values, return_inverse=True)[1] for values in (groups, strata))
        return partial(whole_groups, groups=group, labels=stratum, seed=seed)
    return partial(stratified, labels=labels, seed=seed, names=names) if stratify else partial(by_chance, seed=seed)


def numbered(values: np.ndarray) -> np.ndarray:
    """Return groups or times [N] as whole numbers, equal for equal ones and in their order."""
    return np.unique(values, return_inverse=True)[1]


def by_chance(rows: Rows, size: int, left: int, *, seed: int) -> tuple[Rows, Rows]:
    """Return (the other rows, `size` rows drawn by chance)."""
    return train_test_split(rows, test_size=size, random_state=seed) if size else (rows, rows[:0])


def stratified(
    rows: Rows, size: int, left: int, *, labels: np.ndarray, seed: int, names: Sequence[str] = ()
) -> tuple[Rows, Rows]:
    """Return (the other rows, `size` rows) with each class's share in both, to within a row.

    Raises UserError where scikit-learn would refuse.
    """
    if not size:
        return rows, rows[:0]
    found, counts = np.unique(labels[rows], return_counts=True)
    if counts.min() < 2:
        name = _name(found[counts.argmin()], names)
        raise UserError(
            f"{size} of {len(rows)} rows cannot be set apart with all classes in both: there is one row "
            f"of class {name}, and two are needed; add rows of it, or leave it out"
        )
    if min(size, len(rows) - size) < len(found):
        raise UserError(
            f"{size} of {len(rows)} rows cannot be set apart with all {len(found)} classes in both; give "
            f"{len(found)} to {len(rows) - len(found)}"
        )
    return train_test_split(rows, test_size=size, stratify=labels[rows], random_state=seed)


def _name(label: int, names: Sequence[str]) -> str:
    return shown(names[label]) if names else str(label)


def latest(rows: Rows, size: int, left: int, *, order: np.ndarray) -> tuple[Rows, Rows]:
    """Return (the earlier rows, about `size` rows that are later than those), both in order.

    Rows of one time stay together, so that the size is the nearest to `size` at which the time changes. Raises
    UserError if there are too few times.
    """
    rows = rows[np.argsort(order[rows], kind="stable")]
    if not size:
        return rows, rows[:0]
    changes = np.flatnonzero(order[rows][1:] != order[rows][:-1])[left - 1 :] + 1
    if not len(changes):
        raise UserError(f"the order has {left} values at most; at least {left + 1} are needed, one for each part")
    cut = changes[abs(changes - (len(rows) - size)).argmin()]
    return rows[:cut], rows[cut:]


def whole_groups(
    rows: Rows, size: int, left: int, *, groups: np.ndarray, labels: np.ndarray, seed: int
) -> tuple[Rows, Rows]:
    """Return (the other rows, about `size` rows) without rows of a group [N] in both.

    Groups come by chance, and each is taken that brings the number of rows of each class [N], from 0 up, nearer to its
    share. Raises UserError if there is one group.
    """
    if not size:
        return rows, rows[:0]
    rows = rows[np.argsort(groups[rows], kind="stable")]
    starts = np.append(np.flatnonzero(np.diff(groups[rows], prepend=-1)), len(rows))
    groups_there = len(starts) - 1
    if groups_there <= left:
        raise UserError(f"there are {groups_there} groups; at least {left + 1} are needed, one for each part")
    taken = _nearest(labels[rows], starts, size, groups_there - left, np.random.default_rng(seed))
    apart = np.repeat(taken, np.diff(starts))
    return np.sort(rows[~apart]), np.sort(rows[apart])


def _nearest(labels: np.ndarray, starts: np.ndarray, size: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Return which groups [G] are taken, from one to `most`; group g has the rows starts[g] to starts[g + 1]."""
    lacking = np.bincount(labels) * (size / len(labels))  # rows of each class
    taken = np.zeros(len(starts) - 1, bool)
    number = 0
    for group in random.permutation(len(taken)):
        if lacking.max() <= 0.5 or number == most:  # of one, no group comes nearer
            break
        counts = np.bincount(labels[starts[group] : starts[group + 1]], minlength=len(lacking))
        if 2 * counts @ lacking > counts @ counts:
            taken[group], number = True, number + 1
            lacking -= counts
    if not taken.any():  # each group has more than twice as many rows
        taken[np.diff(starts).argmin()] = True
    return taken


# {how a part is called in a column that says it, in lower-case letters: the part}
PARTS = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "te"), "test"),
}


def official(parts: Sequence[str], codes: np.ndarray) -> tuple[Rows, Rows, Rows]:
    """Return the rows of (train, validation, test), of which row n is said to be in parts[codes[n]].

    Raises UserError for a part of another name than PARTS, a row without one (code −1), and no rows to train or test.
    """
    for part in parts:
        if part.casefold() not in PARTS:
            raise UserError(f"a row is in the part {shown(part)}; known are train, validation and test")
    if (codes < 0).any():
        raise UserError(f"{(codes < 0).sum()} rows are in no part; write train, validation or test for each")
    found = [PARTS[part.casefold()] for part in parts]
    train, validation, test = (
        np.flatnonzero(np.isin(codes, [code for code, part in enumerate(found) if part == name]))
        for name in ("train", "validation", "test")
    )
    for name, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise UserError(f"no row is in the part {name}; it needs one at least")
    return train, validation, test
