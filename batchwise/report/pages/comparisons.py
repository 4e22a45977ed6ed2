"""The parts of the page that compares studies, in the order in which reports/comparisons.ipynb calls them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from batchwise.analysis import study_pairs, study_results
from batchwise.analysis.study_pairs import SIDES, StudyPair
from batchwise.analysis.study_results import StudyResults
from batchwise.report.figures import study_pairs as pair_figures
from batchwise.report.html import Html, details, figure, heading, join, links, marked, paragraph, subheading, table
from batchwise.report.sentences import study_pairs as sentences

CAPTION = (
    "Above, both studies at each batch size; below, by how much the second is better. Lines are 95 % intervals, those "
    "below hold together; within the grey margin nothing matters."
)


@dataclass(frozen=True)
class Comparisons:
    """All studies, and the pairs of them that are alike but for one thing, each with its table."""

    studies: list[StudyResults]
    pairs: list[tuple[StudyPair, pd.DataFrame]]


def read(data: Path, names: list[str]) -> Comparisons:
    """Return what the page shows. Raises UserError if a table is missing or damaged."""
    return compare(study_results.read(data, names))


def compare(studies: list[StudyResults]) -> Comparisons:
    """Return the pairs of some studies."""
    return Comparisons(studies, [(pair, study_pairs.by_batch_size(pair)) for pair in study_pairs.study_pairs(studies)])


def head(comparisons: Comparisons) -> Html:
    """Return the top of the page, with what each pair says."""
    entries = []
    for pair, by_size in comparisons.pairs:
        mark, kind = sentences.mark(sentences.verdicts(by_size, pair.base.metric))
        entries.append((f"#{_anchor(pair)}", _title(pair), mark, kind, sentences.summary(pair, by_size)))
    return join(
        paragraph("batchwise · studies side by side", "study"),
        heading("What changes if one thing of a study does?"),
        marked(entries) if entries else paragraph(sentences.NO_PAIR),
        links("See also", [("every question with its answer", "index.html")]),
    )


def pairs(comparisons: Comparisons) -> Html:
    """Return each pair: what it says, a figure, and all numbers."""
    return join(*(_pair(pair, by_size) for pair, by_size in comparisons.pairs))


def _pair(pair: StudyPair, by_size: pd.DataFrame) -> Html:
    metric, anchor = pair.base.metric, _anchor(pair)
    mark, kind = sentences.mark(sentences.verdicts(by_size, metric))
    base, other = pair.base.name, pair.other.name
    beside = f"{other} beside {base}"
    says = sentences.summary(pair, by_size)
    return join(
        subheading(_title(pair), mark, kind, anchor),
        paragraph(says, "answer"),
        figure(pair_figures.study_pair(pair, by_size), f"{_title(pair)}. {says}", CAPTION, "narrow"),
        table(
            f"Results of {beside}, {sentences.results_title(metric)}",
            ["m", *(sentences.seeds(pair, by_size, side) for side in SIDES), "better by", "95 % interval", "n", "says"],
            sentences.results(pair, by_size),
            "numbers",
        ),
        details(
            "Learning rates",
            table(
                f"Learning rates of {beside}, η that is chosen and η̃ that train; how much wider the second's range is",
                ["m", f"η, {base}", f"η, {other}", f"η̃, {base}", f"η̃, {other}", "octaves", "95 % interval", "n"],
                sentences.rates(by_size),
                "numbers",
            ),
        ),
        details(
            "Time and memory",
            table(
                f"Seconds of the updates of an epoch and peak memory of a process, {beside}",
                ["m", *(f"epoch, {name}" for name in (base, other)), *(f"memory, {name}" for name in (base, other))],
                sentences.costs(by_size),
                "numbers",
            ),
        ),
        links("Studies", [(name, f"{name}.html") for name in (base, other)]),
    )


def _title(pair: StudyPair) -> str:
    text = sentences.what_differs(pair)
    return f"{text[:1].upper()}{text[1:]} ({pair.other.name} beside {pair.base.name})"


def _anchor(pair: StudyPair) -> str:
    return f"{pair.base.name}-{pair.other.name}"


def provenance(comparisons: Comparisons) -> Html:
    """Return the checksums of what the page was made from."""
    rows = [
        [study.name, *(study.tables.summary["provenance"][name][:16] for name in ("results", "data"))]
        for study in comparisons.studies
    ]
    return table("The first 16 digits of the SHA-256 of runs and data", ["study", "runs", "data"], rows, "wrap")
