"""The parts of the page that compares studies with Masters & Luschi 2018, in the order of reports/paper.ipynb."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchwise.analysis import seed_values, study_tables
from batchwise.analysis.seed_values import SeedValues, Undecidable
from batchwise.analysis.study_tables import Tables
from batchwise.claims.paper import statements
from batchwise.claims.paper import verdicts as paper_verdicts
from batchwise.claims.paper.comparisons import KINDS
from batchwise.claims.paper.judging import Verdict
from batchwise.claims.paper.statements import Statement
from batchwise.common.errors import UserError
from batchwise.report.figures import paper as paper_figures
from batchwise.report.figures.paper_plots import DEPTH
from batchwise.report.html import Code, Html, figure, heading, items, join, paragraph, table
from batchwise.report.number_format import known, number, signed
from batchwise.report.pages import table_rows
from batchwise.report.sentences import comparisons, statement_kinds
from batchwise.report.sentences import paper as paper_sentences
from batchwise.report.sentences.grammar import span

LINES = (
    "Mean over the seeds, with 95 % intervals (Student t). Runs that diverged count with the accuracy of chance, so "
    "that a line falls where training becomes unstable."
)
FRAME = f"The axis ends at most {DEPTH} points below the best."
CHOSEN = "At each m the learning rate is the one with the highest mean validation accuracy."


@dataclass(frozen=True)
class Paper:
    """The studies of a folder by name, and the verdict on each statement of the paper."""

    folder: str  # its name
    tables: dict[str, Tables]
    studies: dict[str, SeedValues]
    judged: dict[Statement, Verdict]


def read(folder: Path, names: Sequence[str], said: Path) -> Paper:
    """Read the tables of the named studies in <folder>/data/tables and the statements in the file `said`.

    Raises UserError for a table that is missing or damaged, for a statement that is not one, and if none is measured.
    """
    kinds = {name: kind.sides for name, kind in KINDS.items()}
    tables = {name: study_tables.read(folder / "data/tables" / name) for name in names}
    studies = {name: seed_values.of_study(each) for name, each in tables.items()}
    judged = {each: paper_verdicts.judge(each, studies) for each in statements.read(said, kinds)}
    if not any(_measured(verdict) for verdict in judged.values()):
        raise UserError(f"no study in {folder} measures a statement; name them as {said} does: figure_1, figure_2, …")
    return Paper(folder.resolve().name, tables, studies, judged)


def head(paper: Paper) -> Html:
    """Return the top of the page: the question, the answer, and every statement with its verdict."""
    verdicts = paper.judged.values()
    return join(
        paragraph(f"batchwise · {paper.folder}", "study"),
        heading("What Masters & Luschi 2018 say, and what was measured here"),
        paragraph(paper_sentences.counts(verdicts), "headline"),
        paragraph(paper_sentences.untold(verdicts)),
    )


def overview(paper: Paper) -> Html:
    """Return every statement: all of them as a table, and the effects as a figure."""
    return join(_all_statements(paper), _effects(paper))


def _effects(paper: Paper) -> Html:
    caption = (
        "Right of 0 the measurement is as the paper says, left of it the opposite. Bars: 95 % intervals over the "
        "seeds; of several comparisons the weakest. The scale is linear near 0 and logarithmic beyond; wide intervals "
        "leave the frame."
    )
    alt = f"Effects of all statements. {paper_sentences.counts(paper.judged.values())}"
    return figure(paper_figures.statements(paper.judged), alt, caption)


def _all_statements(paper: Paper) -> Html:
    entries = [_statement(statement, verdict) for statement, verdict in paper.judged.items()]
    headings = ["figures", "verdict", "the paper says", "effect", "95 % interval", "unit", "n"]
    return table("Every statement; an effect is positive where the paper is right", headings, entries, "statements")


def _statement(statement: Statement, verdict: Verdict) -> list[str]:
    one, told = verdict.decisive, paper_sentences.VERDICTS[verdict.verdict]
    start = [" ".join(statement.figures), told, statement.statement]
    if one is None or not known(one.effect.value):
        return [*start, "–", "–", "–", "0"]
    value, low, high = one.effect
    return [*start, signed(value), span(low, high), comparisons.unit(one), number(one.n, 0)]


def _measured(verdict: Verdict) -> bool:
    return verdict.decisive is not None and known(verdict.decisive.effect.value)


def by_rate(paper: Paper, name: str) -> Html:
    """Return a figure of test accuracy against m for each η̃, of the study figure_<name>."""
    if not _present(paper, [f"figure_{name}"]):
        return _absent(paper, name)
    study = paper.studies[f"figure_{name}"]
    finding = paper_sentences.finding(study)
    alt = f"Figure {name}: test accuracy by batch size, a line for each base learning rate. {finding}"
    return _section(
        paper, name, [f"figure_{name}"], finding, figure(paper_figures.by_rate(study), alt, f"{LINES} {FRAME}")
    )


def curves(paper: Paper, name: str) -> Html:
    """Return a figure of convergence curves at one η̃, of the study figure_<name>."""
    if not _present(paper, [f"figure_{name}"]):
        return _absent(paper, name)
    tables = paper.tables[f"figure_{name}"]
    finding = paper_sentences.finding(paper.studies[f"figure_{name}"])
    alt = f"Figure {name}: training loss and test accuracy by epoch, a line for each batch size. {finding}"
    caption = "Mean over the seeds that have not diverged, of the weights after each epoch, in inference mode."
    return _section(paper, name, [f"figure_{name}"], finding, figure(paper_figures.curves(tables), alt, caption))


def normalization(paper: Paper, name: str) -> Html:
    """Return a figure of best test accuracy against the normalisation batch, a panel for each pool of its statement."""
    about = next(statement for statement in paper.judged if statement.figures[0] == name)
    sides = {item: statements.resolve(item, list(paper.studies))[0] for item in about.studies}
    pools = {
        item: _present(paper, [study for part in side for study in part]) for item, side in sides.items() if side[0]
    }
    try:
        pooled = {
            paper_sentences.pool_name(item, paper.tables[names[0]]): seed_values.pool(
                [paper.studies[name] for name in names]
            )
            for item, names in pools.items()
            if names
        }
    except Undecidable:  # one of the studies has other rows than the others
        pooled = {}
    if not pooled:
        return _absent(paper, name)
    finding = paper_sentences.highest(pooled)
    alt = f"Figure {name}: best test accuracy by normalisation batch, a line for each batch size. {finding}"
    drawn = figure(paper_figures.by_normalization_batch(pooled), alt, f"{LINES} {CHOSEN}")
    return _section(paper, name, [study for names in pools.values() for study in names], finding, drawn)


def best(paper: Paper, name: str) -> Html:
    """Return a figure of best test accuracy against m for all networks that the statements of figure <name> are of."""
    names = _studies_of(paper, name)
    if not names:
        return _absent(paper, name)
    labelled = {_label(paper, study): paper.studies[study] for study in names}
    finding = paper_sentences.highest(labelled)
    alt = f"Figure {name}: best test accuracy by batch size, a line for each network. {finding}"
    return _section(paper, name, [], finding, figure(paper_figures.best(labelled), alt, f"{LINES} {CHOSEN}"))


def ranges(paper: Paper, name: str) -> Html:
    """Return a figure of the η̃ that train reliably at each m, for the networks of figure <name>'s statements."""
    names = [study for study in _studies_of(paper, name) if not paper.tables[study].single_rate]
    if not names:
        return _absent(paper, name)
    labelled = {_label(paper, study): paper.tables[study] for study in names}
    finding = paper_sentences.widths(labelled)
    alt = f"Figure {name}: reliable base learning rates by batch size, a panel for each network. {finding}"
    caption = (
        "A rate trains reliably at m if every seed trained and the mean validation accuracy is within 1, 2 or 5 points "
        "of the best cell of the study. Bars reach half a step of the grid beyond the outermost reliable rates."
    )
    return _section(paper, name, [], finding, figure(paper_figures.ranges(labelled), alt, caption))


def no_study(paper: Paper, name: str) -> Html:
    """Return the statements of a figure that no study here can decide."""
    return join(_settings(paper, name, []), _evidence(paper, name))


def criteria() -> Html:
    """Return how each kind of statement is decided."""
    entries = ([Code(name), words.criterion, words.unit] for name, words in statement_kinds.KINDS.items())
    return table("Kinds of statements", ["kind", "what is compared", "unit"], entries, "wrap")


def provenance(paper: Paper) -> Html:
    """Return the checksums of the results of each study."""
    entries = (
        [study, Code(name), Code(value)]
        for study, tables in paper.tables.items()
        for name, value in table_rows.leaves({key: tables.summary["provenance"][key] for key in ("data", "results")})
    )
    return table("SHA-256 checksums of data and results", ["study", "what", "value"], entries, "wrap")


def _section(paper: Paper, name: str, studies: Sequence[str], finding: str, drawn: Html) -> Html:
    return join(_settings(paper, name, studies), paragraph(finding), drawn, _evidence(paper, name))


def _absent(paper: Paper, name: str) -> Html:
    absent = paragraph(f"Figure {name} has no study in this folder, or none that can be shown.")
    return join(_settings(paper, name, []), absent, _evidence(paper, name))


def _settings(paper: Paper, name: str, studies: Sequence[str]) -> Html:
    """Return the paper's setting of a figure beside ours."""
    theirs = next(statement.setting for statement in paper.judged if statement.figures[0] == name)
    ours = [["here" if len(studies) == 1 else study, paper_sentences.setting(paper.tables[study])] for study in studies]
    caption = f"Figure {name}: the setting of the paper and ours"
    return table(caption, ["", "network; data; length; grid; runs"], [["the paper", theirs], *ours], "wrap")


def _evidence(paper: Paper, name: str) -> Html:
    """Return the paper's statements of a figure, each with its verdict."""
    pairs = [(statement, verdict) for statement, verdict in paper.judged.items() if name in statement.figures]
    return items(paper_sentences.evidence(statement, verdict) for statement, verdict in pairs)


def _studies_of(paper: Paper, name: str) -> list[str]:
    """Return the studies here that the statements about a figure are of."""
    about = [statement for statement in paper.judged if statement.figures[0] == name]
    asked = dict.fromkeys(study for statement in about for study in statement.studies)
    return _present(paper, asked)


def _present(paper: Paper, names: Iterable[str]) -> list[str]:
    """Return those of the named studies that are here, with a cell that has a result for every seed."""
    return [name for name in names if name in paper.studies and paper.studies[name].complete.any()]


def _label(paper: Paper, study: str) -> str:
    return f"{study.removeprefix('figure_')}: {paper_sentences.network(paper.tables[study].summary)}"
