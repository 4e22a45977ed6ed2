"""Questions T on a batch that changes in training: how large it may be by when, and whether it may grow."""

from typing import Any

import numpy as np

from batchwise.analysis import branches
from batchwise.analysis.study_results import StudyResults, pairs, same_but
from batchwise.claims.comparison import Comparison, over_seeds
from batchwise.claims.field.best_cells import resolution
from batchwise.statistics.intervals import known_mean

SCHEDULE, OF_BATCH = "schedule", ("batch_sizes", "learning_rate_scaling")


def critical_batch(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the critical batch size at the last moment of branches with that at the first, seed by seed, in octaves.

    A seed that falls behind at no m has a critical batch size beyond the largest, which counts for it: at one of the
    moments that makes the change too small, and at both nothing is known.
    """
    found = []
    for study in studies:
        table, loss = study.tables.branches, study.tables.loss
        if table.empty or table["moment"].nunique() < 2:
            continue
        kept, by_moment = int(table["kept_batch_size"].iloc[0]), branches.losses(table, loss)
        (first, (early, unknown)), (last, (late, unknown_then)) = (
            (moment, branches.crossings(by_moment[moment], kept, loss)) for moment in (min(by_moment), max(by_moment))
        )
        grown = np.where(unknown & unknown_then, np.nan, late - early)
        sizes = {"at_first": np.exp2(known_mean(early)), "at_last": np.exp2(known_mean(late))}
        numbers = {"first": 100 * first, "last": 100 * last, **sizes}
        measured = over_seeds(grown)
        found.append(Comparison(study.name, "growth_of_critical_batch", **measured, margin=margin, numbers=numbers))
    return found


def grows_as_far(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare a study whose m grows with one that is alike but for that, on test rows, seed by seed.

    At the m, of those that both have, that is best on validation rows where it stays; each at its chosen rate there.
    """
    found = []
    for growing, staying in pairs(studies, _differ_in_growth):
        m = staying.best_of({*growing.results} & {*staying.results})
        if m is None:
            continue
        metric, run = growing.metric, growing.tables.phases(m)
        gain = metric.gain(growing.results[m], staying.results[m]).dropna()  # of the seeds of both
        updates = {name: _updates(study, m) for name, study in (("growing", growing), ("staying", staying))}
        numbers = {"m": m, "last": run[-1].batch_size, **updates, "unit": metric.differences}
        measured, least = over_seeds(gain.to_numpy(float), resolution(growing)), margin * metric.least_margin
        found.append(Comparison(growing.name, "growing_instead", **measured, margin=least, numbers=numbers))
    return found


def _differ_in_growth(growing: StudyResults, staying: StudyResults) -> bool:
    """Return whether the m of one study grows, and nothing else tells it from the other."""
    alike = same_but(growing, staying, SCHEDULE) and growing.metric.name == staying.metric.name
    return alike and growing.grows and not staying.grows and _rates(growing) == _rates(staying)


def _rates(study: StudyResults) -> dict[str, Any]:
    """Return how a schedule changes the learning rate by itself."""
    return {key: value for key, value in study.recipe[SCHEDULE].items() if key not in OF_BATCH}


def _updates(study: StudyResults, batch_size: int) -> int:
    return sum(phase.epochs * phase.updates_per_epoch for phase in study.tables.phases(batch_size))
