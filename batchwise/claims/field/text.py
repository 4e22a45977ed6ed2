"""Questions T on how texts are trained: batch sizes for sentiment, and small batches of language models.

The others of text are with their subjects: memory.py and growing.py.
"""

from dataclasses import replace

import numpy as np

from batchwise.analysis.study_results import StudyResults, pairs, same_but, whole_batches
from batchwise.claims.comparison import PROCESSES, Comparison, Scale, over_seeds
from batchwise.claims.field.best_cells import compare_best, resolution
from batchwise.claims.field.quality import factor_of_a_few
from batchwise.statistics.ratios import between_processes, ratio_of_times

FIXED, HALF_LIFE = "with a fixed β₂", "with β₂ by its half-life"
RESULT, TIME = "the result", "the time"
SMALLEST, LARGEST = "at the smallest batch size", "at the largest"
SLOWER = 1.1  # times as long makes a difference
OF_BETA_2 = ("beta_2", "second_moment_half_life")


def sentiment(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare all pairs among m = 16, 32 and 64 on test rows of labelled texts, each at its best rate, seed by seed."""
    labelled = [study for study in studies if is_text(study) and study.tables.summary["data"]["labels"] != "tokens"]
    return factor_of_a_few(labelled, margin)


def is_text(study: StudyResults) -> bool:
    """Return whether the rows of a study are texts, or sequences of other tokens."""
    data = study.tables.summary["data"]
    return "texts" in data or data.get("labels") == "tokens"


def smallest_and_half_life(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the best other m with the smallest, with Adam: with β₂ fixed, and with β₂ by its half-life.

    Of pairs of studies of texts that are alike but for β₂, over the m of both.
    """

    def belong(fixed: StudyResults, half_life: StudyResults) -> bool:
        one, other = (study.recipe["optimizer"] for study in (fixed, half_life))
        rest = [{name: value for name, value in options.items() if name not in OF_BETA_2} for options in (one, other)]
        halves = [options.get("second_moment_half_life") for options in (one, other)]
        of_adam = one["name"] == "adam" and rest[0] == rest[1] and halves[0] is None and halves[1] is not None
        return of_adam and same_but(fixed, half_life, "optimizer")

    found = {}
    for fixed, half_life in pairs(_whole_texts(studies), belong):
        sizes = sorted({*fixed.sizes} & {*half_life.sizes})
        for study, group in ((fixed, FIXED), (half_life, HALF_LIFE)):
            # One with a fixed β₂ may have several partners.
            found[study.name] = [replace(one, group=group) for one in compare_best(study, sizes[1:], sizes[:1], margin)]
    return [one for compared in found.values() for one in compared]


def parts_or_small(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare k parts of m/k rows, accumulated, with batches of m/k rows, which take as much memory.

    Of pairs of studies of texts that are alike but for the accumulation: the result on test rows, each at its best
    rate, seed by seed, and the time of as many rows, of which 1.1 times as long makes a difference.
    """

    def belong(parts: StudyResults, whole: StudyResults) -> bool:
        same = is_text(parts) and same_but(parts, whole, "accumulation")
        return same and parts.recipe["accumulation"] > 1 == whole.recipe["accumulation"]

    found = []
    for parts, whole in pairs(studies, belong):
        k = parts.recipe["accumulation"]
        for m in [m for m in parts.sizes if m % k == 0 and m // k in whole.sizes]:
            found += _result_of_parts(parts, whole, m, margin) + _time_of_parts(parts, whole, m)
    return found


def _result_of_parts(parts: StudyResults, whole: StudyResults, m: int, margin: float) -> list[Comparison]:
    small = m // parts.recipe["accumulation"]
    about = {"m": m, "parts": parts.recipe["accumulation"], "small": small}
    return _ahead(parts, m, whole, small, "parts_ahead", margin, RESULT, about)


def _time_of_parts(parts: StudyResults, whole: StudyResults, m: int) -> list[Comparison]:
    """Return how many times as long a row takes in small batches as in parts of a batch."""
    k = parts.recipe["accumulation"]
    accumulated, small = parts.seconds(m) / m, whole.seconds(m // k) / (m // k)
    if not len(accumulated) or not len(small):
        return []
    logs = np.log(small), np.log(accumulated)
    spread = between_processes(logs)
    numbers = {"m": m, "parts": k, "small": m // k}
    return [
        Comparison(
            *(parts.name, "time_of_parts", ratio_of_times(*logs, spread), spread.degrees),
            *(min(map(len, logs)), PROCESSES),
            margin=SLOWER,
            scale=Scale.RATIO,
            group=TIME,
            numbers=numbers,
        )
    ]


def plain_sgd(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare SGD without momentum, at its smallest and its largest m, with Adam at its best m, on test rows.

    Of studies of texts that are alike but for the optimiser; of several with Adam the one that is best on validation
    rows. SGD trains where it is behind by no more than the margin.
    """
    found = []
    for sgd in _whole_texts(studies):
        options = sgd.recipe["optimizer"]
        if options["name"] != "sgd" or options.get("momentum") or options.get("momentum_half_life"):
            continue
        partners = [other for one, other in pairs(studies, _adam_for) if one is sgd]
        best = {study.name: (study, m) for study in partners if (m := study.best_of(study.sizes)) is not None}
        if best and len(sgd.sizes) > 1:
            adam, of_adam = max(best.values(), key=lambda pair: _validated(*pair))
            for m, group in ((sgd.sizes[0], SMALLEST), (sgd.sizes[-1], LARGEST)):
                found += _ahead(sgd, m, adam, of_adam, "sgd_ahead", margin, group, {"m": m, "best": of_adam})
    return found


def _adam_for(sgd: StudyResults, adam: StudyResults) -> bool:
    names = sgd.recipe["optimizer"]["name"], adam.recipe["optimizer"]["name"]
    return names == ("sgd", "adam") and same_but(sgd, adam, "optimizer")


def _validated(study: StudyResults, m: int) -> float:
    """Return how good the chosen cell of an m is on validation rows: more is better."""
    rows = study.tables.batch_sizes.drop_duplicates("effective_batch_size").set_index("effective_batch_size")
    return study.metric.sign * float(rows.loc[m, study.metric.column("validation", "mean")])


def _whole_texts(studies: list[StudyResults]) -> list[StudyResults]:
    return [study for study in whole_batches(studies) if is_text(study)]


def _ahead(
    study: StudyResults,
    m: int,
    other: StudyResults,
    of_other: int,
    quantity: str,
    margin: float,
    group: str,
    numbers: dict[str, int],
) -> list[Comparison]:
    """Return how far a study at an m is ahead of another study at an m of its own, on test rows, seed by seed."""
    if m not in study.results or of_other not in other.results:
        return []
    metric = study.metric
    both = study.results[[m]].join(other.results[[of_other]].set_axis(["other"], axis=1), how="inner")
    gain = metric.gain(both[m].to_numpy(float), both["other"].to_numpy(float))
    measured = over_seeds(gain, resolution(study))
    about = {**numbers, "other": other.name, "unit": metric.differences}
    margin *= metric.least_margin
    return [Comparison(study.name, quantity, **measured, margin=margin, group=group, numbers=about)]
