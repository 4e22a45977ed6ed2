"""Claims Q: what a batch size does to the result, under one budget and another."""

from itertools import pairwise

import numpy as np
import pandas as pd

from batchwise.analysis.seed_values import Undecidable, choose
from batchwise.analysis.study_results import StudyResults, whole_batches
from batchwise.claims.evidence import Comparison, Evidence, above, all_of, within

EARLY = 10  # a tenth of the training of a study with one learning rate is where equal epochs are compared
GONE = 1 / 4  # of the difference at equal epochs: what is less at equal updates is called gone
ROW = 1.0  # a test row more or less is the same result
LITTLE = 1.0  # points of test accuracy: what is less makes little difference
SMALL, LARGE = 32, 256  # the largest m that is called small, the smallest that is called large


def equal_epochs(studies: list[StudyResults]) -> Evidence:
    """Supported if the largest m has a higher training loss than the smallest after equal epochs, with the same η.

    Of studies with one learning rate for all m: after a tenth of their epochs, seed by seed. n: seeds.
    """
    found = []
    for study in _same_rate(studies):
        small, large = study.sizes[0], study.sizes[-1]
        epochs = _early(study)
        losses = {m: _loss(study, m, epochs) for m in (small, large)}
        means = " and ".join(f"{losses[m].mean():.2f} with m = {m:,}" for m in (small, large))
        what = f"m = {large:,} less m = {small:,}, after {epochs} epochs ({means})"
        found.append(above(study.name, what, "nats", losses[large] - losses[small]))
    return all_of(found)


def equal_updates(studies: list[StudyResults]) -> Evidence:
    """Supported if what a larger m has of more loss at equal updates is less than a quarter of that at equal epochs.

    Of studies with one learning rate for all m: the smallest m after a tenth of its epochs, and the largest m that
    makes as many updates in its training. n: seeds.
    """
    found = []
    for study in _same_rate(studies):
        small, epochs = study.sizes[0], _early(study)
        updates = epochs * -(-study.rows // small)
        last = {m: updates / -(-study.rows // m) for m in study.sizes[1:]}
        reaching = [m for m in last if last[m] <= study.curve(m, "train_loss").index[-1]]
        if reaching:
            large = reaching[-1]
            before = _loss(study, large, epochs) - _loss(study, small, epochs)
            after = _loss(study, large, last[large]) - _loss(study, small, epochs)
            what = (
                f"how far m = {large:,} is closer to m = {small:,} than a quarter of the difference, or below it: "
                f"after {updates:,} updates {after.mean():+.2f}, after {epochs} epochs {before.mean():+.2f}"
            )
            found.append(above(study.name, what, "nats", GONE * before - after))
    return all_of(found)


def same_result(studies: list[StudyResults]) -> Evidence:
    """Supported if m = 100 and m ≥ N get as many test rows right as m = 1, to within one row, seed by seed.

    n: seeds.
    """
    found = []
    for study in studies:
        correct = study.tables.runs.pivot_table("test_correct", "seed", "batch_size", sort=True).astype(float)
        others = [m for m in correct if m == 100 or m >= study.rows]
        if 1 in correct and 100 in correct and len(others) > 1:
            total = study.tables.test_rows
            for m in others:
                right = f"{correct[m].mean():.1f} and {correct[1].mean():.1f} of {total}"
                what = f"m = {m:,} less m = 1 ({right})"
                found.append(within(study.name, what, "test rows", (correct[m] - correct[1]).to_numpy(), ROW))
    return all_of(found)


def factor_of_a_few(studies: list[StudyResults]) -> Evidence:
    """Supported if m = 16, 32 and 64 differ by less than ±1 point of test accuracy, each at its best rate.

    The rate is chosen on validation rows; neighbours of the three are compared, seed by seed. n: seeds.
    """
    found = []
    for study in whole_batches(studies):
        sizes = [m for m in (16, 32, 64) if m in study.sizes]
        for small, large in pairwise(sizes):
            values = difference(study, np.isin(study.sizes, large), np.isin(study.sizes, small))
            if values is not None:
                what = f"m = {large} less m = {small}"
                found.append(within(study.name, what, "points", values[1], LITTLE))
    return all_of(found)


def small_and_fast(studies: list[StudyResults]) -> Evidence:
    """Supported if the fastest m up to 32 takes fewer epochs to a target than the fastest m from 256 on.

    Epochs count the computation. The target is the highest of the study that every seed of the small m gets past; m and
    η̃ are those with the fewest epochs. A run of the large m that does not get there counts with all its epochs. n:
    seeds.
    """
    found = []
    for study in whole_batches(studies):
        if study.costs is None:
            continue
        for _, targets in sorted(study.costs.targets.groupby("target"), reverse=True):
            small = targets[targets["batch_size"].le(SMALL) & targets["reached"].eq(targets["runs"])]
            large = targets[targets["batch_size"].ge(LARGE)]
            if len(small) and len(large):
                found.append(_epochs_saved(study, _fastest(small), _fastest(large)))
                break
    return all_of(found)


def _fastest(targets: pd.DataFrame) -> pd.Series:
    return targets.loc[targets["epochs"].fillna(np.inf).to_numpy().argmin() == np.arange(len(targets))].iloc[0]


def _epochs_saved(study: StudyResults, small: pd.Series, large: pd.Series) -> Comparison:
    few, many = (_epochs(study, cell) for cell in (small, large))
    what = (
        f"epochs to {small['target']:.0%}, m = {large['batch_size']:,.0f} ({np.median(many):.0f}) "
        f"against m = {small['batch_size']:,.0f} ({np.median(few):.0f})"
    )
    return above(study.name, what, "doublings", np.log2(many / few))


def _epochs(study: StudyResults, cell: pd.Series) -> np.ndarray:
    """Return the epochs to the target of each seed, or all that it was trained, [seeds]."""
    runs = study.costs.target_runs
    for name in ("target", "batch_size", "base_learning_rate"):
        runs = runs[runs[name].eq(cell[name])]
    return runs.sort_values("seed")["epochs"].fillna(cell["epochs_trained"]).to_numpy(float)


def difference(study: StudyResults, inside: np.ndarray, outside: np.ndarray) -> tuple[str, np.ndarray] | None:
    """Return what is compared, and by how many points the best cell of some m beats that of others, [seeds].

    `inside` and `outside` say which of study.sizes. Cells are chosen on validation rows, and compared on test rows.
    None if a side has no m, or there are no validation rows.
    """
    values = study.seed_values
    sides = [np.isin(values.effective_batch_size, np.array(study.sizes)[side]) for side in (inside, outside)]
    try:
        best, other = (choose(values, side) for side in sides)
    except Undecidable:
        return None
    what = f"m = {values.effective_batch_size[best]:,} less m = {values.effective_batch_size[other]:,}"
    return what, 100 * (values.test[best] - values.test[other])


def _same_rate(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies with one learning rate for all m, whose seeds all have curves."""
    same = [study for study in studies if study.tables.single_rate]
    same = [study for study in same if study.tables.summary["learning_rate_scaling"] == "none" and len(study.sizes) > 1]
    return [study for study in same if all(not study.curve(m, "train_loss").empty for m in study.sizes)]


def _early(study: StudyResults) -> int:
    return max(1, min(study.curve(m, "train_loss").index[-1] for m in study.sizes) // EARLY)


def _loss(study: StudyResults, m: int, epochs: float) -> np.ndarray:
    curve = study.curve(m, "train_loss")
    return curve[curve.index <= epochs].iloc[-1].to_numpy(float)
