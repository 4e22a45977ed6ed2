"""What a pair of studies shows, in sentences and table entries: who differs in what, and where that matters."""

from collections.abc import Iterable, Sequence

import pandas as pd

from batchwise.analysis.study_pairs import ENGINE, LENGTH, NORMALIZATION, SCHEDULE, SIDES, StudyPair
from batchwise.analysis.study_results import StudyResults
from batchwise.data.metric import Metric
from batchwise.report import metric_format
from batchwise.report.number_format import MISSING, about, known, memory, number, rate, shortest, size
from batchwise.report.number_format import seconds as seconds_in_words
from batchwise.report.sentences import engines
from batchwise.report.sentences.grammar import count, listed, span_of
from batchwise.report.sentences.study_facts import growth, schedule

BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "no difference that matters", "cannot be told"
NO_PAIR = (
    "No two studies here are of the same data and alike but for one thing. It takes a second study in params.yaml, the "
    "same as one that is there but for its `optimizer`, `accumulation`, `dtype`, `schedule` or `engine`, the "
    "`normalization` of its model, or the `max_tokens` of its texts."
)


def what_differs(pair: StudyPair) -> str:
    """Return in what a pair differs: `adam instead of sgd`."""
    here, there = (_value(pair, study) for study in pair.sides.values())
    if pair.change == "accumulation":
        return f"each batch {there} instead of {here}"
    return f"{there} instead of {here}"


def _value(pair: StudyPair, study: StudyResults) -> str:
    value = pair.value(study)
    if pair.change == NORMALIZATION:
        return "no normalisation" if value == "none" else f"{value} normalisation"
    if pair.change == "accumulation":
        return "whole" if value == 1 else f"in {count(value, 'part')}"
    if pair.change == LENGTH:
        return count(value, "token")
    if pair.change == ENGINE:
        return engines.engine(study.recipe)
    if pair.change == SCHEDULE:
        changes = [*schedule(study.recipe), *growth(value)]
        return listed(changes) if changes else "nothing that changes within a run"
    return str(value) if pair.change == "dtype" else _optimiser(pair, study)


def _optimiser(pair: StudyPair, study: StudyResults) -> str:
    """Return the name of an optimiser, with the options in which two of one name differ."""
    here, there = (pair.value(each) for each in pair.sides.values())
    own = pair.value(study)
    if here["name"] != there["name"]:
        return str(own["name"])
    given = {key: value for key, value in own.items() if here[key] != there.get(key) and value is not None}
    options = [f"{key} {shortest(value) if isinstance(value, float) else value}" for key, value in given.items()]
    return f"{own['name']} with {listed(options)}" if options else str(own["name"])


def verdicts(table: pd.DataFrame, metric: Metric) -> list[str]:
    """Return what the interval of the gain at each m says."""
    return [
        verdict(low, high, metric.least_margin) for low, high in zip(table["gain_low"], table["gain_high"], strict=True)
    ]


def verdict(low: float, high: float, margin: float) -> str:
    """Return what an interval says that lies wholly above the margin, below it or within."""
    if low > margin:
        return BETTER
    if high < -margin:
        return WORSE
    return SAME if -margin < low and high < margin else UNKNOWN


def summary(pair: StudyPair, table: pd.DataFrame) -> str:
    """Return at which m the other study is better, worse or the same, with its gains."""
    metric, said = pair.base.metric, verdicts(table, pair.base.metric)
    parts = []
    for kind in dict.fromkeys(said):
        rows = table[[one == kind for one in said]]
        gains = listed(metric_format.bare_difference(metric, gain / metric.scale) for gain in rows["gain"])
        parts.append(f"{_says(kind, metric)} at m = {_sizes(rows['batch_size'])} ({gains} {metric.differences})")
    text = f"With {what_differs(pair)} the test {metric.title} is {'; '.join(parts)}."
    others = (_too_few(pair, table), _costs(table), _in_lanes(pair, table), _octaves(table))
    return " ".join(part for part in (text, *others) if part)


def _says(kind: str, metric: Metric) -> str:
    same = f"the same, to within {metric_format.margin(metric, metric.least_margin)},"
    return {SAME: same, UNKNOWN: "not told apart yet"}.get(kind, kind)


def _sizes(sizes: Iterable[float]) -> str:
    return listed(size(int(m)) for m in sizes)


def _too_few(pair: StudyPair, table: pd.DataFrame) -> str:
    """Return at which m one of the two makes too few updates to train; nothing if both do at all."""
    few = {m for study in pair.sides.values() for m in study.too_few_updates} & {*table["batch_size"]}
    if not few:
        return ""
    return (
        f"At m = {_sizes(sorted(few))} one of the two makes too few updates to train, so that this is how far it came."
    )


def _costs(table: pd.DataFrame) -> str:
    """Return how much longer an epoch takes, and how much more memory a process; nothing where that is not known."""
    parts = []
    for column, what, much in (("epoch_seconds", "an epoch", "long"), ("memory_bytes", "a process", "much memory")):
        ratios = (table[f"other_{column}"] / table[f"base_{column}"]).dropna()
        if len(ratios):
            times = span_of([*ratios], about)
            parts.append(f"{what} takes {'' if times == '1' else f'{times} times '}as {much}")
    text = " and ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _in_lanes(pair: StudyPair, table: pd.DataFrame) -> str:
    """Return what the costs of a study are of that trains in lanes; nothing where none does, or none was measured."""
    measured = table[[f"{side}_{cost}" for side in SIDES for cost in ("epoch_seconds", "memory_bytes")]]
    in_lanes = [study.name for study in pair.sides.values() if engines.lanes(study.recipe) > 1]
    if not in_lanes or measured.isna().all(axis=None):
        return ""
    return f"In {listed(in_lanes)} an epoch is a run's share of the time of all lanes, and a process holds all of them."


def costs(table: pd.DataFrame) -> list[list[str]]:
    """Return a row for each m: the seconds of an epoch and the peak memory of a process, of both."""
    return [
        [
            size(int(row["batch_size"])),
            *(seconds_in_words(row[f"{side}_epoch_seconds"]) for side in SIDES),
            *(memory(row[f"{side}_memory_bytes"]) for side in SIDES),
        ]
        for _, row in table.iterrows()
    ]


def _octaves(table: pd.DataFrame) -> str:
    """Return where the range of learning rates is wider or narrower; nothing where grids cannot be compared."""
    known_rows = table.dropna(subset="octaves_gained_low")
    if known_rows.empty:
        return "Their grids of learning rates are not alike, so that ranges are not compared."
    parts = []
    for kind, rows in (
        ("wider", known_rows[known_rows["octaves_gained_low"] > 0]),
        ("narrower", known_rows[known_rows["octaves_gained_high"] < 0]),
    ):
        if len(rows):
            by = f"{listed(about(abs(gain)) for gain in rows['octaves_gained'])} octaves"
            parts.append(f"{kind} at m = {_sizes(rows['batch_size'])} (by {by})")
    if not parts:
        return "The range of learning rates that train is not seen to differ."
    return f"The range of learning rates that train is {' and '.join(parts)}."


def results_title(metric: Metric) -> str:
    """Return what the table of results holds."""
    heading = metric_format.heading(metric, "test")
    return f"{heading} with 95 % intervals; how much better the second is, {metric.differences}"


def results(pair: StudyPair, table: pd.DataFrame) -> list[list[str]]:
    """Return a row for each m: both results with their intervals, the difference, n and what it says."""
    metric = pair.base.metric
    return [
        [
            size(int(row["batch_size"])),
            *(_result(metric, row, side) for side in SIDES),
            metric_format.bare_difference(metric, row["gain"] / metric.scale),
            _interval(row, "gain"),
            f"{row['gain_n']:.0f}{'' if row['paired'] else ' each'}",
            "no difference" if said == SAME else said,
        ]
        for (_, row), said in zip(table.iterrows(), verdicts(table, metric), strict=True)
    ]


def _result(metric: Metric, row: pd.Series, side: str) -> str:
    interval = metric_format.interval(metric, row[f"{side}_low"], row[f"{side}_high"])
    return f"{metric_format.bare(metric, row[f'{side}_mean'])} ({interval})"


def seeds(pair: StudyPair, table: pd.DataFrame, side: str) -> str:
    """Return a study of a pair with the seeds of its results: `digits_mlp (n = 17)`."""
    amounts = span_of(table[f"{side}_n"].dropna().astype(int).tolist(), str)
    return f"{pair.sides[side].name} (n = {amounts})"


def _interval(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if not known(low, high):
        return MISSING
    return "the same in every seed" if low == high == 0 else f"{number(low)} to {number(high)}"


def rates(table: pd.DataFrame) -> list[list[str]]:
    """Return a row for each m: the chosen η and the ranges of η̃ of both, and how much wider the other's is."""
    return [
        [
            size(int(row["batch_size"])),
            *(rate(row[f"{side}_learning_rate"]) for side in SIDES),
            *(_range(row, side) for side in SIDES),
            shortest(round(row["octaves_gained"], 2)) if known(row["octaves_gained"]) else MISSING,
            _interval(row, "octaves_gained"),
            f"{row['octaves_gained_n']:.0f}",
        ]
        for _, row in table.iterrows()
    ]


def _range(row: pd.Series, side: str) -> str:
    low, high = row[f"{side}_rate_low"], row[f"{side}_rate_high"]
    if not known(low, high):
        return MISSING
    return rate(low) if low == high else f"{rate(low)} to {rate(high)}"


def mark(said: Sequence[str]) -> tuple[str, str]:
    """Return what a pair says in a word or two, and the class of the mark."""
    kinds = {*said} - {UNKNOWN}
    if not kinds:
        return UNKNOWN, "unknown"
    if len(kinds) > 1:
        return "it depends on m", "depends"
    (kind,) = kinds
    word, look = {BETTER: (BETTER, "yes"), WORSE: (WORSE, "no"), SAME: ("no difference", "same")}[kind]
    return (f"{word} at some m" if UNKNOWN in said else word), look
