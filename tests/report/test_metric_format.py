"""Values of a metric in words: its unit, its decimals, its bounds."""

import numpy as np
import pytest

from batchwise.report import metric_format
from batchwise.report.figures.heat_map import _label, steps
from tests.fabricated import ACCURACY, LOSS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (metric_format.shown(ACCURACY, 0.97123), "97.1 %"),
        (metric_format.shown(LOSS, 0.12345), "0.123 nats"),
        (metric_format.shown(LOSS, None), "–"),
        (metric_format.bare(ACCURACY, np.nan), "–"),
        (metric_format.interval(ACCURACY, 0.9, 1.02), "90.0 to 100.0"),
        (metric_format.interval(LOSS, -0.01, 1.02), "0.000 to 1.020"),
        (metric_format.interval(LOSS, None, 1.0), "–"),
        (metric_format.bare_difference(ACCURACY, 0.0025), "+0.25"),
        (metric_format.bare_difference(LOSS, -0.0025), "−0.0025"),
        (metric_format.bare_differences(ACCURACY, -0.004, 0.009), "−0.40 to 0.90"),
        (metric_format.bare_differences(ACCURACY, np.nan, 0.009), "–"),
        (metric_format.size_of_difference(ACCURACY, -0.0162), "1.62 points"),
        (metric_format.margin(ACCURACY, 1), "1 point"),
        (metric_format.margin(ACCURACY, 5), "5 points"),
        (metric_format.margin(LOSS, 0.02), "0.02 nats"),
        (metric_format.heading(ACCURACY, "test"), "test accuracy (%)"),
        (metric_format.heading(LOSS, "Training"), "Training loss (nats)"),
        (_label(ACCURACY, 1.0), "100.0"),
        (_label(LOSS, 0.1234), "0.123"),
        (_label(LOSS, 10.107), "10.11"),
        (_label(LOSS, 4077.019), "4,077"),
    ],
)
def test_values_in_words(text: str, expected: str) -> None:
    assert text == expected


def test_the_steps_of_the_heat_map_grow_from_the_margins() -> None:
    assert steps(ACCURACY) == [0, 1, 2, 5, 10, 20, 40, 100]
    assert steps(LOSS) == pytest.approx([0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 2])
