"""Whether the batch size matters, in sentences that are made of the tables of all studies."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from batchwise.analysis.overview import octaves
from batchwise.analysis.study_results import StudyResults
from batchwise.claims.field.speed import knee
from batchwise.data.metric import Metric
from batchwise.report.number_format import about, digits, memory, seconds, size
from batchwise.report.sentences import phrases
from batchwise.report.sentences.grammar import count, listed, span_of

CAPTION = (
    "Each study has a picture, and all have one axis of m. Quality is the metric on test rows beside that of the "
    "reference, the m that is best on validation rows (the smallest m, without such rows), each m at its chosen "
    "learning rate: a dot is the mean over seeds, its line the 95 % interval, and the intervals of a study hold "
    "together; what lies in the grey band does not matter, and a diamond is worse beyond doubt. Time and memory were "
    "measured. Bars reach over the base learning rates with which training comes near the best."
)
Tables = Mapping[str, pd.DataFrame]  # of overview.by_batch_size, by study


class Aspect(NamedTuple):
    """What a batch size may matter for: in how many of the studies that tell it does, and the numbers in a sentence."""

    name: str
    matters: int
    studies: int
    text: str
    note: str = ""


def aspects(studies: Sequence[StudyResults], tables: Tables, margins: Mapping[str, float]) -> list[Aspect]:
    """Return what a batch size may matter for, what some study tells of; `margins` are those of questions by id."""
    found = [
        _time([*tables.values()], margins["S1"]),
        _quality(studies, tables),
        _rates([*tables.values()], margins["L1"]),
        _memory([*tables.values()], margins["M1"]),
    ]
    return [one for one in found if one.studies]


def headline(found: Sequence[Aspect]) -> str:
    """Return the answer in a sentence: for what the batch size matters, and for what it does not."""
    some = [
        f"for {one.name} in {one.matters} of {count(one.studies, 'study')}{one.note}" for one in found if one.matters
    ]
    none = [f"for {one.name}" for one in found if not one.matters]
    if not some:
        return f"Not here: it makes no difference that matters {listed(none, last='or')}."
    return f"Yes, {listed(some)}{'; not ' + listed(none, last='or') if none else ''}."


def _time(tables: Sequence[pd.DataFrame], margin: float) -> Aspect:
    """Return how much faster an epoch is at the knee than at the smallest m."""
    times = [table.dropna(subset="epoch_seconds") for table in tables]
    measured = [dict(zip(rows["batch_size"], rows["epoch_seconds"], strict=True)) for rows in times if len(rows) > 1]
    knees = [knee(each, margin) for each in measured]
    shares = [each[at] / each[min(each)] for each, at in zip(measured, knees, strict=True)]
    text = (
        f"Up to m = {span_of(knees, size)} an epoch gets faster, and takes {span_of(shares)} times as long there as at "
        "the smallest batch size; beyond, it gets no faster."
    )
    return Aspect("the time of an epoch", sum(share < 1 / margin for share in shares), len(shares), text)


def _quality(studies: Sequence[StudyResults], tables: Tables) -> Aspect:
    """Return in which studies which m is worse than the reference by more than the margin, or hardly trains."""
    compared = [study for study in studies if tables[study.name]["gain_low"].notna().any()]
    worse = {study.name: _worse(study, tables[study.name]) for study in compared}
    trained, untrained = (
        [_losses(study, tables[study.name], rows) for study in compared if len(rows := worse[study.name][place])]
        for place in (0, 1)
    )
    parts = [listed(trained)] if trained else []
    parts += [f"where the batch makes too few updates to train, {listed(untrained)}"] if untrained else []
    text = (
        f"The result is worse than the best by more than the margin, beyond doubt, {'; and, '.join(parts)}."
        if parts
        else "No batch size gives a result that is worse than the best by more than the margin, beyond doubt."
    )
    few = sum(not len(rows) and bool(len(lacking)) for rows, lacking in worse.values())
    note = f" (in {few} of these since the batch makes too few updates to train)" if few else ""
    matters = sum(any(map(len, found)) for found in worse.values())
    return Aspect("the quality", matters, len(compared), text, note)


def _worse(study: StudyResults, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of the m of a study that are worse by more than the margin: those that train, and others."""
    rows = table[table["gain_high"] < -study.metric.least_margin]
    few = rows["batch_size"].isin(study.too_few_updates)
    return rows[~few], rows[few]


def _losses(study: StudyResults, table: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return how much some m of a study lose."""
    most = "by" if len(rows) == 1 else "by up to"
    behind = f"{most} {about(-rows['gain'].min())} {study.metric.differences}"
    return f"in {study.name} at m = {phrases.sizes(rows, table)} ({behind})"


def _rates(tables: Sequence[pd.DataFrame], margin: float) -> Aspect:
    """Return how the range of η̃ that trains changes from the smallest m to the largest at which some train."""
    widths = [octaves(table).dropna() for table in tables]
    ends = [(float(width.iloc[0]), float(width.iloc[-1])) for width in widths if len(width) > 1]
    text = (
        f"The range of base learning rates that train is {span_of([small for small, _ in ends])} octaves wide at the "
        f"smallest batch size, and {span_of([large for _, large in ends])} at the largest."
    )
    differ = sum(abs(small - large) > margin for small, large in ends)
    return Aspect("the learning rates that train", differ, len(ends), text)


def _memory(tables: Sequence[pd.DataFrame], margin: float) -> Aspect:
    """Return how much more memory the largest m takes than the smallest."""
    measured = [table["memory_bytes"].dropna() for table in tables]
    ratios = [float(each.iloc[-1] / each.iloc[0]) for each in measured if len(each) > 1]
    text = f"At the largest batch size of the grid a process takes {span_of(ratios)} times as much memory."
    return Aspect("memory within the grid", sum(ratio > margin for ratio in ratios), len(ratios), text)


def picture(name: str, table: pd.DataFrame, metric: Metric) -> str:
    """Return what the picture of a study shows: its alternative text."""
    gains = listed(
        f"{digits(row['gain'])} at m = {size(int(row['batch_size']))}"
        for _, row in table.dropna(subset="gain").iterrows()
    )
    parts = [f"{metric.title} beside the reference, in {metric.differences}: {gains}"]
    for column, what, write in (
        ("epoch_seconds", "time of an epoch", seconds),
        ("memory_bytes", "memory of a process", memory),
    ):
        rows = table.dropna(subset=column)
        if len(rows):
            first, last = rows.iloc[0], rows.iloc[-1]
            ends = (f"{write(row[column])} at m = {size(int(row['batch_size']))}" for row in (first, last))
            parts.append(f"{what}: {' and '.join(dict.fromkeys(ends))}")
    widths = octaves(table)
    known = table.loc[widths.notna(), "batch_size"]
    if len(known):
        parts.append(
            "range of base learning rates that train, in octaves: "
            + listed(f"{about(widths[place])} at m = {size(int(m))}" for place, m in known.items())
        )
    return f"{name} by batch size. {'; '.join(parts)}."
