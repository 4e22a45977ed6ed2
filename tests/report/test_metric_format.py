"""Values of a metric in words: its unit, its decimals, its bounds."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.data import task
from batchwise.data.task import Scale
from batchwise.report import metric_format
from batchwise.report.figures.heat_map import _label, steps
from batchwise.report.sentences import study_facts
from tests.fabricated import ACCURACY, LOSS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (metric_format.shown(ACCURACY, 0.97123), "97.1 %"),
        (metric_format.shown(LOSS, 0.12345), "0.123 nats"),
        (metric_format.shown(LOSS, None), "–"),
        (metric_format.bare(ACCURACY, np.nan), "–"),
        (metric_format.interval(ACCURACY, 0.9, 0.952), "90.0 to 95.2"),
        (metric_format.interval(LOSS, 0.01, 1.02), "0.010 to 1.020"),
        (metric_format.interval(LOSS, None, 1.0), "–"),
        (metric_format.bare_difference(ACCURACY, 0.0025), "+0.25"),
        (metric_format.bare_difference(LOSS, -0.0025), "−0.0025"),
        (metric_format.bare_differences(ACCURACY, -0.004, 0.009), "−0.40 to 0.90"),
        (metric_format.bare_differences(ACCURACY, np.nan, 0.009), "–"),
        (metric_format.size_of_difference(ACCURACY, -0.0162), "1.62 points"),
        (metric_format.margin(ACCURACY, 1), "1 point"),
        (metric_format.margin(ACCURACY, 5), "5 points"),
        (metric_format.margin(LOSS, 0.02), "0.02 nats"),
        (metric_format.margin(LOSS, 0.00002), "2e−5 nats"),
        (metric_format.margin(LOSS, 4_500_000), "4,500,000 nats"),
        (metric_format.heading(ACCURACY, "test"), "test accuracy (%)"),
        (study_facts.metric(ACCURACY), "accuracy: higher is better; the best constant answer has 60.0 %"),
        (study_facts.metric(LOSS), "loss: lower is better; the best constant answer has 0.673 nats"),
        (metric_format.heading(LOSS, "Training"), "Training loss (nats)"),
        (_label(ACCURACY, 1.0), "100.0"),
        (_label(LOSS, 0.1234), "0.123"),
        (_label(LOSS, 10.107), "10.11"),
        (_label(LOSS, 4077.019), "4,077"),
    ],
)
def test_values_in_words(text: str, expected: str) -> None:
    assert text == expected


@given(st.floats(0.02, 1e10), st.floats(-3, 3))
def test_numbers_of_any_size_are_told_without_powers_of_ten_and_without_digits_that_say_nothing(std, share) -> None:
    labels, rmse = np.array([-1.0, 1.0]), task.load("regression").metric("rmse")
    metric = rmse.on(labels, Scale(0, std), "EUR")
    texts = [metric_format.margin(metric, margin) for margin in metric.margins]
    assert [float(text.removesuffix(" EUR").replace(",", "")) for text in texts] == list(metric.margins)
    difference = metric_format.bare_difference(metric, share * std)
    digits = len(re.sub(r"[^0-9]", "", difference).lstrip("0"))
    assert digits <= max(5, len(f"{abs(share) * std:.0f}")) + 1
    told = float(difference.replace("−", "-").replace(",", ""))
    assert abs(told - share * std) <= metric.least_margin / 10  # what is left out makes no difference
    assert not re.search(r"e[+−-]?\d", " ".join([*texts, difference, metric_format.shown(metric, std)]))


def test_the_steps_of_the_heat_map_grow_from_the_margins() -> None:
    assert steps(ACCURACY) == [0, 1, 2, 5, 10, 20, 40, 100]
    assert steps(LOSS) == pytest.approx([0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 2])
