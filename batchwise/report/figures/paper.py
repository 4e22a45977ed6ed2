"""The figures of the paper's page as SVG text: the sizes, panels and legends around what paper_plots.py draws."""

import textwrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from batchwise.analysis.seed_values import SeedValues
from batchwise.analysis.study_tables import Tables
from batchwise.claims.paper.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED, Verdict
from batchwise.claims.paper.statements import Statement
from batchwise.report.figures import paper_plots, plots, style
from batchwise.report.figures.study import WIDTH
from batchwise.report.number_format import number
from batchwise.report.sentences import comparisons
from batchwise.report.sentences.paper import VERDICTS
from batchwise.statistics.intervals import Estimate

LOOKS: dict[str, dict[str, Any]] = {
    SUPPORTED: {"color": style.BLUE, "marker": "o"},
    CONTRADICTED: {"color": style.VERMILION, "marker": "D"},
    NOT_DECIDED: {"color": style.SOFT, "marker": "o", "markerfacecolor": "white"},
}
RANGES_IN_A_ROW = 2
TITLE_WIDTH = 42  # characters, over a panel that shares its row
MOST_TICKS = 6  # on an axis of a panel
TICKS = (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100)  # of effects


class Effect(NamedTuple):
    """What is drawn of a statement."""

    statement: Statement
    verdict: str
    estimate: Estimate
    unit: str


def by_rate(study: SeedValues) -> str:
    """Return test accuracy against m with a line for each η̃ (figures 1 to 3, 5 to 11, 17, 18 of the paper)."""
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, 4.4)
        paper_plots.by_rate(study, ax)
        ax.set(ylabel="test accuracy (%)")
        _legend_beside(figure, "η̃")
        return style.svg(figure)


def curves(tables: Tables) -> str:
    """Return training loss and test accuracy by epoch with a line for each m (figure 4)."""
    with style.drawing():
        figure, (left, right) = style.panels(WIDTH, 4, columns=2)
        paper_plots.curves(tables.curves, "train_loss", left)
        style.set_log(left, "y")
        left.set(title="Training loss (nats)")
        left.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
        paper_plots.curves(tables.curves, "test_accuracy", right, scale=100)
        right.set(title="Test accuracy (%)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6)
        return style.svg(figure)


def by_normalization_batch(parts: dict[str, SeedValues]) -> str:
    """Return the best test accuracy against the normalisation batch, a panel for each part (figure 13)."""
    with style.drawing():
        figure, axes = style.panels(WIDTH, 4, columns=len(parts))
        for ax, (name, study) in zip(axes, parts.items(), strict=True):
            paper_plots.by_normalization_batch(study, ax)
            ax.set(title=name)
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, borderaxespad=0)
        axes[0].set(ylabel="test accuracy (%)")
        return style.svg(figure)


def best(studies: dict[str, SeedValues]) -> str:
    """Return the best test accuracy against m with a line for each named study (figure 15)."""
    with style.drawing():
        figure, (ax,) = style.panels(WIDTH, 4.6)
        paper_plots.best(studies, ax)
        ax.set(ylabel="test accuracy (%)")
        figure.legend(loc="outside lower center", ncols=2)
        return style.svg(figure)


def ranges(studies: dict[str, Tables]) -> str:
    """Return the η̃ that train reliably at each m, a panel for each named study (figure 16)."""
    rows = -(-len(studies) // RANGES_IN_A_ROW)
    with style.drawing():
        figure, axes = style.panels(WIDTH, 2.5 * rows + 0.3, rows=rows, columns=RANGES_IN_A_ROW)
        for ax, (name, tables) in zip(axes, studies.items(), strict=False):
            rates = sorted(tables.cells["base_learning_rate"].unique())
            plots.reliable_range(tables.batch_sizes, tables.metric, rates, ax)
            _thin_out(ax)
            ax.set(title=textwrap.fill(name, TITLE_WIDTH), xlabel="", ylabel="")
        for ax in axes[len(studies) :]:
            ax.set_axis_off()
        figure.supxlabel("batch size m (rows)", fontsize=9)
        figure.supylabel("base learning rate η̃", fontsize=9)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
        return style.svg(figure)


def _thin_out(ax: Axes) -> None:
    """Leave every second label to an axis with many."""
    for ticks, labels, put in (
        (ax.get_xticks(), ax.get_xticklabels(), ax.set_xticks),
        (ax.get_yticks(), ax.get_yticklabels(), ax.set_yticks),
    ):
        if len(ticks) > MOST_TICKS:
            put(ticks[::2], [label.get_text() for label in labels[::2]])


def statements(judged: dict[Statement, Verdict]) -> str:
    """Return every statement with an effect: the effect with its interval, in a panel for each unit."""
    effects = [
        Effect(statement, verdict.verdict, verdict.decisive.effect, comparisons.unit(verdict.decisive))
        for statement, verdict in judged.items()
        if verdict.decisive and np.isfinite(verdict.decisive.effect.value)
    ]
    units = list(dict.fromkeys(effect.unit for effect in effects))
    groups = [[effect for effect in effects if effect.unit == unit] for unit in units]
    with style.drawing():
        heights = [len(group) + 1.5 for group in groups]
        figure, axes = style.panels(WIDTH, 0.23 * sum(heights) + 0.5, rows=len(groups), height_ratios=heights)
        for ax, unit, group in zip(axes, units, groups, strict=True):
            _forest(group, ax)
            ax.set(xlabel=unit)
        handles, labels = _verdicts_of(axes)
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
        return style.svg(figure)


def _forest(group: list[Effect], ax: Axes) -> None:
    ax.axvline(0, color=style.SOFT, linewidth=1)
    for place, effect in enumerate(group):
        value, low, high = effect.estimate
        error, label = np.nan_to_num([[value - low], [high - value]]), VERDICTS[effect.verdict]
        ax.errorbar([value], [place], xerr=error, label=label, markersize=5, capsize=2, **LOOKS[effect.verdict])
    names = [f"{effect.statement.statement} ({_figures(effect.statement)})" for effect in group]
    ax.set_yticks(range(len(group)), names, fontsize=8)
    ax.set_ylim(len(group) - 0.4, -0.6)
    ax.grid(False, axis="y")
    widest = 2 * max(abs(effect.estimate.value) for effect in group)
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xticks(ticks := [tick for tick in TICKS if abs(tick) <= max(widest, 1)], [number(tick, 0) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(-max(widest, 1), max(widest, 1))


def _verdicts_of(axes: list[Axes]) -> tuple[list[Artist], list[str]]:
    found = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    known = [label for label in VERDICTS.values() if label in found]
    return [found[label] for label in known], known


def _figures(statement: Statement) -> str:
    return "fig. " + ", ".join(statement.figures)


def _legend_beside(figure: Figure, title: str) -> None:
    figure.legend(loc="outside right upper", title=title, labelspacing=0.35)
