"""The small figure of a claim: each comparison with its interval, and where the claim is right."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from batchwise.claims.evidence import Comparison
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import digits

WIDTH, ROW, LINE = 4.2, 0.45, 0.13  # inches: narrow enough for a phone; of a row, and of each line of its label
MOST_ROWS, MOST_COUNTED = 6, 2
LABEL = 66  # letters in a line


def comparisons(found: Sequence[Comparison]) -> str:
    """Return the comparisons below each other as SVG, those that support the claim least first, each with its scale."""
    shown = drawn(found)
    labels = [fill(f"{one.study}: {one.what} ({one.unit})", LABEL) for one in shown]
    heights = [ROW + LINE * (1 + label.count("\n")) for label in labels]
    with style.drawing():
        figure, axes = style.panels(WIDTH, sum(heights) + 0.15, rows=len(shown), height_ratios=heights)
        for ax, one, label in zip(axes, shown, labels, strict=True):
            _row(one, ax)
            ax.set_title(label, loc="left", fontsize=7, fontweight="normal", pad=3)
        return style.svg(figure)


def drawn(found: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons that are drawn: what was counted only where nothing was estimated."""
    ordered = sorted(found, key=lambda one: -one.p_for)
    estimated = [one for one in ordered if one.right != (0.0, 0.0)]
    return estimated[:MOST_ROWS] or ordered[:MOST_COUNTED]


def _row(one: Comparison, ax: Axes) -> None:
    low, high = _limits(one)
    right = np.clip(one.right, low, high)
    if not np.isnan(right).any():
        ax.axvspan(*right, color=BLUE, alpha=0.12, linewidth=0)
        for end in one.right:
            if np.isfinite(end):
                ax.axvline(end, color=BLUE, linewidth=1)
    if low <= 0 <= high:
        ax.axvline(0, color=SOFT, linewidth=0.8)
    apart = not one.right[0] <= one.effect <= one.right[1] and not np.isnan(one.right[0])
    ax.plot(np.clip([one.low, one.high], low, high), [0, 0], color=INK, linewidth=2)
    ax.plot(one.effect, 0, "D" if apart else "o", color=VERMILION if apart else INK, markersize=6)
    ax.set(yticks=[], ylim=(-1, 1), xlim=(low, high))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: digits(round(value, 9)).rstrip("0").rstrip(".") or "0")
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=7)


def _limits(one: Comparison) -> tuple[float, float]:
    """Return the ends of the scale: the interval, 0 or the bound of the claim, and some room."""
    values = np.array([one.effect, one.low, one.high, *one.right])
    values = values[np.isfinite(values)]
    low, high = values.min(), values.max()
    room = 0.12 * (high - low) or max(0.5, abs(high) / 4)
    return low - room, high + room
