"""Sentences of the paper's page: what a study is, what a verdict rests on, what a figure shows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from batchwise.analysis.seed_values import SeedValues, choose
from batchwise.analysis.study_tables import Tables
from batchwise.claims.comparison import Comparison
from batchwise.claims.paper.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED, Verdict
from batchwise.claims.paper.statements import Statement
from batchwise.report.number_format import known, percent, rate, signed, size
from batchwise.report.sentences import comparisons, phrases
from batchwise.report.sentences.grammar import count, listed, span

VERDICTS = {SUPPORTED: "agrees", CONTRADICTED: "disagrees", NOT_DECIDED: "cannot tell"}


def counts(verdicts: Iterable[Verdict]) -> str:
    """Return how many statements agree, disagree, and cannot be told."""
    number = Counter(verdict.verdict for verdict in verdicts)
    return (
        f"Of {count(number.total(), 'statement')} of the paper, {number[SUPPORTED]} agree with what was measured here, "
        f"{number[CONTRADICTED]} disagree, and of {number[NOT_DECIDED]} nothing can be told."
    )


def untold(verdicts: Iterable[Verdict]) -> str:
    """Return why nothing can be told of some statements."""
    of = [verdict for verdict in verdicts if verdict.verdict == NOT_DECIDED]
    measured = sum(verdict.decisive is not None and known(verdict.decisive.effect.low) for verdict in of)
    return (
        f"Of the {len(of)} that cannot be told, {measured} were measured, with an interval that leaves both open; the "
        f"other {len(of) - measured} have nothing here to compare."
    )


def network(summary: dict[str, Any]) -> str:
    """Return a study's network and what is special in its training: `resnet, depth 8, augmentation`."""
    recipe = summary["recipe"]
    options = [
        f"{name.replace('_', ' ').replace('normalization', 'normalisation')} {value}"
        for name, value in recipe["model"].items()
        if name != "name" and value not in (0, False)
    ]
    extras = ["augmentation"] * bool(recipe["augmentation"]) + ["warm-up"] * bool(recipe["schedule"]["warm_up"])
    return ", ".join([recipe["model"]["name"], *options, *extras])


def setting(tables: Tables) -> str:
    """Return what a study here trained, in a line."""
    summary, rates = tables.summary, sorted(tables.cells["base_learning_rate"].unique())
    rows, budget = summary["data"]["rows"], summary["recipe"]["budget"]
    sizes = [size(m) for m in tables.batch_sizes["batch_size"]]
    return "; ".join(
        [
            network(summary),
            f"{summary['data']['title']}, {rows['train']:,} training, {rows['validation']:,} validation and "
            f"{rows['test']:,} test rows",
            count(budget["epochs"], "epoch") if budget.get("epochs") else count(budget["updates"], "update"),
            f"m {_range(sizes)}, η̃ {_range([rate(value) for value in rates])}",
            f"{count(tables.seeds, 'seed')} a cell; {phrases.statuses(tables)}",
        ]
    )


def evidence(statement: Statement, verdict: Verdict) -> str:
    """Return a statement with its verdict and the numbers behind it."""
    parts = [f"{VERDICTS[verdict.verdict].capitalize()}: {statement.statement} ({statement.source})."]
    if verdict.decisive:
        amount = len(verdict.evidence.comparisons)
        among = f"weakest of {amount} comparisons: " if amount > 1 else ""
        text = f"{among}{measured(verdict.decisive)}: {effect(verdict.decisive)}."
        parts.append(f"{text[0].upper()}{text[1:]}")
    if left := left_out(statement, verdict):
        parts.append(f"{'Left out' if verdict.decisive else 'Why'}: {named(left)}.")
    return " ".join(parts)


def measured(one: Comparison) -> str:
    """Return what was compared: `in figure 1, m = 2 against 16`."""
    return f"{'from' if '<' in one.study else 'in'} {named(one.study)}, {comparisons.what(one)}"


def effect(one: Comparison) -> str:
    """Return the effect with its unit, interval and n."""
    value, low, high = one.effect
    if not known(value):
        return "no seed has both"
    interval = f"95 % interval {span(low, high)}, " if known(low) else "no interval, "
    return f"{signed(value)} {comparisons.unit(one)} ({interval}n = {one.n})"


def left_out(statement: Statement, verdict: Verdict) -> str:
    """Return what could not be compared, and why; nothing where all was."""
    if not statement.studies:
        return "not decided here: ImageNet"
    return "; ".join(f"{one.study}: {comparisons.reason(one)}" for one in verdict.left_out)


def named(text: str) -> str:
    """Return a text in which studies are called by their figures: `figure_13a_normalization_*` is `figure 13a`."""
    return text.replace("_normalization_*", "").replace("figure_", "figure ").replace("<", " to ").replace("+", " and ")


def pool_name(item: str, tables: Tables) -> str:
    """Return what studies that are drawn as one are called: `CIFAR-10, figure 13a and figure 8`."""
    return f"{tables.summary['data']['title']}, {named(item)}"


def finding(study: SeedValues) -> str:
    """Return where the accuracy of a study is highest, and what the largest m reaches."""
    largest_size = study.effective_batch_size[study.complete].max()
    rows = [choose(study, study.complete), choose(study, study.effective_batch_size == largest_size)]
    best, largest = (f"{percent(study.test[row].mean())} at {_cell(study, row)}" for row in rows)
    return f"Chosen on validation rows, the best cell has a mean test accuracy of {best}; the largest m has {largest}."


def highest(studies: dict[str, SeedValues]) -> str:
    """Return the best m of each named study."""
    parts = []
    for name, study in studies.items():
        row = choose(study, study.complete)
        parts.append(f"{name}: {percent(study.test[row].mean())} at m = {size(int(study.effective_batch_size[row]))}")
    return f"Best mean test accuracy: {'; '.join(parts)}."


def widths(studies: dict[str, Tables], margin: int = 5) -> str:
    """Return how the width of the reliable range changes from the smallest to the largest m of each named study."""
    parts = []
    for name, tables in studies.items():
        octaves = tables.batch_sizes[f"reliable_{margin}_octaves"]
        if octaves.empty:
            parts.append(f"{name}: not known")
            continue
        ends = [f"{value:.0f} octaves" if known(value) else "no η̃" for value in octaves.iloc[[0, -1]]]
        parts.append(f"{name}: {ends[0]} to {ends[1]}")
    return f"Range of η̃ within {margin} points of the best, from the smallest to the largest m: {'; '.join(parts)}."


def _cell(study: SeedValues, row: int) -> str:
    return f"m = {size(int(study.effective_batch_size[row]))} and η̃ = {rate(study.base_learning_rate[row])}"


def _range(names: list[str]) -> str:
    return listed(names) if len(names) < 4 else f"{names[0]} to {names[-1]} ({len(names)})"
