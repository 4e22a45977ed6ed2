"""Questions Q: what a batch size does to the result, under one budget and another."""

from itertools import combinations

import numpy as np
import pandas as pd

from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims.comparison import Comparison, over_seeds, ratio_over_seeds
from batchwise.claims.field.best_cells import compare_sizes
from batchwise.statistics.intervals import known_mean

EARLY = 10  # a tenth of the training of a study with one learning rate is where equal epochs are compared
LOSS = "train_loss"
A_FEW = (16, 32, 64)
SMALL, LARGE = 32, 256  # the largest m that is called small, the smallest that is called large


def equal_epochs(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the training loss of the largest m with that of the smallest after equal epochs, with the same η."""
    found = []
    for study in _same_rate(studies):
        small, large, epochs = study.sizes[0], study.sizes[-1], _early(study)
        losses = {m: study.after(m, LOSS, epochs) for m in (small, large)}
        means = {f"loss_{side}": known_mean(losses[m]) for side, m in (("small", small), ("large", large))}
        about = {"small": small, "large": large, "epochs": epochs, **means}
        found.append(_of_loss(study, "loss_after_epochs", losses[large] - losses[small], margin, about))
    return found


def equal_updates(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the training loss of a larger m with that of the smallest after as many updates, with the same η.

    The smallest m after a tenth of its epochs, and the largest m that makes as many updates in its training.
    """
    found = []
    for study in _same_rate(studies):
        small, epochs = study.sizes[0], _early(study)
        updates = epochs * -(-study.rows // small)
        last = {m: updates / -(-study.rows // m) for m in study.sizes[1:]}
        reaching = [m for m in last if last[m] <= study.curve(m, LOSS).index[-1]]
        if reaching:
            large = reaching[-1]
            before, after = (_loss(study, large, at) - _loss(study, small, epochs) for at in (epochs, last[large]))
            about = {"small": small, "large": large, "epochs": epochs, "before": known_mean(before), "updates": updates}
            found.append(_of_loss(study, "loss_after_updates", after, margin, about))
    return found


def _loss(study: StudyResults, m: int, epochs: float) -> np.ndarray:
    """Return the training loss after so many epochs, on a line between those that were evaluated, [seeds]."""
    curve = study.curve(m, LOSS)
    return np.array([np.interp(epochs, curve.index, curve[seed]) for seed in curve])


def _of_loss(
    study: StudyResults, quantity: str, values: np.ndarray, margin: float, numbers: dict[str, float]
) -> Comparison:
    loss = study.tables.loss
    about = {**numbers, "unit": loss.differences}
    return Comparison(
        study.name, quantity, **over_seeds(values), margin=margin * loss.least_margin / loss.scale, numbers=about
    )


def same_result(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare how many test rows m = 100 and m ≥ N get right with m = 1, each at its chosen rate, seed by seed."""
    found = []
    for study in studies:
        if "test_correct" not in study.tables.runs:
            continue  # its labels are no classes
        chosen = study.tables.batch_sizes[["batch_size", "base_learning_rate"]]
        runs = study.tables.confirmed if len(study.tables.confirmed) else study.tables.runs.merge(chosen)
        correct = runs.pivot_table("test_correct", "seed", "batch_size", sort=True).astype(float)
        others = [m for m in correct if m == 100 or m >= study.rows]
        if 1 in correct and 100 in correct and len(others) > 1:
            for m in others:
                numbers = {"m": m, "rows": study.tables.test_rows}
                means = {"correct": correct[m].mean(), "correct_of_one": correct[1].mean()}
                measured = over_seeds((correct[m] - correct[1]).to_numpy(), resolution=1.0)
                found.append(
                    Comparison(study.name, "rows_right", **measured, margin=margin, numbers={**numbers, **means})
                )
    return found


def factor_of_a_few(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare all pairs among m = 16, 32 and 64 on test rows, each at its best rate, seed by seed."""
    return [
        compare_sizes(study, one, other, margin, "pair")
        for study in whole_batches(studies)
        for one, other in combinations([m for m in A_FEW if m in study.results], 2)
    ]


def small_and_fast(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the epochs to a target of the fastest m from 256 on with those of the fastest m up to 32, as a ratio.

    The target is the best of the study that every seed of the small m gets past; m and η̃ are those with the fewest
    epochs. A run of the large m that does not get there counts with all its epochs.
    """
    found = []
    for study in whole_batches(studies):
        if study.costs is None:
            continue
        hardest_first = study.costs.targets.groupby("target", sort=False)
        for _, targets in sorted(hardest_first, key=lambda group: study.metric.sign * group[0], reverse=True):
            small = targets[targets["batch_size"].le(SMALL) & targets["reached"].eq(targets["runs"])]
            large = targets[targets["batch_size"].ge(LARGE)]
            if len(small) and len(large):
                pair = _fastest(small), _fastest(large)
                found.append(_epochs_saved(study, study.costs.target_runs, *pair, margin))
                break
    return found


def _fastest(targets: pd.DataFrame) -> pd.Series:
    """Return the row with the fewest epochs, the first of equals."""
    return targets.iloc[targets["epochs"].fillna(np.inf).to_numpy().argmin()]


def _epochs_saved(
    study: StudyResults, runs: pd.DataFrame, small: pd.Series, large: pd.Series, margin: float
) -> Comparison:
    few, many = (_epochs(runs, cell).reindex(range(study.tables.seeds)).to_numpy(float) for cell in (small, large))
    medians = {"epochs_small": float(pd.Series(few).median()), "epochs_large": float(pd.Series(many).median())}
    numbers = {
        "small": small["batch_size"],
        "large": large["batch_size"],
        **medians,
        "target": study.metric.scale * small["target"],
        "target_unit": f" {study.metric.unit}" if study.metric.unit else "",
    }
    # Epochs are whole: of a few, one more or less is a large part.
    step = float(np.sqrt(sum(1 / max(median, 1) ** 2 for median in medians.values())))
    measured = ratio_over_seeds(np.log(many / few), resolution=step)
    return Comparison(study.name, "epochs_to_target", **measured, margin=margin, numbers=numbers)


def _epochs(runs: pd.DataFrame, cell: pd.Series) -> pd.Series:
    """Return the epochs to the target by seed, or all that it was trained."""
    for name in ("target", "batch_size", "base_learning_rate"):
        runs = runs[runs[name].eq(cell[name])]
    return runs.set_index("seed")["epochs"].fillna(cell["epochs_trained"])


def _same_rate(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies with one learning rate for all m, whose seeds all have curves."""
    same = [study for study in studies if study.tables.single_rate]
    same = [study for study in same if study.tables.summary["learning_rate_scaling"] == "none" and len(study.sizes) > 1]
    return [study for study in same if all(not study.curve(m, LOSS).empty for m in study.sizes)]


def _early(study: StudyResults) -> int:
    return max(1, min(study.curve(m, LOSS).index[-1] for m in study.sizes) // EARLY)
