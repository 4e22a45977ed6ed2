"""The picture of a study on the index page: one axis of m for all studies, and what is not known says so."""

import re

import numpy as np
import pandas as pd
import pytest

from batchwise.report.figures import overview, style
from tests.fabricated import ACCURACY
from tests.fabricated_reports import OVERVIEW as TABLE


def texts(table: pd.DataFrame, most: int = 2048) -> list[str]:
    return re.findall(r">([^<>\n]+)</text>", overview.study("one", table, ACCURACY, most, 2.0))


def test_the_axis_of_batch_sizes_is_that_of_all_studies() -> None:
    """Whatever a study has itself, and named once, below the last panel."""
    for table in (TABLE, TABLE.iloc[:1]):
        assert [texts(table).count(tick) for tick in ("4", "16", "64", "256", "1,024")] == [1] * 5


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["gain"], overview.NOT_MEASURED),
        (["epoch_seconds"], overview.NOT_MEASURED),
        (["memory_bytes"], overview.NOT_MEASURED),
        (["rate_low", "rate_high"], overview.NO_RANGE),
    ],
)
def test_a_panel_without_a_value_says_so(columns: list[str], said: str) -> None:
    assert said not in texts(TABLE)
    assert texts(TABLE.assign(**dict.fromkeys(columns, np.nan))).count(said) == 1


def test_ends_are_named_with_their_units() -> None:
    assert {"1.00 s", "240 ms", "2⁻¹", "2⁻⁸"} <= {*texts(TABLE)}


def test_what_is_worse_beyond_doubt_looks_another_way() -> None:
    with style.drawing():
        _, (ax,) = style.panels(3, 1)
        overview.quality(TABLE, ACCURACY, ax)
    (alike, worse) = (container[0] for container in ax.containers)
    assert (alike.get_xdata() == np.log2([1, 32])).all() and (worse.get_xdata() == [9.0]).all()
    assert alike.get_marker() != worse.get_marker()


def test_equal_tables_give_equal_bytes() -> None:
    assert texts(TABLE) == texts(TABLE)
