"""Pairs of studies that differ in one thing, and their differences against SciPy."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from batchwise.analysis import study_pairs
from batchwise.analysis.study_results import StudyResults
from tests import fabricated_reports
from tests.fabricated_reports import SIZES, ok, results

NUMBERS = st.floats(-10, 10).map(lambda value: round(value, 3))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    return results(tmp_path_factory.mktemp("data"), ok, fabricated_reports.profile())


def changed(study: StudyResults, name: str, **recipe: Any) -> StudyResults:
    """Return a study of another name with another recipe, and the same results."""
    summary = study.tables.summary | {"study": name, "recipe": study.recipe | recipe}
    return dataclasses.replace(study, tables=dataclasses.replace(study.tables, summary=summary))


def better(study: StudyResults, by: float) -> StudyResults:
    """Return a study whose test results are better by so many points."""
    metric = study.metric
    runs = study.tables.runs.copy()
    runs[metric.column("test")] += by / metric.scale
    return dataclasses.replace(study, tables=dataclasses.replace(study.tables, runs=runs))


def test_pairs_differ_in_one_thing(base: StudyResults) -> None:
    model = base.recipe["model"]
    adam, parts = changed(base, "adam", optimizer={"name": "adam"}), changed(base, "parts", accumulation=2)
    both = changed(base, "both", accumulation=2, optimizer={"name": "adam"})
    normalised = changed(base, "normalised", model={**model, "normalization": "batch"})
    wider = changed(base, "wider", model={**model, "hidden_units": [99], "normalization": "batch"})
    longer = changed(base, "longer", budget={"epochs": 99})
    found = study_pairs.study_pairs([base, adam, parts, both, normalised, wider, longer])
    assert [(pair.base.name, pair.other.name, pair.change) for pair in found] == [
        ("made_up", "adam", "optimizer"),
        ("made_up", "parts", "accumulation"),
        ("made_up", "normalised", "normalization"),
        ("adam", "both", "accumulation"),
        ("parts", "both", "optimizer"),
    ]


def test_engines_make_a_pair_with_their_lanes(base: StudyResults) -> None:
    lanes, one = changed(base, "lanes", engine="jax", lanes=8), changed(base, "one", engine="jax", lanes=1)
    adam = changed(base, "adam", engine="jax", lanes=8, optimizer={"name": "adam"})
    found = study_pairs.study_pairs([base, lanes, one, adam])
    assert [(pair.base.name, pair.other.name, pair.change) for pair in found] == [
        ("made_up", "lanes", "engine"),
        ("made_up", "one", "engine"),
        ("lanes", "adam", "optimizer"),
    ]


def test_studies_of_other_rows_are_no_pair(base: StudyResults) -> None:
    other = changed(base, "adam", optimizer={"name": "adam"})
    summary = other.tables.summary
    summary = summary | {"provenance": summary["provenance"] | {"data": "f" * 64}}
    other = dataclasses.replace(other, tables=dataclasses.replace(other.tables, summary=summary))
    assert study_pairs.study_pairs([base, other]) == []


def of_length(study: StudyResults, tokens: int, **options: Any) -> StudyResults:
    """Return a study of the same texts with so many tokens, and other data therefore."""
    data = study.tables.summary["data"] | {"texts": {}, "input_shape": [tokens]}
    data["options"] = {"max_tokens": tokens, "vocabulary": 99, **options}
    measured = {"of_tokens": True} if tokens == 50 else {}  # one of them has its memory measured by length
    data["asked"] = {"data_set": f"texts_{tokens}", "subset": None, **measured}
    summary = study.tables.summary | {"study": f"of_{tokens}", "data": data, "provenance": {"data": f"{tokens:064}"}}
    return dataclasses.replace(study, tables=dataclasses.replace(study.tables, summary=summary))


def test_studies_of_the_same_texts_at_two_lengths_are_a_pair(base: StudyResults) -> None:
    short, long = of_length(base, 50), of_length(base, 200)
    (pair,) = study_pairs.study_pairs([short, long, of_length(base, 100, vocabulary=9)])
    assert (pair.change, pair.value(short), pair.value(long)) == ("max_tokens", 50, 200)
    table = study_pairs.by_batch_size(pair)
    assert table["base_memory_bytes"].notna().all() and table["other_epoch_seconds"].notna().all()
    assert study_pairs.study_pairs([short, changed(long, "of_200", accumulation=2)]) == []


@pytest.mark.parametrize("by", [2.5, -1.0])
def test_the_gain_is_of_the_second_study(base: StudyResults, by: float) -> None:
    (pair,) = study_pairs.study_pairs([base, better(changed(base, "adam", optimizer={"name": "adam"}), by)])
    table = study_pairs.by_batch_size(pair)
    assert table["batch_size"].tolist() == SIZES
    assert table["gain"].tolist() == pytest.approx([by] * 3) and table["paired"].all()
    assert table["gain_low"].tolist() == pytest.approx([by] * 3)  # each seed gains as much
    assert table["octaves_gained"].tolist() == [0] * 3
    assert (table["base_learning_rate"] == table["other_learning_rate"]).all()


def test_ranges_on_other_grids_are_not_compared(base: StudyResults) -> None:
    other = changed(base, "adam", optimizer={"name": "adam"})
    runs = other.tables.runs[other.tables.runs["base_learning_rate"] < 0.5]
    other = dataclasses.replace(other, tables=dataclasses.replace(other.tables, runs=runs))
    (pair,) = study_pairs.study_pairs([base, other])
    table = study_pairs.by_batch_size(pair)
    assert table["octaves_gained"].isna().all() and not table["octaves_gained_n"].any()


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=12, unique=True), st.randoms())
def test_one_difference_is_that_of_the_paired_t_test_whatever_the_order(values, random) -> None:
    one, other = (pd.Series(each) for each in zip(*values, strict=True))
    if (other - one).std() < 1e-6:
        return
    order = random.sample(range(len(values)), len(values))
    found, paired = study_pairs.differences([one.iloc[order]], [other])
    expected = stats.ttest_rel(other, one).confidence_interval()
    assert paired and found.n.tolist() == [len(values)]
    assert [found.low[0], found.high[0]] == pytest.approx([expected.low, expected.high], abs=1e-6)


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=3))
def test_turned_round_a_difference_changes_its_sign(groups) -> None:
    here, there = [pd.Series(one) for one in groups], [pd.Series(one[::-1]) for one in groups]
    forth, back = study_pairs.differences(here, there)[0], study_pairs.differences(there, here)[0]
    for one, other in ((forth.mean, back.mean), (forth.low, back.high), (forth.high, back.low)):
        assert one == pytest.approx(-other, abs=1e-9, nan_ok=True)


def test_intervals_of_several_differences_are_wider_than_single_ones() -> None:
    random = np.random.default_rng(1)
    here, there = ([pd.Series(random.normal(size=12)) for _ in range(4)] for _ in range(2))
    found, _ = study_pairs.differences(here, there)
    single = [stats.ttest_rel(two, one).confidence_interval() for one, two in zip(here, there, strict=True)]
    bonferroni = [
        stats.ttest_rel(two, one).confidence_interval(1 - 0.05 / 4) for one, two in zip(here, there, strict=True)
    ]
    width = found.high - found.low
    assert (width > [1.05 * (one.high - one.low) for one in single]).all()
    assert (width < [1.02 * (one.high - one.low) for one in bonferroni]).all()


def test_without_seeds_in_common_it_is_welch() -> None:
    random = np.random.default_rng(2)
    here = [pd.Series(random.normal(size=6)) for _ in range(2)]
    there = [pd.Series(random.normal(1, 3, size=9), index=range(6, 15)) for _ in range(2)]
    found, paired = study_pairs.differences(here, there)
    assert not paired and found.n.tolist() == [6, 6]
    for place, (one, two) in enumerate(zip(here, there, strict=True)):
        parts = np.array([one.var() / 6, two.var() / 9])
        degrees = parts.sum() ** 2 / (parts[0] ** 2 / 5 + parts[1] ** 2 / 8)
        half = stats.t.ppf((1 + np.sqrt(0.95)) / 2, degrees) * np.sqrt(parts.sum())
        assert found.mean[place] == pytest.approx(two.mean() - one.mean())
        assert found.high[place] - found.mean[place] == pytest.approx(half)


def test_a_seed_that_one_study_lacks_does_not_count() -> None:
    values = pd.Series([1.0, 2.0, 4.0, 3.0])
    found, paired = study_pairs.differences([values], [values.iloc[1:] + pd.Series([9, 1, 2, 3])])
    assert paired and found.n.tolist() == [3] and found.mean[0] == pytest.approx(2.0)
