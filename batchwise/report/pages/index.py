"""The parts of the index page, in the order in which reports/index.ipynb calls them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from batchwise.analysis import study_results
from batchwise.analysis.overview import by_batch_size
from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims import answers, evidence, questions
from batchwise.claims.answers import Agreement, Answer
from batchwise.claims.evidence import Evidence
from batchwise.claims.verdicts import Verdict
from batchwise.report.figures import claims as claim_figures
from batchwise.report.figures import overview as overview_figures
from batchwise.report.html import (
    Html,
    details,
    facts,
    figure,
    heading,
    items,
    join,
    links,
    marked,
    multiples,
    paragraph,
    subheading,
    table,
)
from batchwise.report.sentences import costs as cost_sentences
from batchwise.report.sentences import overview as overview_sentences
from batchwise.report.sentences import questions as sentences
from batchwise.report.sentences import study_facts
from batchwise.report.sentences.grammar import count

MARKS = {Verdict.YES: "yes", Verdict.NO: "no", Verdict.SAME: "same", Verdict.UNKNOWN: "unknown"}  # classes of marks


SIDE_BY_SIDE = "comparisons.html"


@dataclass(frozen=True)
class Index:
    """All studies, and the answer to each question."""

    studies: list[StudyResults]
    answers: list[Answer]


def read(data: Path, names: list[str], asked: Path, recorded: Sequence[Path]) -> Index:
    """Return what the page shows: what was measured here, and the evidence that other pipelines have `recorded`.

    Raises UserError if a table is missing or damaged.
    """
    studies, page = study_results.read(data, names), questions.read(asked)
    others = [one for path in recorded for one in evidence.read(path, path.parent.as_posix().removesuffix("/reports"))]
    return Index(studies, answers.answer(page, [*measured(studies, page), *others]))


def measured(studies: list[StudyResults], asked: Sequence[questions.Question]) -> list[Evidence]:
    """Return all comparisons of some studies, in words and numbers."""
    by_name = {study.name: study for study in studies}
    return [
        sentences.as_evidence(question, one, by_name[one.study]) for question, one in questions.measure(asked, studies)
    ]


def head(index: Index) -> Html:
    """Return the top of the page: the answer, and what was measured."""
    machine = next((study.profile.machine for study in index.studies if study.profile), {})
    return join(
        paragraph("batchwise · all studies", "study"),
        heading("Does the batch size matter?"),
        *_answer(index),
        facts(
            [
                ("Studies", str(len(index.studies))),
                ("Distinct runs", f"{sum(study.tables.summary['grid']['runs'] for study in index.studies):,}"),
                ("Times measured on", f"{machine.get('device', 'nothing')}, {count(machine.get('cores', 0), 'core')}"),
            ]
        ),
    )


def _answer(index: Index) -> list[Html]:
    """Return the answer in a paragraph, and a picture of each study; nothing without one of whole batches."""
    shown = {study.name: by_batch_size(study) for study in whole_batches(index.studies)}
    shown = {name: table for name, table in shown.items() if len(table)}
    studies = [study for study in index.studies if study.name in shown]
    if not shown:
        return []
    most = max(int(table["batch_size"].max()) for table in shown.values())
    margins = {one.question.id: one.question.margin for one in index.answers}
    pictures = [_picture(study, shown[study.name], most) for study in studies]
    found = overview_sentences.aspects(studies, shown, margins)
    return [
        paragraph(overview_sentences.headline(found), "headline"),
        paragraph(" ".join(one.text for one in found)),
        multiples(pictures),
        paragraph(overview_sentences.CAPTION, "claim"),
    ]


def _picture(study: StudyResults, table: pd.DataFrame, most: int) -> Html:
    base = np.unique(study.seed_values.base_learning_rate)
    drawn = overview_figures.study(
        study.name, table, study.metric, most, float(base[1] / base[0]) if len(base) > 1 else 1
    )
    return figure(
        drawn,
        overview_sentences.picture(study.name, table, study.metric),
        study.tables.summary["data"]["title"],
        "narrow",
    )


def overview(index: Index) -> Html:
    """Return a list of all questions, each with its answer."""
    return join(
        marked(
            (f"#{one.question.id}", one.question.question, _mark(one), _kind(one), sentences.answer(one))
            for one in index.answers
        ),
        links("The same data with another optimiser, in parts or normalised", [("studies side by side", SIDE_BY_SIDE)]),
    )


def section(index: Index, letter: str) -> Html:
    """Return the questions of a section."""
    return join(*(question(one) for one in index.answers if one.question.id[0] == letter))


def question(one: Answer) -> Html:
    """Return a question with its answer, how sure it is, a figure, and links to the studies that show it."""
    asked, found = one.question, one.judged
    parts = [
        subheading(asked.question, _mark(one), _kind(one), asked.id),
        paragraph(sentences.answer(one), "answer"),
    ]
    if not found:
        return join(*parts, paragraph(f"{asked.id}, as it is said: {asked.claim}", "claim"))
    caption = (
        "A dot is the effect, its line the 95 % interval; within the grey margin nothing matters. Blue says yes, a red "
        "diamond no, a hollow dot no difference that matters, and a grey dot tells nothing yet."
    )
    drawn = claim_figures.drawn(found)
    rest = len(found) - len(drawn)
    more = f" {rest} more are in the table below." if rest else ""
    here = [each.evidence.study for each in found if not each.evidence.pipeline]
    pictures = [figure(claim_figures.comparisons(found), sentences.answer(one), caption + more, "narrow", asked.id)]
    return join(
        *parts,
        paragraph(" ".join([sentences.certainty(one), *sentences.untold(one)])),
        *(pictures if drawn else []),
        details(
            "What is compared, and every number",
            paragraph(f"{asked.id}, as it is said: {asked.claim}", "claim"),
            paragraph(f"{asked.criterion}{_matters(asked)}"),
            table(
                "Every comparison of the question",
                ["study", "what", "effect", "95 % interval", "n", "margin", "says"],
                map(sentences.row, found),
                "numbers comparisons",
                asked.id,
            ),
            *(paragraph(sentences.mean(mean)) for mean in one.means),
        ),
        *([links("Shown by", [(name, f"{name}.html") for name in dict.fromkeys(here)])] if here else []),
    )


def _matters(asked: questions.Question) -> str:
    return f" What would matter: {asked.margin:g} {asked.unit}." if asked.margin else ""


def _mark(one: Answer) -> str:
    """Return the answer in a word or two."""
    if one.agreement in (Agreement.UNMEASURED, Agreement.NONE):
        return {Agreement.UNMEASURED: "not measured here", Agreement.NONE: "cannot be told"}[one.agreement]
    if one.agreement == Agreement.DEPENDS:
        return "it depends"
    word = "no difference" if one.verdict == Verdict.SAME else one.verdict.value
    if one.agreement == Agreement.ALL and one.untold:
        return f"{word}, in part"
    return f"mostly {word}" if one.agreement == Agreement.MOSTLY else word


def _kind(one: Answer) -> str:
    return "depends" if one.agreement == Agreement.DEPENDS else MARKS[one.verdict]


def studies(index: Index) -> Html:
    """Return each study with what it trained, and which batch size to use in it."""
    parts = []
    for study in index.studies:
        given = dict(study_facts.facts(study.tables))
        named = ("Data", "Model", "Optimiser", "Budget", "Grid", "Engine")
        what = "; ".join(given[name] for name in named if name in given)
        choice = cost_sentences.advice(study.costs.advice, study.tables.metric)[:1] if study.costs else []
        parts += [links("Study", [(study.name, f"{study.name}.html")]), items([what, *choice])]
    return join(*parts)


def provenance(index: Index) -> Html:
    """Return the checksums of what the page was made from."""
    rows = [
        [
            study.name,
            study.tables.summary["provenance"]["results"][:16],
            study.tables.summary["provenance"]["data"][:16],
        ]
        for study in index.studies
    ]
    return table("The first 16 digits of the SHA-256 of runs and data", ["study", "runs", "data"], rows, "wrap")
