"""Figures of memory by rows and tokens: the fit with its residuals, and the largest m that fits by length."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from batchwise.analysis.memory_by_length import Kind, MemoryByLength
from batchwise.report.figures import style
from batchwise.report.figures.style import DASHES, INK, MARKERS, SEQUENCE, SOFT, VERMILION
from batchwise.report.number_format import memory
from batchwise.report.sentences.memory import name

WIDTH, HEIGHT = 4.2, 4.4  # inches: narrow enough for a phone
MEBIBYTE = 2**20


def fit(found: MemoryByLength) -> str:
    """Return the memory of an update by its tokens, m·T, with the fits, and how far the points lie from these, as SVG.

    Each length has a mark, each kind a colour.
    """
    kinds = (found.own, *found.others)[: len(SEQUENCE)]
    with style.drawing():
        figure, (above, below) = style.panels(WIDTH, HEIGHT, rows=2, sharex=True, height_ratios=[3, 1.4])
        for look, kind in enumerate(kinds):
            _kind(kind, found.lengths, look, above, below)
        below.axhline(0, color=SOFT, linewidth=0.8)
        style.set_log(below, "x")
        above.set(ylabel="peak memory (MiB)")
        below.set(xlabel=f"{found.unit}s of an update, m·T", ylabel="from the fit (MiB)")
        above.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        below.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        figure.legend(*style.legend_entries([above]), loc="outside upper left", ncols=2, fontsize=8)
        return style.svg(figure)


def _kind(kind: Kind, lengths: list[int], look: int, above: Axes, below: Axes) -> None:
    rows, colour = kind.fitting, SEQUENCE[look]
    for place, tokens in enumerate(lengths):
        of_length = rows["length"].eq(tokens)
        x = rows.loc[of_length, "batch_size"] * tokens
        drawn: dict[str, Any] = {
            "linestyle": "none",
            "marker": MARKERS[place % len(MARKERS)],
            "color": colour,
            "markersize": 4,
        }
        label = f"T = {tokens}" if look == 0 else "_"
        above.plot(x, rows.loc[of_length, "memory_peak_bytes"] / MEBIBYTE, label=label, **drawn)
        below.plot(x, kind.residuals[of_length.to_numpy()] / MEBIBYTE, **drawn)
    if kind.fit:
        measured = (rows["batch_size"] * rows["length"]).to_numpy(float)
        x = np.geomspace(measured.min(), measured.max(), 60)
        longest = max(lengths)  # with a term in T², of the longest
        line = kind.fit.at(x / longest, longest) / MEBIBYTE
        above.plot(x, line, color=colour, dashes=DASHES[look] or (None, None), linewidth=1.3, label=name(kind))


def largest(found: MemoryByLength, limits: list[float]) -> str:
    """Return the largest m that fits by length: found at the limit of the study, and by the fit for others, as SVG."""
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, 3.6)
        lengths = np.geomspace(min(found.lengths), max(found.lengths), 40)
        for look, limit in enumerate([found.limit, *limits][: len(SEQUENCE)]):
            by_fit = [found.own.fit.most_rows(tokens, limit) if found.own.fit else np.nan for tokens in lengths]
            most = np.where(np.array(by_fit) > 0, by_fit, np.nan)
            label = f"{memory(limit)}, by the fit"
            ax.plot(lengths, most, color=SEQUENCE[look], dashes=DASHES[look] or (None, None), label=label)
        rows = found.largest.dropna(subset="fits")
        ax.plot(rows["length"], rows["fits"], "o", color=INK, markersize=5, label=f"{memory(found.limit)}, fits")
        ended = rows.dropna(subset="out_of_memory")
        label = f"{memory(found.limit)}, out of memory"
        ax.plot(ended["length"], ended["out_of_memory"], "x", color=VERMILION, markersize=5, label=label)
        ax.set(xscale="log", yscale="log", xlabel=f"T ({found.unit}s of a row)", ylabel="largest batch size m (rows)")
        ax.set_xticks(found.lengths, [f"{tokens:,}" for tokens in found.lengths])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        figure.legend(*style.legend_entries([ax]), loc="outside upper left", ncols=2, fontsize=8)
        return style.svg(figure)
