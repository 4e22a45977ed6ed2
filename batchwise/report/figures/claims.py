"""The small figure of a claim: each comparison with its interval, and where the claim is right."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from batchwise.claims.evidence import Comparison, Rule
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import digits
from batchwise.report.sentences.comparisons import unit, what

WIDTH, ROW, LINE = 4.2, 0.45, 0.13  # inches: narrow enough for a phone; of a row, and of each line of its label
MOST_ROWS, MOST_COUNTED = 6, 2
LABEL = 66  # letters in a line


def comparisons(found: Sequence[Comparison]) -> str:
    """Return the comparisons below each other as SVG, those that support the claim least first, each with its scale.

    Nothing where none has a value.
    """
    shown = drawn(found)
    if not shown:
        return ""
    labels = [fill(f"{one.study}: {what(one)} ({unit(one)})", LABEL) for one in shown]
    heights = [ROW + LINE * (1 + label.count("\n")) for label in labels]
    with style.drawing():
        figure, axes = style.panels(WIDTH, sum(heights) + 0.15, rows=len(shown), height_ratios=heights)
        for ax, one, label in zip(axes, shown, labels, strict=True):
            _row(one, ax)
            ax.set_title(label, loc="left", fontsize=7, fontweight="normal", pad=3)
        return style.svg(figure)


def drawn(found: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons that are drawn, of those with a value: what was counted only if nothing was estimated."""
    ordered = sorted((one for one in found if np.isfinite(one.effect.value)), key=lambda one: -one.p_for)
    estimated = [one for one in ordered if not one.is_counted]
    return estimated[:MOST_ROWS] or ordered[:MOST_COUNTED]


def _row(one: Comparison, ax: Axes) -> None:
    low, high = _limits(one)
    if one.right.rule is not Rule.NOT_ZERO:
        bounds = np.array([one.right.low, one.right.high])
        ax.axvspan(*np.clip(bounds, low, high), color=BLUE, alpha=0.12, linewidth=0)
        for end in bounds[np.isfinite(bounds)]:
            ax.axvline(end, color=BLUE, linewidth=1)
    if low <= 0 <= high:
        ax.axvline(0, color=SOFT, linewidth=0.8)
    ax.plot(np.clip([one.effect.low, one.effect.high], low, high), [0, 0], color=INK, linewidth=2)
    look, colour = ("D", VERMILION) if one.distance < 0 else ("o", INK)
    ax.plot(one.effect.value, 0, look, color=colour, markersize=6)
    ax.set(yticks=[], ylim=(-1, 1), xlim=(low, high))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: digits(round(value, 9)).rstrip("0").rstrip(".") or "0")
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=7)


def _limits(one: Comparison) -> tuple[float, float]:
    """Return the ends of the scale: the interval, 0 or the bound of the claim, and some room."""
    bounds = [] if one.right.rule is Rule.NOT_ZERO else [one.right.low, one.right.high]
    values = np.array([*one.effect, *bounds])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    room = 0.12 * (high - low) or max(0.5, abs(high) / 4)
    return low - room, high + room
