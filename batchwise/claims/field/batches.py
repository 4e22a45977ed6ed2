"""Questions B: what a batch is. They are counted, so they are exact, and have no interval."""

import numpy as np
import pandas as pd

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.comparison import BATCH_SIZES, RUNS, Comparison, counted

SAME = ("status", "epochs", "updates", "train_loss", "validation_loss", "test_loss", "test_correct")


def counted_in_rows(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Count, at each m, updates that did not receive m rows, or all rows where m is more."""
    found = []
    for study in studies:
        points = _points(study, "input_shape")
        if len(points):
            shapes = [tuple(map(int, shape.split())) for shape in points["input_shape"]]
            wrong = sum(shape[0] != m for shape, m in zip(shapes, points["batch_size"], strict=True))
            largest = {"m": points["batch_size"].iloc[-1], "shape": shapes[-1]}
            measured = counted(wrong, len(points), BATCH_SIZES)
            found.append(Comparison(study.name, "rows_of_an_update", **measured, numbers=largest))
    return found


def updates_per_epoch(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Count, at each m, epochs in which the optimiser made other than ceil(N/m) updates."""
    found = []
    for study in studies:
        points = _points(study, "updates_per_epoch")
        if len(points):
            wrong = (points["updates_per_epoch"] != -(-study.rows // points["batch_size"])).sum()
            measured, first = counted(wrong, len(points), BATCH_SIZES), points.iloc[0]
            numbers = {"rows": study.rows, "m": first["batch_size"], "updates": first["updates_per_epoch"]}
            found.append(Comparison(study.name, "updates_of_an_epoch", **measured, numbers=numbers))
    return found


def more_than_all_rows(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Count the runs with m > N whose losses and counts are not bit for bit those of the run with m = N."""
    found = []
    for study in studies:
        runs = study.tables.runs
        whole = _by_run(runs, study.rows)
        for m in sorted(runs.loc[runs["batch_size"].gt(study.rows), "batch_size"].unique()):
            more = _by_run(runs, m)
            both = more.index.intersection(whole.index)
            if len(both):
                measured = counted((~_same(more.loc[both], whole.loc[both])).sum(), len(both), RUNS)
                numbers = {"m": m, "rows": study.rows}
                found.append(Comparison(study.name, "runs_beyond_all_rows", **measured, numbers=numbers))
    return found


def _by_run(runs: pd.DataFrame, m: int) -> pd.DataFrame:
    """Return the runs with a batch size, by η̃ and seed."""
    return runs[runs["batch_size"].eq(m)].set_index(["base_learning_rate", "seed"])


def _same(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Return whether two tables of runs have the same numbers, [runs]."""
    columns = [name for name in SAME if name in one]  # some labels are no classes, of which none is correct
    return (one[columns].eq(other[columns]) | (one[columns].isna() & other[columns].isna())).all(axis=1).to_numpy()


def _points(study: StudyResults, column: str) -> pd.DataFrame:
    """Return the measured points of the grid that have a column, by m; none if nothing was measured."""
    if study.profile is None:
        return pd.DataFrame()
    points = study.profile.points
    return points[points["purpose"].eq("grid")].dropna(subset=column).sort_values("batch_size")
