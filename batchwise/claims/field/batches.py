"""Claims B: what a batch is. They are counted, so they are exact, and have no interval."""

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.evidence import Evidence, all_of, exact

SAME = ("status", "epochs", "updates", "train_loss", "validation_loss", "test_loss", "test_correct")


def counted_in_rows(studies: list[StudyResults]) -> Evidence:
    """Supported if an update at each m received m rows, or all rows where m is more. n: batch sizes."""
    found = []
    for study in studies:
        points = _points(study, "input_shape")
        if len(points):
            rows = points["input_shape"].str.split().str[0].astype(int)
            wrong = (rows != points["batch_size"]).sum()
            shape = " × ".join(points["input_shape"].iloc[-1].split())
            what = f"updates that do not receive m rows (m = {points['batch_size'].iloc[-1]:,}: {shape})"
            found.append(exact(study.name, what, "batch sizes", wrong, len(points)))
    return all_of(found)


def updates_per_epoch(studies: list[StudyResults]) -> Evidence:
    """Supported if the optimiser counted ceil(N/m) updates in an epoch, at each m. n: batch sizes."""
    found = []
    for study in studies:
        points = _points(study, "updates_per_epoch")
        if len(points):
            wrong = (points["updates_per_epoch"] != -(-study.rows // points["batch_size"])).sum()
            first = points.iloc[0]
            what = (
                f"counts other than ceil(N/m) (N = {study.rows:,}, m = {first['batch_size']:,}: "
                f"{first['updates_per_epoch']:,.0f} updates)"
            )
            found.append(exact(study.name, what, "batch sizes", wrong, len(points)))
    return all_of(found)


def more_than_all_rows(studies: list[StudyResults]) -> Evidence:
    """Supported if each run with m > N has the losses and counts of the run with m = N, bit for bit. n: seeds.

    No batch has more rows than there are, so that batchwise trains one run for both.
    """
    found = []
    for study in studies:
        runs = study.tables.runs
        whole = runs[runs["batch_size"].eq(study.rows)].reset_index(drop=True)
        for m in sorted(runs.loc[runs["batch_size"].gt(study.rows), "batch_size"].unique()):
            more = runs[runs["batch_size"].eq(m)].reset_index(drop=True)
            if len(whole):
                differing = int((~_same(more, whole)).sum())
                what = f"runs with m = {m:,} that differ from those with m = N = {study.rows:,}"
                found.append(exact(study.name, what, "runs", differing, len(more)))
    return all_of(found)


def _same(one, other) -> np.ndarray:
    columns = list(SAME)
    return (one[columns].eq(other[columns]) | (one[columns].isna() & other[columns].isna())).all(axis=1).to_numpy()


def _points(study: StudyResults, column: str):
    if study.profile is None:
        return []
    points = study.profile.points
    return points[points["purpose"].eq("grid")].dropna(subset=column).sort_values("batch_size")
