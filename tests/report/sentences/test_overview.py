"""Whether the batch size matters, in sentences: each number is that of the tables, and each study is counted once."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from batchwise.analysis import overview as overview_tables
from batchwise.analysis.study_results import StudyResults
from batchwise.report.sentences import overview
from tests import fabricated_reports
from tests.fabricated_reports import OVERVIEW as TABLE
from tests.fabricated_reports import ok, results

MARGINS = {"S1": 1.1, "M1": 1.1, "L1": 0.5}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    return results(tmp_path_factory.mktemp("data"), ok, fabricated_reports.profile())


def said(study: StudyResults, **columns: Any) -> tuple[str, str]:
    """Return the headline and the text on one study, with a table of which some columns are others."""
    found = overview.aspects([study], {"made_up": TABLE.assign(**columns)}, MARGINS)
    return overview.headline(found), " ".join(one.text for one in found)


def test_what_matters_is_said_with_its_numbers(study: StudyResults) -> None:
    headline, text = said(study)
    assert headline == (
        "Yes, for the time of an epoch in 1 of 1 study, for the quality in 1 of 1 study, for the learning rates that "
        "train in 1 of 1 study and for memory within the grid in 1 of 1 study."
    )
    assert "Up to m = 32 an epoch gets faster, and takes 0.25 times as long there" in text
    assert "beyond doubt, in made_up at m = 512 (by 3.2 points)." in text
    assert "7 octaves wide at the smallest batch size, and 3 at the largest" in text
    assert "takes 3 times as much memory" in text


def test_what_does_not_matter_is_not_said_to(study: StudyResults) -> None:
    headline, text = said(study, gain_high=[np.nan, 0.5, -0.5], memory_bytes=1e8, epoch_seconds=[1.0, 1.05, 0.97])
    assert headline == (
        "Yes, for the learning rates that train in 1 of 1 study; not for the time of an epoch, for the quality or for "
        "memory within the grid."
    )
    assert "No batch size gives a result that is worse" in text


def test_nothing_is_said_of_what_was_not_measured(study: StudyResults) -> None:
    headline, text = said(study, epoch_seconds=np.nan, memory_bytes=np.nan, rate_low=np.nan)
    assert headline == "Yes, for the quality in 1 of 1 study." and "epoch" not in text and "–" not in text


def test_too_few_updates_are_told_apart(study: StudyResults) -> None:
    sizes = pd.DataFrame({"effective_batch_size": [1, 32, 512], "too_few_updates": [False, False, True]})
    sizes["batch_size"], sizes["updates"] = sizes["effective_batch_size"], 20
    tables = dataclasses.replace(study.tables, batch_sizes=sizes)
    headline, text = said(dataclasses.replace(study, tables=tables))
    assert "for the quality in 1 of 1 study (in 1 of these since the batch makes too few updates to train)" in headline
    assert (
        "beyond doubt, where the batch makes too few updates to train, in made_up at m = 512 (by 3.2 points)." in text
    )


def test_the_alternative_text_has_what_the_picture_shows(study: StudyResults) -> None:
    text = overview.picture("made_up", TABLE, study.metric)
    for part in ("0 at m = 1, −0.500 at m = 32 and −3.25 at m = 512", "1.00 s at m = 1 and 240 ms at m = 512"):
        assert part in text
    assert "in octaves: 7 at m = 1, 5 at m = 32 and 3 at m = 512." in text


def test_the_table_of_a_study_is_that_of_its_tables(study: StudyResults) -> None:
    table = overview_tables.by_batch_size(study)
    rows = study.tables.distinct
    assert table["batch_size"].tolist() == [2, 16, 40]
    assert table["gain"].tolist() == pytest.approx((100 * rows["difference_mean"]).tolist())
    assert table["epoch_seconds"].tolist() == pytest.approx([study.epoch_seconds[m] for m in (2, 16, 40)])
    assert (table["gain_low"].isna() == table["gain"].eq(0)).all()  # the reference has none
    assert overview_tables.octaves(table).dropna().ge(0).all()
