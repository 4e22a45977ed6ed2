"""The parts of the index page, in the order in which reports/index.ipynb calls them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from batchwise.analysis import study_results
from batchwise.analysis.study_results import StudyResults
from batchwise.claims import verdicts
from batchwise.claims.evidence import Comparison
from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED, Verdict
from batchwise.claims.verdicts import Claim
from batchwise.report.figures import claims as claim_figures
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
    paragraph,
    subheading,
    table,
)
from batchwise.report.sentences import claims as claim_sentences
from batchwise.report.sentences import costs as cost_sentences
from batchwise.report.sentences import study_facts
from batchwise.report.sentences.grammar import count

MARKS = {SUPPORTED: "supported", CONTRADICTED: "contradicted", NOT_DECIDED: "undecided"}  # classes of the style sheet
TEXTS = claim_sentences.VERDICTS


@dataclass(frozen=True)
class Index:
    """All studies, and the verdict on each claim."""

    studies: list[StudyResults]
    verdicts: dict[Claim, Verdict]


def read(data: Path, names: list[str], claims: Path) -> Index:
    """Return what the page shows. Raises UserError if a table is missing or damaged."""
    studies = study_results.read(data, names)
    return Index(studies, verdicts.judge(verdicts.read(claims), studies))


def head(index: Index) -> Html:
    """Return the top of the page: the counts of verdicts, and what was measured."""
    counts = Counter(verdict.verdict for verdict in index.verdicts.values())
    machine = next((study.profile.machine for study in index.studies if study.profile), {})
    return join(
        paragraph("batchwise · all studies", "study"),
        heading("Does the batch size matter? What people ask, and what was measured"),
        paragraph(
            f"Of {len(index.verdicts)} claims and questions, {counts[SUPPORTED]} are supported by the studies here, "
            f"{counts[CONTRADICTED]} are contradicted, and {counts[NOT_DECIDED]} are not decided here.",
            "headline",
        ),
        paragraph(
            "Each has an effect with its 95 % interval, and a criterion that was written before the data were seen. "
            "The studies are small ones, on a few data sets: what they support holds there, and is no law."
        ),
        facts(
            [
                ("Studies", str(len(index.studies))),
                ("Distinct runs", f"{sum(study.tables.summary['grid']['runs'] for study in index.studies):,}"),
                ("Times measured on", f"{machine.get('device', 'nothing')}, {count(machine.get('cores', 0), 'core')}"),
            ]
        ),
    )


def overview(index: Index) -> Html:
    """Return a list of all questions, each with its verdict and the answer."""
    return marked(
        (
            f"#{claim.id}",
            claim.question,
            TEXTS[verdict.verdict],
            MARKS[verdict.verdict],
            claim_sentences.answer(claim, verdict),
        )
        for claim, verdict in index.verdicts.items()
    )


def section(index: Index, letter: str) -> Html:
    """Return the claims of a section."""
    return join(*(claim(one, verdict) for one, verdict in index.verdicts.items() if one.id[0] == letter))


def claim(one: Claim, verdict: Verdict) -> Html:
    """Return a claim with its verdict, the effect, a figure, and links to the studies that show it."""
    found = verdict.evidence.comparisons
    parts = [
        subheading(one.question, TEXTS[verdict.verdict], MARKS[verdict.verdict], one.id),
        paragraph(claim_sentences.answer(one, verdict), "answer"),
        paragraph(f"{one.id}, the claim: {one.claim}", "claim"),
    ]
    if verdict.decisive is None:
        return join(*parts)
    caption = (
        "The dot is the effect, the line its 95 % interval; the claim is right where it is shaded. Every comparison "
        "has its own scale."
    )
    rest = len(found) - len(claim_figures.drawn(found))
    valued = all(np.isfinite(comparison.effect.value) for comparison in found)
    others = "speak less against it or are only counted" + ("" if valued else ", or are not known")
    more = f" {rest} more, that {others}, are in the table below." if rest else ""
    alt = " ".join(claim_sentences.effect(comparison) for comparison in found[:3])
    names = list(dict.fromkeys(comparison.study for comparison in found))
    return join(
        *parts,
        paragraph(claim_sentences.evidence(verdict, verdict.decisive, len(verdicts.MEASURES))),
        figure(claim_figures.comparisons(found), alt, caption + more, "narrow", one.id),
        details("Criterion, and every number", paragraph(one.criterion), _numbers(one.id, found)),
        links("Shown by", [(name, f"{name}.html") for name in names]),
    )


def _numbers(claim: str, found: tuple[Comparison, ...]) -> Html:
    return table(
        "Every comparison of the claim",
        ["study", "what", "effect", "95 % interval", "n", "right if"],
        map(claim_sentences.row, found),
        "numbers comparisons",
        claim,
    )


def studies(index: Index) -> Html:
    """Return each study with what it trained, and which batch size to use in it."""
    parts = []
    for study in index.studies:
        given = dict(study_facts.facts(study.tables))
        what = f"{given['Data']}; {given['Model']}; {given['Optimiser']}; {given['Budget']}; {given['Grid']}"
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
