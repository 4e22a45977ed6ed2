"""Figures: what they draw, the same bytes each time, legible text, and nothing read out of names."""

import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
import seaborn
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from batchwise.report import number_format
from batchwise.report.figures import heat_map, plots, style
from batchwise.report.sentences.grammar import count, listed, span
from tests.fabricated import ACCURACY


def cells(accuracy: list[list[float]], lost: list[list[int]], runs: int = 5) -> pd.DataFrame:
    """Return the cells of m = 2, 4, … and η̃ = 1, 2, …, of which some runs diverged."""
    rows = [
        {"batch_size": 2 ** (row + 1), "base_learning_rate": 2.0**column, "test_accuracy_mean": value, "runs": runs}
        | {"ok": runs - lost[row][column], "diverged": lost[row][column], "out_of_memory": 0, "failed": 0}
        for row, values in enumerate(accuracy)
        for column, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(chosen=False)


def draw(table: pd.DataFrame) -> tuple[str, list[str]]:
    """Return the heat map of cells as SVG, and the texts in its cells."""
    with style.drawing():
        figure, (ax,) = style.panels(6, 3)
        heat_map.heat_map(table, ACCURACY, ax)
        return style.svg(figure), [text.get_text() for text in ax.texts]


MIXED = cells([[0.9, 0.955, np.nan], [0.5, 0.8, 0.3]], [[0, 0, 5], [0, 2, 0]])


def test_cells_hold_their_accuracy_and_the_runs_they_lost() -> None:
    assert draw(MIXED)[1] == ["90.0", "95.5", "5 div.", "50.0", "80.0\n2 div.", "30.0"]


def test_cells_that_lost_runs_are_hatched() -> None:
    with style.drawing():
        _, (ax,) = style.panels(6, 3)
        heat_map.heat_map(MIXED, ACCURACY, ax)
    (hatched,) = [patch for patch in ax.patches if patch.get_hatch()]
    corners = hatched.get_path().vertices.reshape(-1, 5, 2)[:, 0]
    assert corners.tolist() == [[2, 0], [1, 1]]  # the column and the row of the two cells


def test_a_grid_in_which_every_run_diverged_can_be_drawn() -> None:
    svg, texts = draw(cells([[np.nan, np.nan]], [[5, 5]]))
    assert texts == ["5 div.", "5 div."]
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_large_grid_has_no_numbers_and_stays_small() -> None:
    generator = np.random.default_rng(0)
    svg, texts = draw(cells(generator.uniform(0.1, 1, (40, 50)).tolist(), np.zeros((40, 50), int).tolist()))
    assert not texts
    assert len(svg) < 300_000


def test_text_in_cells_has_contrast() -> None:
    for colour in seaborn.color_palette("mako_r", 64):
        light = seaborn.utils.relative_luminance(colour) + 0.05
        assert (1.05 / light if heat_map.readable_on(colour) == "white" else light / 0.05) >= 4.5


def test_equal_tables_give_equal_bytes_whatever_the_settings() -> None:
    first = draw(MIXED)[0]
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        assert draw(MIXED)[0] == first
    assert "Date" not in first and "http://purl.org" not in first


def test_text_stays_text_and_a_dollar_is_a_dollar() -> None:
    with style.drawing():
        figure, (ax,) = style.panels(3, 2)
        ax.plot([1, 2])
        ax.set_title("$x^2$ <script>alert(1)</script>")
        svg = style.svg(figure)
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert "$x^2$ <script>alert(1)</script>" in texts


def batch_sizes(**columns: list) -> pd.DataFrame:
    """Return a table of batch sizes 2, 4, 8, 16 with the given columns."""
    sizes = [2, 4, 8, 16]
    return pd.DataFrame({"batch_size": sizes, "effective_batch_size": sizes, **columns})


def test_differences_are_hollow_where_the_interval_includes_0() -> None:
    table = batch_sizes(
        difference_mean=[0, 0.01, -0.02, 0.03],
        difference_together_low=[np.nan, -0.01, -0.03, np.nan],
        difference_together_high=[np.nan, 0.03, -0.01, np.nan],
    )
    with style.drawing():
        _, (ax,) = style.panels(4, 2)
        plots.difference(table, ACCURACY, ax)
    alike, apart = (container.lines[0] for container in ax.containers)
    assert alike.get_xdata().tolist() == [0, 1, 3] and alike.get_markerfacecolor() == "white"
    assert apart.get_xdata().tolist() == [2] and apart.get_ydata().tolist() == [-2]  # points


def test_every_seed_is_shown() -> None:
    quantities = {
        f"test_accuracy_{bound}": [0.9 + shift] * 4 for bound, shift in (("mean", 0), ("low", -0.01), ("high", 0.01))
    }
    runs = pd.DataFrame({"batch_size": [2, 2, 4, 16], "seed": [0, 1, 0, 1], "test_accuracy": [0.8, 0.9, 0.7, 1.0]})
    with style.drawing():
        _, (ax,) = style.panels(4, 2)
        plots.by_batch_size(batch_sizes(**quantities), runs, ACCURACY, ax)
    dots = ax.lines[0]
    assert dots.get_ydata().tolist() == [80, 90, 70, 100]
    assert dots.get_xdata().round().tolist() == [0, 0, 1, 3]


def test_the_line_along_the_upper_edge_leaves_out_the_edge_of_the_grid() -> None:
    table = batch_sizes(reliable_2_high=[1.0, 0.5, 0.25, 0.125])
    with style.drawing():
        _, (ax,) = style.panels(4, 2)
        plots.upper_edge(table, ACCURACY, -1.0, 1.0, ax)
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.lines[0].get_ydata() == pytest.approx([0.5, 0.25, 0.125])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number_format.rate(2**-12), "2⁻¹²"),
        (number_format.rate(1.0), "1"),
        (number_format.rate(2.0), "2"),
        (number_format.rate(0.001), "0.001"),
        (number_format.rate(1e-5), "1e−5"),
        (number_format.rate(np.nan), "–"),
        (number_format.size(2048), "2,048"),
        (number_format.size(10**9), "10⁹"),
        (number_format.size(123456), "123,456"),
        (number_format.number(-0.004), "0.00"),
        (number_format.number(-1234.5, 1), "−1,234.5"),
        (number_format.signed(0.25), "+0.25"),
        (number_format.signed(0.001), "0.00"),
        (number_format.percent(0.97123), "97.1 %"),
        (number_format.percent(None), "–"),
        (span(1, None), "–"),
        (count(1, "seed"), "1 seed"),
        (count(2, "class"), "2 classes"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (listed(["a"]), "a"),
    ],
)
def test_numbers_in_words(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize("values", [[32_000, 200_000], [0.8, 1.5], [2, 5_000_000]])
def test_labels_of_a_logarithmic_axis_are_numbers(values) -> None:
    with style.drawing():
        figure, (ax,) = style.panels(4, 4)
        ax.plot(values, values)
        style.set_log(ax, "x", "y")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        svg = style.svg(figure)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    texts = [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert texts and all(re.fullmatch(r"[\d,]+", text) for text in texts)


def test_axes_without_a_value_say_so_and_a_figure_without_one_is_none() -> None:
    with style.drawing():
        figure, (left, right) = style.panels(6, 2, columns=2)
        for ax, values in ((left, [0.0, -1.0]), (right, [np.nan, np.nan])):
            ax.plot([1, 2], values, label="none")
            ax.set(title=f"of {values}")
            ax.legend()
            style.set_log(ax, "x", "y")
        assert (left.get_xscale(), left.get_yscale()) == ("log", "linear")  # 1 has a label; no value is above 0
        svg = style.svg(figure)
        assert svg.count(style.EMPTY) == 1
        assert "of [0.0, -1.0]" in svg and "of [nan, nan]" in svg
        figure, (ax,) = style.panels(3, 2)
        ax.axvline(1)
        assert style.svg(figure) == ""


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=4))
def test_a_logarithmic_axis_has_a_label(values: list[float]) -> None:
    ax = Figure().subplots()
    ax.plot(values, values, "o")
    style.set_log(ax, "x")
    ax.minorticks_off()
    low, high = min(values), max(values)
    labelled = [tick for tick in ax.get_xticks() if low * (1 - 1e-6) <= tick <= high * (1 + 1e-6)]
    assert labelled or ax.get_xscale() == "linear"
