"""The figure of several studies: the result of each at every batch size, on one axis of m."""

from collections.abc import Iterable, Sequence

import numpy as np

from batchwise.analysis.study_tables import Tables
from batchwise.common.errors import UserError
from batchwise.report import metric_format
from batchwise.report.figures import style
from batchwise.report.number_format import size

WIDTH, HEIGHT = 6.4, 3.6  # inches
MOST = len(style.SEQUENCE)
ASIDE = 0.06  # of an octave, between studies at the same m
LABELS_APART = 0.4  # octaves


def results(studies: Sequence[Tables]) -> str:
    """Return the result on test rows at the chosen rate of each m, with its 95 % interval, of each study, as SVG.

    Raises UserError for more studies than there are colours, or if their metrics differ.
    """
    metric = studies[0].metric
    if len(studies) > MOST:
        raise UserError(f"{len(studies)} studies are named; at most {MOST} can be told apart in a figure")
    if other := next((one for one in studies if one.metric.name != metric.name), None):
        raise UserError(
            f"{studies[0].study} is judged by {metric.title}, {other.study} by {other.metric.title}; name studies with "
            "one metric"
        )
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, HEIGHT)
        looks = zip(studies, style.SEQUENCE, style.DASHES, style.MARKERS, strict=False)
        for number, (tables, colour, dashes, marker) in enumerate(looks):
            rows, name = tables.chosen.sort_values("batch_size"), metric.column("test")
            mean, low, high = (metric.scale * rows[f"{name}_{end}"].astype(float) for end in ("mean", "low", "high"))
            x = rows["batch_size"] * 2 ** (ASIDE * (number - (len(studies) - 1) / 2))
            error = np.nan_to_num([mean - low, high - mean]).clip(0)
            line, *_ = ax.errorbar(x, mean, error, color=colour, marker=marker, markersize=5, capsize=3)
            line.set(dashes=dashes, label=tables.study)
        m = labelled({int(m) for tables in studies for m in tables.chosen["batch_size"]})
        ax.set_xscale("log", base=2)
        ax.set_xticks(m, [size(one) for one in m])
        ax.xaxis.minorticks_off()
        ax.set(xlabel="batch size m (rows)", ylabel=metric_format.heading(metric, "test"))
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=8)
        return style.svg(figure)


def labelled(batch_sizes: Iterable[int]) -> list[int]:
    """Return the batch sizes that have a label, ascending: not 17, where 16 has one."""
    found: list[int] = []
    for m in sorted(batch_sizes):
        if not found or np.log2(m / found[-1]) > LABELS_APART:
            found.append(m)
    return found
