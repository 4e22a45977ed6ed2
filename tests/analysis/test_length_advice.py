"""What fits at which length, with a known truth in it: the m to use, and what a larger one would have gained."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import length_advice, study_pairs, study_results
from batchwise.analysis.memory_by_length import LIMIT
from batchwise.analysis.recommendation import MEMORY
from batchwise.analysis.study_results import StudyResults
from batchwise.report.sentences import lengths as sentences
from tests import fabricated_lengths, fabricated_reports
from tests.fabricated_reports import SIZES, ok, results

KINDS = {("float32", 1): (1e5, 1e-6)}  # with 1 GB 3,000 tokens fit into the nine tenths of it, beside 600 MB


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    made = fabricated_reports.profile()
    lengths = fabricated_lengths.lengths(KINDS, ends=False, noise=1e3)
    profile = dataclasses.replace(made, machine=made.machine | {LIMIT: 2e9}, lengths=lengths)
    return results(tmp_path_factory.mktemp("data"), ok, profile)


def of_length(study: StudyResults, tokens: int) -> StudyResults:
    data = study.tables.summary["data"] | {"texts": {}, "input_shape": [tokens]}
    summary = study.tables.summary | {"study": f"of_{tokens}", "data": data}
    return dataclasses.replace(study, tables=dataclasses.replace(study.tables, summary=summary))


def of_images(study: StudyResults, name: str, shape: list[int], **options: Any) -> StudyResults:
    """Return a study of the same images at another size."""
    data = study.tables.summary["data"] | {"input_shape": shape, "options": {"seed": 0, **options}}
    data["asked"] = {"data_set": name}
    summary = study.tables.summary | {"study": name, "data": data, "provenance": {"data": name}}
    return dataclasses.replace(study, tables=dataclasses.replace(study.tables, summary=summary))


def gaining(study: StudyResults, m: int, by: float) -> StudyResults:
    """Return a study whose runs of an m are better, by so many points."""
    runs, sizes = study.tables.runs.copy(), study.tables.batch_sizes.copy()
    runs.loc[runs["effective_batch_size"].eq(m), study.metric.column("test")] += by / study.metric.scale
    tables = dataclasses.replace(study.tables, runs=runs, batch_sizes=sizes)
    return StudyResults(tables, profile=study.profile)


def test_each_length_has_the_largest_m_by_the_fit(base: StudyResults) -> None:
    table = length_advice.advise(of_length(base, 100), [], 1e9)
    assert table["length"].tolist() == [50, 100, 200, 400]
    assert table["most"].tolist() == pytest.approx([60, 30, 15, 7], abs=1)
    assert table["study"].notna().tolist() == [False, True, False, False]


def test_the_m_to_use_fits_and_the_larger_one_does_not(base: StudyResults) -> None:
    studies = [of_length(base, tokens) for tokens in (50, 100, 400)]
    table = length_advice.advise(studies[1], [studies[0], studies[2]], 1e9).set_index("length")
    assert table.loc[50, "batch_size"] in SIZES and np.isnan(table.loc[50, "larger"])
    assert table.loc[100, "batch_size"] in (2, 16) and table.loc[100, "larger"] == 40
    assert table.loc[400, "batch_size"] == 2 and table.loc[400, "larger"] in (16, 40)
    assert table.loc[[50, 100, 400], "mean"].between(table["low"].dropna(), table["high"].dropna()).all()


def test_where_the_evaluation_does_not_fit_no_m_does(base: StudyResults) -> None:
    """It takes 700 MB at T = 100, 800 at 200, and 900 of 1,000 may be taken."""
    lengths = fabricated_lengths.lengths(KINDS, ends=False, noise=1e3, evaluation=1e6)
    assert base.profile
    study = of_length(dataclasses.replace(base, profile=dataclasses.replace(base.profile, lengths=lengths)), 400)
    table = length_advice.advise(study, [], 1e9)
    assert (table["most"] > 0).tolist() == [True, True, True, False]
    assert "evaluation alone takes 1.00 GB" in sentences.lines(table, base.metric, 1e9)[5]


def test_a_run_takes_at_every_m_what_its_evaluation_takes(base: StudyResults) -> None:
    """600 MB, and 1 MB for each token."""
    lengths = fabricated_lengths.lengths(KINDS, ends=False, noise=1e3, evaluation=1e6)
    assert base.profile
    study = of_length(dataclasses.replace(base, profile=dataclasses.replace(base.profile, lengths=lengths)), 200)
    updates = pd.DataFrame({"batch_size": [2, 16, 40], MEMORY: [7e8, np.nan, 9e8]})
    found = length_advice.with_evaluation(updates, study, [])
    np.testing.assert_array_equal(found[MEMORY], [8e8, np.nan, 9e8])
    beside = length_advice.with_evaluation(updates, of_length(dataclasses.replace(base, profile=None), 200), [study])
    pd.testing.assert_frame_equal(beside, found)
    pd.testing.assert_frame_equal(length_advice.with_evaluation(updates, base, []), updates)


@pytest.mark.parametrize("by", [-3.0, 0.0, 5.0])
def test_the_gain_is_that_of_the_seeds(base: StudyResults, by: float) -> None:
    study = of_length(base, 100)
    before, after = (
        length_advice.advise(one, [], 1e9).set_index("length").loc[100] for one in (study, gaining(study, 40, by))
    )
    assert before["batch_size"] == after["batch_size"]
    assert after["gain"] - before["gain"] == pytest.approx(by)


def test_the_memory_that_a_study_of_another_length_has_measured_is_that_of_all(base: StudyResults) -> None:
    assert base.profile
    measured = of_length(base, 200)
    unmeasured = dataclasses.replace(base.profile, lengths=base.profile.lengths.iloc[:0])
    other = of_length(dataclasses.replace(base, profile=unmeasured), 100)
    assert length_advice.measured_by_length([other]) is None and length_advice.advise(other, [], 1e9).empty
    one, there = (length_advice.advise(*pair, 1e9) for pair in ((other, [measured]), (measured, [other])))
    pd.testing.assert_frame_equal(one, there)


def test_images_of_several_sizes_are_of_other_lengths_whatever_says_so(base: StudyResults) -> None:
    square = of_images(base, "square", [10, 10, 3], size=10)
    larger = of_images(base, "larger", [20, 20, 3], size=20)
    wide = of_images(base, "wide", [10, 40, 3], height=10, width=40)
    assert [study.length for study in (square, larger, wide)] == [100, 400, 400] and square.has_images
    for one, other in ((square, larger), (square, wide), (larger, square)):
        assert study_results.other_length(one, other)
        table = length_advice.advise(one, [other], 1e9).set_index("length")
        assert table["study"].dropna().to_dict() == {one.length: one.name, other.length: other.name}
    assert not study_results.other_length(square, of_images(base, "seed", [20, 20, 3], size=20, seed=1))
    assert not study_results.other_length(square, of_images(base, "same", [10, 10, 3], height=10, width=10))
    assert study_pairs.study_pairs([square, larger, wide]) == []


def test_a_byte_of_each_channel_is_held(base: StudyResults) -> None:
    grey, colour = (of_images(base, "images", [10, 10, channels]) for channels in (1, 3))
    assert [study.held(400) for study in (grey, colour, of_length(base, 100))] == [400, 1200, 1600]


def test_without_memory_for_any_none_is_named(base: StudyResults) -> None:
    table = length_advice.advise(of_length(base, 100), [], 6e8)
    assert not table["most"].any() and table["batch_size"].isna().all()
    assert "none" in sentences.lines(table, base.metric, 6e8)[2]


def test_data_that_are_held_take_memory(base: StudyResults) -> None:
    study = of_length(base, 100)
    data = study.tables.summary["data"]
    rows = {"train": 500_000, "validation": 0, "test": 0}
    held, streamed = (
        dataclasses.replace(
            study, tables=dataclasses.replace(study.tables, summary=study.tables.summary | {"data": data | about})
        )
        for about in ({"rows": rows}, {"rows": rows, "options": {"streamed": True}})
    )
    most = [length_advice.advise(one, [], 1e9)["most"].iloc[0] for one in (held, streamed)]
    assert most == pytest.approx([20, 60], abs=1)


@pytest.mark.parametrize(
    ("gain", "says"),
    [
        ((0.1, -0.2, 0.4), "nothing that matters"),
        ((3.0, 2.0, 4.0), "worth more memory"),
        ((-3.0, -4.0, -2.0), "the smaller batch is the better one"),
        ((0.5, -2.0, 3.0), "nothing that can be told"),
        ((np.nan, np.nan, np.nan), "every batch size of one fits"),
    ],
)
def test_it_is_said_whether_a_smaller_batch_will_do(base: StudyResults, gain, says) -> None:
    row = {
        "length": 400,
        "most": 100,
        "evaluation": 7e8,
        "batch_size": 64,
        "mean": 0.8,
        "low": 0.79,
        "high": 0.81,
        "n": 5,
        "study": "one",
    }
    row |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
    row["larger"] = np.nan if np.isnan(gain[0]) else 512
    text = sentences.lines(pd.DataFrame([row]), base.metric, 4e9)
    assert says in text[-1] and "nan" not in " ".join(text)
