"""The small figure of a question: what is drawn, on which scale, and the same bytes each time."""

import re
from dataclasses import replace

import numpy as np

from batchwise.claims.comparison import Scale
from batchwise.claims.verdicts import judge
from batchwise.report.figures import claims
from batchwise.statistics.intervals import Estimate
from tests.claims.pages import ONE, evidence


def test_what_is_counted_and_what_has_no_value_is_not_drawn() -> None:
    counted = replace(ONE, effect=Estimate(0.0, 0.0, 0.0), scale=Scale.COUNT, degrees=np.inf)
    unknown = replace(ONE, effect=Estimate(np.nan, np.nan, np.nan))
    assert claims.comparisons(judge([counted, unknown])) == ""


def test_at_most_so_many_are_drawn_and_some_of_each_verdict() -> None:
    page = [evidence(5.0, study=f"study_{number}") for number in range(20)] + [evidence(-5.0, study="other")]
    shown = claims.drawn(judge(page))
    assert len(shown) == claims.MOST_ROWS and "other" in {one.evidence.study for one in shown}


def test_comparisons_in_one_unit_share_an_axis_and_others_have_their_own() -> None:
    page = [evidence(0.5), evidence(5.0, study="b"), evidence(0.1, unit="octaves"), evidence(0.3, unit="nats")]
    texts = re.findall(r">([^<>\n]+)</text>", claims.comparisons(judge(page)))
    assert [texts.count(unit) for unit in ("points", "octaves", "nats")] == [1, 1, 1]
    low, high = claims._limits(judge(page[:2]))
    assert low < min(-1.0, page[0].effect.low) and high > page[1].effect.high


def test_ticks_are_written_in_full() -> None:
    """A tick at 120 once was 12: its zero was taken for a decimal."""
    texts = re.findall(r">([^<>\n]+)</text>", claims.comparisons(judge([evidence(100.0, 5.0)])))
    assert {"40", "120"} <= {*texts} and not {"4", "12"} & {*texts}


def test_equal_pages_give_equal_bytes() -> None:
    page = judge([evidence(1.0), evidence(2.0, scale=Scale.RATIO, margin=1.1, unit="times as fast")])
    assert claims.comparisons(page) == claims.comparisons(page)
