"""The small figure of a question: each comparison with its interval, and the margin within which nothing matters."""

from collections.abc import Sequence
from itertools import groupby
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from batchwise.claims.comparison import Scale
from batchwise.claims.verdicts import Judged, Verdict
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, INK, SOFT, VERMILION
from batchwise.report.number_format import shortest

WIDTH, ROW, LINE, AXIS = 4.2, 0.3, 0.13, 0.32  # inches: narrow enough for a phone; of a row, a line of text, an axis
MOST_ROWS = 8
LABEL = 72  # letters in a line
LOOKS: dict[Verdict, dict[str, Any]] = {  # of a dot
    Verdict.YES: {"marker": "o", "color": BLUE},
    Verdict.NO: {"marker": "D", "color": VERMILION},
    Verdict.SAME: {"marker": "o", "color": INK, "markerfacecolor": "white"},
    Verdict.UNKNOWN: {"marker": "o", "color": SOFT},
}


def comparisons(found: Sequence[Judged]) -> str:
    """Return the comparisons below each other as SVG, those of a unit on one scale; nothing without a value."""
    kinds = [[*group] for _, group in groupby(sorted(drawn(found), key=_kind), key=_kind)]
    if not kinds:
        return ""
    labels = {id(one): _label(one) for kind in kinds for one in kind}
    last = {id(kind[-1]) for kind in kinds}
    heights = [ROW + LINE * (1 + text.count("\n")) + AXIS * (key in last) for key, text in labels.items()]
    with style.drawing():
        figure, axes = style.panels(WIDTH, sum(heights) + 0.1, rows=len(labels), height_ratios=heights)
        rows = iter(axes)
        for kind in kinds:
            limits = _limits(kind)
            for one, ax in zip(kind, rows, strict=False):
                _row(one, limits, ax)
                ax.set_title(labels[id(one)], loc="left", fontsize=7, fontweight="normal", pad=3)
                if id(one) in last:
                    ax.set_xlabel(one.evidence.unit, fontsize=7, labelpad=1)
                else:
                    ax.tick_params(labelbottom=False)
        return style.svg(figure)


def _label(one: Judged) -> str:
    text = f"{one.evidence.study}: {one.evidence.what}".replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    return fill(text, LABEL)


def _kind(one: Judged) -> tuple[str, str]:
    return one.evidence.scale, one.evidence.unit


def drawn(found: Sequence[Judged]) -> list[Judged]:
    """Return the comparisons that are drawn: those with a value that are not counted, of each verdict the surest."""
    estimated = [one for one in found if one.evidence.scale != Scale.COUNT and np.isfinite(one.evidence.effect.value)]
    by_verdict = [sorted((one for one in estimated if one.verdict == verdict), key=_p) for verdict in Verdict]
    turns = [of[place] for place in range(len(estimated)) for of in by_verdict if place < len(of)]
    kept = turns[:MOST_ROWS]
    return [one for one in estimated if one in kept]


def _p(one: Judged) -> float:
    return one.p


def _row(one: Judged, limits: tuple[float, float], ax: Axes) -> None:
    evidence, (low, high) = one.evidence, limits
    inside = _margin(one)
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
    ax.xaxis.set_major_formatter(lambda value, _: shortest(round(value, 9)))
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


def _limits(kind: Sequence[Judged]) -> tuple[float, float]:
    """Return the ends of a scale that has all intervals and margins of some comparisons, and some room."""
    values = np.array([end for one in kind for end in (*one.evidence.effect, *_margin(one))])
    values = values[np.isfinite(values)]
    if kind[0].evidence.scale == Scale.RATIO:
        low, high = np.log(values[values > 0]).min(), np.log(values).max()
        room = 0.08 * (high - low)
        return float(np.exp(low - room)), float(np.exp(high + room))
    low, high = values.min(), values.max()
    room = 0.08 * (high - low) or max(0.5, abs(high) / 4)
    return float(low - room), float(high + room)
