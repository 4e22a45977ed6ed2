"""Which batch size to use at which length of text within a memory, and what a larger one would have gained."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import costs, memory_by_length, profile_summary, recommendation
from batchwise.analysis.memory_by_length import MemoryByLength
from batchwise.analysis.study_results import StudyResults
from batchwise.statistics.intervals import mean_interval

# Memory that is left free: the system counts what is set aside and not used yet, too, and a fit is not exact.
FREE = 0.1
COLUMNS = (
    *("length", "most", "evaluation", "study", "batch_size", "mean", "low", "high", "n"),
    *("larger", "gain", "gain_low", "gain_high"),
)
COPIES = 2  # of what is held of a row, on the host and on the device


def advise(study: StudyResults, others: Sequence[StudyResults], memory: float) -> pd.DataFrame:
    """Return a row for each length that was measured or trained; empty if no study has its memory by length.

    `others` are alike but for their length, so that the memory that one measured is that of all. `most` is the largest
    m whose update fits into `memory` bytes, by the fit, with FREE of it left and the data held; it is 0 where
    `evaluation`, bytes, does not fit, which runs need at every m. Of the study of that length, if there is one:
    `batch_size` is the m to use of those that fit, as recommendation.py chooses, with its test result `mean`, `low`,
    `high` and `n`; `larger` is the best m that does not fit, on validation rows, and `gain`, `gain_low`, `gain_high`
    how much better it is on test rows, seed by seed, in the unit of differences.
    """
    found = measured_by_length([study, *others])
    if found is None or found.own.fit is None:
        return pd.DataFrame()
    trained = {one.length: one for one in (study, *others)}
    lengths = sorted({*found.lengths, *(length for length in trained if length)})
    rows = [
        {"length": length, "most": _most(study, found, length, memory), "evaluation": found.evaluation(length)}
        | (_of_study(trained[length], found, memory) if length in trained else {})
        for length in lengths
    ]
    return pd.DataFrame(rows).reindex(columns=[*COLUMNS])


def measured_by_length(studies: Sequence[StudyResults]) -> MemoryByLength | None:
    """Return the memory by length of the first of some studies that has it, None if none has."""
    profiles = [one.profile for one in studies if one.profile is not None]
    return next(filter(None, map(memory_by_length.of_profile, profiles)), None)


def with_evaluation(measured: pd.DataFrame, study: StudyResults, others: Sequence[StudyResults]) -> pd.DataFrame:
    """Return the measured costs of a study with the memory of a run: its evaluation may take more than its updates.

    What it takes is known if one of the studies, which are as for `advise`, had its memory measured by length.
    """
    found = measured_by_length([study, *others])
    if found is None or not study.length:
        return measured
    # Of an m that was not measured nothing is known, and NaN stays.
    memory = measured[recommendation.MEMORY].clip(lower=np.nan_to_num(found.evaluation(study.length)))
    return measured.assign(**{recommendation.MEMORY: memory})


def _most(study: StudyResults, found: MemoryByLength, length: int, memory: float) -> int:
    room = (1 - FREE) * memory - _held(study, length)
    if found.own.fit is None or found.evaluation(length) > room:
        return 0
    return int(found.own.fit.most_rows(length, room))


def _held(study: StudyResults, length: int) -> float:
    """Return the bytes of data of this length, if they are held in memory."""
    about = study.tables.summary["data"]
    streamed = about.get("options", {}).get("streamed", False)
    return 0.0 if streamed else float(COPIES * study.held(length) * sum(about["rows"].values()))


def _of_study(study: StudyResults, found: MemoryByLength, memory: float) -> dict[str, Any]:
    """Return the m to use of a study, its result, and the best m that does not fit with what it would gain."""
    most = _most(study, found, study.length or 0, memory)
    chosen = _chosen(study, most)
    larger = study.best_of([m for m in study.sizes if m > most])
    facts: dict[str, Any] = {"study": study.name}
    if chosen is None:
        return facts
    test = study.metric.column("test")
    names = {"mean": f"{test}_mean", "low": f"{test}_low", "high": f"{test}_high", "n": "n", "batch_size": "batch_size"}
    return (
        facts
        | {name: chosen[column] for name, column in names.items()}
        | _gain(study, int(chosen["batch_size"]), larger)
    )


def _chosen(study: StudyResults, most: int) -> pd.Series | None:
    """Return the row of recommendation.whole_runs for the m to use, of those up to `most`; None if there is none."""
    measured = recommendation.NOTHING_MEASURED
    if study.profile is not None:
        measured = costs.of_study(profile_summary.summary(study.profile), study.recipe["dtype"])
    # What fits is known by rows and their length: the memory of a row of the table is its m, and the limit the largest.
    by_rows = measured.assign(**{recommendation.MEMORY: measured["batch_size"].astype(float), "status": "ok"})
    table = recommendation.whole_runs(study.tables, by_rows, most)
    rows = table[table["chosen"]]
    return rows.iloc[0] if len(rows) else None


def _gain(study: StudyResults, chosen: int, larger: int | None) -> dict[str, float]:
    if larger is None or not {chosen, larger} <= {*study.results}:
        return {"larger": np.nan}
    gain = study.metric.gain(study.results[larger].to_numpy(float), study.results[chosen].to_numpy(float))
    mean, low, high, _ = (bound.item() for bound in mean_interval(np.asarray(gain, float)[None]))
    return {"larger": larger, "gain": mean, "gain_low": low, "gain_high": high}
