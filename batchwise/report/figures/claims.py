"""The small figure of a question: each comparison with its interval, and the margin within which nothing matters."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from batchwise.claims.comparison import Scale
from batchwise.claims.verdicts import Judged, Verdict
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import digits

WIDTH, ROW, LINE = 4.2, 0.45, 0.13  # inches: narrow enough for a phone; of a row, and of each line of its label
MOST_ROWS = 6
LABEL = 66  # letters in a line
LOOKS: dict[Verdict, dict[str, Any]] = {  # of a dot
    Verdict.YES: {"marker": "o", "color": BLUE},
    Verdict.NO: {"marker": "D", "color": VERMILION},
    Verdict.SAME: {"marker": "o", "color": INK, "markerfacecolor": "white"},
    Verdict.UNKNOWN: {"marker": "o", "color": SOFT},
}


def comparisons(found: Sequence[Judged]) -> str:
    """Return the comparisons below each other as SVG, each with its scale. Nothing where none has a value."""
    shown = drawn(found)
    if not shown:
        return ""
    labels = [fill(f"{one.evidence.study}: {one.evidence.what} ({one.evidence.unit})", LABEL) for one in shown]
    heights = [ROW + LINE * (1 + label.count("\n")) for label in labels]
    with style.drawing():
        figure, axes = style.panels(WIDTH, sum(heights) + 0.15, rows=len(shown), height_ratios=heights)
        for ax, one, label in zip(axes, shown, labels, strict=True):
            _row(one, ax)
            ax.set_title(label, loc="left", fontsize=7, fontweight="normal", pad=3)
        return style.svg(figure)


def drawn(found: Sequence[Judged]) -> list[Judged]:
    """Return the comparisons that are drawn: those with a value that are not counted, of each verdict the surest."""
    estimated = [one for one in found if one.evidence.scale != Scale.COUNT and np.isfinite(one.evidence.effect.value)]
    by_verdict = [sorted((one for one in estimated if one.verdict == verdict), key=_p) for verdict in Verdict]
    turns = [of[place] for place in range(len(estimated)) for of in by_verdict if place < len(of)]
    kept = turns[:MOST_ROWS]
    return [one for one in estimated if one in kept]


def _p(one: Judged) -> float:
    return one.p


def _row(one: Judged, ax: Axes) -> None:
    evidence = one.evidence
    inside = _margin(one)
    low, high = _limits(one)
    ax.axvspan(*np.clip(inside, low, high), color=SOFT, alpha=0.18, linewidth=0)
    ax.axvline(np.clip(1.0 if evidence.scale == Scale.RATIO else 0.0, low, high), color=SOFT, linewidth=0.8)
    ax.plot(np.clip([evidence.effect.low, evidence.effect.high], low, high), [0, 0], color=INK, linewidth=2)
    ax.plot(evidence.effect.value, 0, linestyle="none", markersize=6, **LOOKS[one.verdict])
    if evidence.scale == Scale.RATIO:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set(yticks=[], ylim=(-1, 1), xlim=(low, high))
    if evidence.scale == Scale.RATIO:
        ax.set_xticks(_ticks(low, high))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda value, _: digits(round(value, 9)).rstrip("0").rstrip(".") or "0")
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=7)


def _margin(one: Judged) -> tuple[float, float]:
    margin = one.evidence.margin
    return (1 / margin, margin) if one.evidence.scale == Scale.RATIO else (-margin, margin)


def _ticks(low: float, high: float) -> np.ndarray:
    """Return round values of a logarithmic scale."""
    steps = np.array([1, 2, 5]) if high / low > 3 else np.array([1, 1.2, 1.5, 2, 3, 5, 7])
    values = np.outer(10.0 ** np.arange(-6, 7), steps).ravel()
    values = values[(values >= low) & (values <= high)]
    return values[:: -(-len(values) // 5) or 1]


def _limits(one: Judged) -> tuple[float, float]:
    """Return the ends of the scale: the interval, no effect, the margin, and some room."""
    values = np.array([*one.evidence.effect, *_margin(one)])
    values = values[np.isfinite(values)]
    if one.evidence.scale == Scale.RATIO:
        low, high = np.log(values[values > 0]).min(), np.log(values).max()
        room = 0.12 * (high - low)
        return float(np.exp(low - room)), float(np.exp(high + room))
    low, high = values.min(), values.max()
    room = 0.12 * (high - low) or max(0.5, abs(high) / 4)
    return float(low - room), float(high + room)
