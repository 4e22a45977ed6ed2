"""Sentences about classes: which data has unequal ones, in which part, and of which too few test rows are there."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis.study_tables import Tables
from batchwise.report.pages import classes as pages
from batchwise.report.pages import table_rows
from batchwise.report.sentences import classes
from tests.fabricated_studies import study


def tables(train: list[int], test: list[int], names: list[str] | None = None, labels: str = "classes") -> Tables:
    """Return the tables of a study whose data has so many rows of each class."""
    made = study().tables
    data = {
        **{"title": "Made up", "source": "nowhere", "licence": "CC0"},
        **{"labels": labels, "class_names": names or [f"class {place}" for place in range(len(test))]},
        **{"class_counts": {"train": train, "test": test}, "rows": {"train": sum(train), "test": sum(test)}},
    }
    rows = [{"batch_size": 16, "class": place, "test_rows": amount} for place, amount in enumerate(test)]
    recalls = pd.DataFrame(rows).assign(recall_mean=0.5, recall_low=0.4, recall_high=0.6, n=5)
    chosen = made.batch_sizes.assign(test_accuracy_mean=0.9)
    return replace(made, summary=made.summary | {"data": data}, classes=recalls, batch_sizes=chosen)


SIZES = st.lists(st.integers(1, 500), min_size=2, max_size=8)


@given(st.data())
def test_classes_that_are_unequal_in_a_part_are_told_with_its_rows_and_the_baseline(data: st.DataObject) -> None:
    test = data.draw(SIZES)
    train = data.draw(st.lists(st.integers(1, 500), min_size=len(test), max_size=len(test)))
    said = [text for text in classes.unequal(tables(train, test)) if "are unequal" in text]
    ratios = {part: max(rows) / min(rows) for part, rows in (("train", train), ("test", test))}
    assert bool(said) == (max(ratios.values()) > classes.UNEQUAL)
    for text in said:
        part, rows = ("test", test) if ratios["test"] > classes.UNEQUAL else ("training", train)
        assert text.startswith(f"Classes are unequal: of {sum(rows):,} {part} rows ")
        assert f" {max(rows):,} {'is' if max(rows) == 1 else 'are'} class {rows.index(max(rows))}" in text
        assert "The best constant answer has accuracy 10.0 %." in text


@given(SIZES)
def test_each_class_of_too_few_test_rows_is_warned_of(test: list[int]) -> None:
    small = [rows for rows in test if rows < classes.ENOUGH]
    said = [text for text in classes.unequal(tables(test, test)) if text.startswith("Too few test rows")]
    assert bool(said) == bool(small)
    for text in said:
        if len(small) > classes.FEW:
            assert f"{len(small)} classes have fewer than {classes.ENOUGH}" in text
        else:
            assert text.count(" are class ") + text.count(" is class ") == len(small)


def test_a_row_has_several_labels_and_is_of_one_class() -> None:
    (said, few) = classes.unequal(tables([90, 10], [90, 1], ["urgent", "spam"], "flags"))
    assert said.startswith("Labels are unequal: of 91 test rows 90 have urgent and 1 has spam.")
    assert few == "Too few test rows to judge by: 1 has spam; at least 20 of a label are needed."
    shown = pages.by_class(tables([90, 10], [90, 1], ["urgent", "spam"], "flags")).text
    assert "test rows with a label" in shown and "class" not in re.sub("class=", "", shown)


def test_a_number_that_is_a_name_is_called_a_class() -> None:
    said = classes.unequal(tables([90, 10], [90, 1], ["0", "1"]))
    assert "of 91 test rows 90 are class 0 and 1 is class 1." in said[0] and ": 1 is class 1; at least" in said[1]


@pytest.mark.parametrize("name", ["a name that goes on " * 99, "name" * 99, "長い" * 99, "1\n2" * 99])
def test_a_name_of_any_length_leaves_room_for_the_numbers(name: str) -> None:
    made = tables([90, 10], [90, 30], ["a", name])
    cut = classes.names(made.summary["data"])[1]
    assert (
        len(cut) == classes.LONGEST
        and cut.endswith("…")
        and cut[:2] == name[:2].replace("\n", "\N{REPLACEMENT CHARACTER}")
    )
    shown = [*classes.unequal(made), pages.by_class(made).text, str([*table_rows.sources(made.summary["data"])])]
    assert all(cut in text and name[:60] not in text for text in shown)


def test_beside_the_recall_of_a_class_stands_what_its_test_rows_alone_leave_open() -> None:
    found = pages.by_class(tables([900, 100], [400, 25])).text
    assert "standard error of these alone, at most" in found
    assert "<td>400</td><td>2.5</td>" in found and "<td>25</td><td>10.0</td>" in found  # 50 / √n


def test_labels_that_are_no_classes_have_no_counts_in_the_sources() -> None:
    made = tables([], [], [], "numbers").summary["data"]
    assert [row[0] for row in table_rows.sources(made)] == ["data set", "source", "licence"]


def test_without_classes_none_is_too_small() -> None:
    assert classes.too_few([], flags=False) == []
