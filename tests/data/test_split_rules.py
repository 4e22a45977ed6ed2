"""Rules of a split: every row once, the sizes asked for or the nearest, groups and times whole, the same every time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import split_rules
from batchwise.data.splitting import rows_of_parts, split, standardise

SEEDS = st.integers(0, 2**32 - 1)


def parts_of(labels, *, validation_rows: int, test_rows: int, **options) -> list[np.ndarray]:
    """Return the rows of each part of a split."""
    labels = np.asarray(labels)
    inputs = np.arange(len(labels))[:, None]
    parts = split(inputs, labels, validation_rows=validation_rows, test_rows=test_rows, **{"seed": 0, **options})
    for part in parts:
        np.testing.assert_array_equal(part.labels, labels[part.inputs[:, 0]])
    rows = [part.inputs[:, 0] for part in parts]
    assert sorted(np.concatenate(rows)) == [*range(len(labels))]
    return rows


@given(st.integers(3, 60), st.data(), SEEDS, st.sampled_from(["numbers", "flags", "counts"]))
def test_what_is_no_class_is_split_at_random_in_the_sizes_asked_for(rows, data, seed, kind) -> None:
    """Numbers, each another; flags; and counts, whole numbers of which a plug-in says that they are no classes."""
    test_rows = data.draw(st.integers(1, rows - 2))
    validation_rows = data.draw(st.integers(0, rows - test_rows - 1))
    numbers = np.random.default_rng(0).normal(size=rows)
    labels = {"numbers": numbers, "flags": np.uint8([numbers > 0, numbers < 1]).T, "counts": np.arange(rows)}[kind]
    options = {"stratify": False} if kind == "counts" else {}
    asked = {"validation_rows": validation_rows, "test_rows": test_rows, "seed": seed, **options}
    found = parts_of(labels, **asked)
    assert [len(part) for part in found] == [rows - test_rows - validation_rows, validation_rows, test_rows]
    for part, again in zip(found, parts_of(labels, **asked), strict=True):
        np.testing.assert_array_equal(part, again)
    np.testing.assert_array_equal(found[2], parts_of(labels, **asked | {"validation_rows": 0})[2])


def test_numbers_are_what_they_were_when_inputs_are_scaled() -> None:
    numbers = np.random.default_rng(0).normal(size=20)
    parts = standardise(split(np.arange(20.0)[:, None], numbers, validation_rows=3, test_rows=4, seed=0))
    assert sorted(np.concatenate([part.labels for part in parts])) == sorted(numbers)


@given(st.lists(st.integers(0, 9), min_size=3, max_size=80), st.data(), SEEDS)
def test_a_group_is_in_one_part_and_sizes_are_near(groups, data, seed) -> None:
    test_rows = data.draw(st.integers(1, len(groups) - 1))
    labels = np.linspace(0, 1, len(groups))
    names = np.array([f"patient {group}" for group in groups])
    try:
        found = parts_of(labels, validation_rows=0, test_rows=test_rows, seed=seed, groups=names)
    except UserError as error:
        assert len({*groups}) == 1 and "there are 1 groups; at least 2 are needed" in str(error)
        return
    assert not {*names[found[0]]} & {*names[found[2]]}
    assert len(found[0]) and len(found[2])
    largest = np.unique(groups, return_counts=True)[1].max()
    assert abs(len(found[2]) - test_rows) <= largest
    again = parts_of(labels, validation_rows=0, test_rows=test_rows, seed=seed, groups=np.array(groups))
    np.testing.assert_array_equal(found[2], again[2])  # what groups are called is nothing


def test_groups_of_one_row_have_the_sizes_and_the_shares_of_classes() -> None:
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    found = parts_of(labels, validation_rows=100, test_rows=200, groups=np.arange(1000))
    assert [np.bincount(labels[part]).tolist() for part in found[1:]] == [[70, 25, 5], [140, 50, 10]]


def test_groups_are_spread_so_that_each_part_has_its_share_of_a_class() -> None:
    random = np.random.default_rng(1)
    groups = random.integers(120, size=3000)
    ill = random.random(120) < 0.2  # all rows of a patient are of one class
    labels = ill[groups].astype("int32")
    half = np.bincount(groups).max() / 2  # of a group, which is taken if that is nearer
    for seed in range(5):
        train, validation, test = parts_of(labels, validation_rows=500, test_rows=600, groups=groups, seed=seed)
        for part, size, rest in ((test, 600, labels), (validation, 500, labels[[*train, *validation]])):
            assert (abs(np.bincount(labels[part]) - size * np.bincount(rest) / len(rest)) <= half).all()
    others = parts_of(labels, validation_rows=500, test_rows=600, groups=groups, seed=9)[2]
    assert {*others} != {*test}


def test_groups_larger_than_what_is_asked_for() -> None:
    found = parts_of(
        np.zeros(60) + np.arange(60), validation_rows=1, test_rows=1, groups=np.repeat([0, 1, 2], [30, 20, 10])
    )
    assert [len(part) for part in found] == [30, 20, 10]


@given(st.lists(st.integers(0, 30), min_size=3, max_size=60), st.data())
def test_the_latest_rows_are_for_the_test_and_rows_of_one_time_stay_together(order, data) -> None:
    test_rows = data.draw(st.integers(1, len(order) - 2))
    validation_rows = data.draw(st.integers(0, len(order) - test_rows - 1))
    times = np.array(order)
    asked = {"validation_rows": validation_rows, "test_rows": test_rows, "order": times}
    try:
        parts = parts_of(np.linspace(0, 1, len(order)), **asked)
    except UserError as error:
        assert "values at most; at least" in str(error)
        assert len({*order}) < (3 if validation_rows else 2)
        return
    found = [times[part] for part in parts if len(part)]
    for earlier, later in pairwise(found):
        assert earlier.max() < later.min()
    if len({*order}) == len(order):
        assert [len(part) for part in parts[1:]] == [validation_rows, test_rows]
    np.testing.assert_array_equal(parts[0], parts[0][np.argsort(times[parts[0]], kind="stable")])


def test_dates_are_an_order() -> None:
    order = np.datetime64("2026-01-01") + np.array([3, 1, 2, 0])
    found = parts_of(np.arange(4.0), validation_rows=1, test_rows=1, order=order)
    assert [part.tolist() for part in found] == [[3, 1], [2], [0]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": np.arange(3)}, r"groups has the shape \[3\]; one value for each of 10 rows"),
        ({"order": np.arange(3)}, r"order has the shape \[3\]"),
        ({"groups": np.arange(10), "order": np.arange(10)}, "groups and order are both given"),
        ({"groups": np.zeros(10)}, "there are 1 groups; at least 3 are needed, one for each"),
        ({"order": np.zeros(10)}, "the order has 2 values at most; at least 3 are needed, one"),
        ({"test_rows": 9}, "test_rows 9 \\+ validation_rows 2 leave none of 10 rows"),
        ({"seed": -1}, "seed is -1; it must be from 0 to 4294967295"),
    ],
)
def test_what_cannot_be_split(options, words) -> None:
    with pytest.raises(UserError, match=words):
        parts_of(np.arange(10.0), **{"validation_rows": 2, "test_rows": 3, **options})


@given(
    st.lists(st.sampled_from(["train", "Training", "VAL", "valid", "dev", "test", "Testing"]), min_size=1, max_size=30)
)
def test_a_column_says_the_parts(said) -> None:
    levels, codes = np.unique(said, return_inverse=True)
    wanted = [[n for n, name in enumerate(said) if name[0].lower() in first] for first in ("t", "vd")]
    train = [n for n in wanted[0] if said[n].lower().startswith("train")]
    test = [n for n in wanted[0] if n not in train]
    try:
        found = split_rules.official([*levels], codes)
    except UserError as error:
        assert not (train and test) and "no row is in the part" in str(error)
        return
    assert [part.tolist() for part in found] == [train, wanted[1], test]


def test_a_column_says_no_other_parts() -> None:
    with pytest.raises(UserError, match="a row is in the part 'fold 1'; known are train, validation and test"):
        split_rules.official(["train", "fold 1"], np.array([0, 1]))
    with pytest.raises(UserError, match="1 rows are in no part"):
        split_rules.official(["train", "test"], np.array([0, 1, -1]))


def test_a_class_with_too_few_rows_is_named() -> None:
    rule = split_rules.choose(np.repeat([0, 1], [9, 1]), seed=0, stratify=True, names=("usual", "rare"))
    with pytest.raises(UserError, match="there is one row of class 'rare', and two are needed; add rows of it"):
        rows_of_parts(np.arange(10), rule, validation_rows=0, test_rows=3)


@pytest.mark.parametrize("size", [1, 2, 8])
def test_a_part_that_has_no_room_for_all_classes_is_refused(size) -> None:
    rule = split_rules.choose(np.repeat([0, 1, 2], 3), seed=0, stratify=True)
    with pytest.raises(UserError, match=f"{size} of 9 rows cannot be set apart with all 3 classes in both; give 3 to"):
        rule(np.arange(9), size, 1)
