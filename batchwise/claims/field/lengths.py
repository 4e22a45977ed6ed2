"""Questions T of memory: which m fits at which length of text, and what a smaller m and bfloat16 cost in quality."""

from dataclasses import replace
from typing import Any

import numpy as np

from batchwise.analysis import memory_by_length
from batchwise.analysis.memory_by_length import MemoryByLength
from batchwise.analysis.study_results import StudyResults, pairs, same_but
from batchwise.claims.comparison import LENGTHS, UPDATES, Comparison, Scale, over_seeds
from batchwise.claims.field.best_cells import compare_best, resolution
from batchwise.config.recipe import MIXED
from batchwise.data.lengths import TOKEN
from batchwise.statistics.fits import straight_line
from batchwise.statistics.intervals import Estimate

LEAST_LENGTHS = 3  # that an exponent takes
HALF = 2  # times as much memory without bfloat16, as it is said
MEMORY, RESULT = "the memory of a row", "the result"


def falls_with_length(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the exponent of the largest m that was seen to fit in the length of the text with −1."""
    return exponent_of_largest(studies, margin, TOKEN)


def exponent_of_largest(studies: list[StudyResults], margin: float, unit: str) -> list[Comparison]:
    """Compare the exponent of the largest m that was seen to fit in the length of a row, of a unit, with −1.

    Each length counts with the largest m that fitted and the smallest that did not, which was found to be near.
    """
    found = []
    for study, by_length in _with_lengths(studies, unit):
        rows = by_length.largest.dropna()
        if len(rows) < LEAST_LENGTHS:
            continue
        fits, ended = (rows[["length", name]].to_numpy(float) for name in ("fits", "out_of_memory"))
        tokens, m = np.log2(np.concatenate([fits, ended])).T
        slope = straight_line(tokens, m, relative=False).slope
        numbers = {
            "shortest": int(rows["length"].min()),
            "longest": int(rows["length"].max()),
            "gigabytes": by_length.limit / 1e9,
            "of": unit,
        }
        effect = Estimate(*(float(end + 1) for end in slope))
        measured: dict[str, Any] = {"effect": effect, "degrees": len(m) - 2, "n": len(rows), "sample": LENGTHS}
        found.append(Comparison(study.name, "largest_by_length", **measured, margin=margin, numbers=numbers))
    return found


def smaller_instead(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the best m that fits into the study's limit at its own length with the best of those that do not."""
    found = []
    for study, by_length in _with_lengths(studies):
        rows = by_length.largest
        rows = rows[rows["length"].eq(study.length)].dropna()
        for fits, ended in rows[["fits", "out_of_memory"]].itertuples(index=False):
            small, large = [m for m in study.sizes if m <= fits], [m for m in study.sizes if m >= ended]
            best = compare_best(study, small, large, margin, quantity="fits_instead")
            about = {"tokens": study.length, "gigabytes": by_length.limit / 1e9}
            found += [replace(one, numbers={**one.numbers, **about}) for one in best]
    return found


def half_precision(studies: list[StudyResults], margin: float) -> list[Comparison]:
    """Compare the memory of a row in float32 with twice that in mixed_bfloat16, and the results of both.

    `margin` is a factor. Results are of studies that are alike but for the type, over the m of both; worse is by the
    least margin of the metric.
    """
    saved = [one for study, by_length in _with_lengths(studies) for one in _saved(study, by_length, margin)]

    def belong(mixed: StudyResults, full: StudyResults) -> bool:
        types = (mixed.recipe["dtype"], full.recipe["dtype"])
        return types == (MIXED, "float32") and same_but(mixed, full, "dtype")

    return saved + [one for pair in pairs(studies, belong) for one in _result(*pair)]


def _with_lengths(studies: list[StudyResults], unit: str = TOKEN) -> list[tuple[StudyResults, MemoryByLength]]:
    found = [(study, memory_by_length.of_profile(study.profile)) for study in studies if study.profile is not None]
    return [(study, by_length) for study, by_length in found if by_length and by_length.unit == unit]


def _saved(study: StudyResults, by_length: MemoryByLength, margin: float) -> list[Comparison]:
    own, found = by_length.own, []
    for kind in by_length.others:
        ratio = by_length.memory_of_row(kind)
        alike = kind.accumulation == own.accumulation and (own.dtype, kind.dtype) == ("float32", MIXED)
        if alike and ratio and own.fit and kind.fit:
            value, low, high = ratio
            effect = Estimate(*(1 / (HALF * end) for end in (value, high, low)))
            degrees = min(kind.fit.degrees, own.fit.degrees)
            measured: dict[str, Any] = {"effect": effect, "degrees": degrees, "n": kind.fit.points, "sample": UPDATES}
            about: dict[str, Any] = {"group": MEMORY, "numbers": {"tokens": max(by_length.lengths), "times": 1 / value}}
            found.append(
                Comparison(study.name, "row_in_bfloat16", **measured, margin=margin, scale=Scale.RATIO, **about)
            )
    return found


def _result(mixed: StudyResults, full: StudyResults) -> list[Comparison]:
    shared = [m for m in mixed.results if m in full.results]
    if not shared:
        return []
    here, there = mixed.results[shared].align(full.results[shared], join="inner")
    gain = np.mean([mixed.metric.gain(here[m].to_numpy(float), there[m].to_numpy(float)) for m in shared], axis=0)
    numbers = {"other": full.name, "sizes": len(shared), "unit": mixed.metric.differences}
    measured = over_seeds(gain, resolution(mixed))
    margin = mixed.metric.least_margin
    return [Comparison(mixed.name, "result_in_bfloat16", **measured, margin=margin, group=RESULT, numbers=numbers)]
