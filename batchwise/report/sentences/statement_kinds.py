"""How each kind of statement of the paper is decided, in words: its criterion, as it was written before the results."""

from typing import NamedTuple

from batchwise.report.sentences.comparisons import OCTAVES_PER_DOUBLING, POINTS, POINTS_PER_DOUBLING


class KindWords(NamedTuple):
    """What is compared, and the unit of the effect."""

    criterion: str
    unit: str


KINDS = {
    "best_batch_size": KindWords(
        "Compare the best cell with m from low to high with the best of the other m, in test accuracy.",
        POINTS,
    ),
    "maintained": KindWords(
        "Compare, at each m from low to high, its best cell with the best of the m beyond these bounds. It must "
        "be less than 2 points behind. Every m is a comparison.",
        POINTS,
    ),
    "best_normalization": KindWords(
        "Compare, at each m, the best cell whose normalisation batch k is from low to high with the best of other"
        " k. Every m that has both is a comparison.",
        POINTS,
    ),
    "smaller_normalization": KindWords(
        "Compare, at each m from low to high, the best cell with a normalisation batch k < m with the best of k ="
        " m. Every m that has both is a comparison.",
        POINTS,
    ),
    "falls": KindWords(
        "Fit, for each seed, a line to test accuracy on log₂ m for m from low to high, each at its best η̃. The "
        "comparison is the fall with each doubling of m.",
        POINTS_PER_DOUBLING,
    ),
    "range_shrinks": KindWords(
        "Fit, for each seed, a line to the width of the range of η̃ that converges on log₂ m, for m from low to "
        "high. η̃ converges in a run that does not diverge and whose validation accuracy is within 5 points of "
        "the seed's best cell. The width is the number of such η̃ times the mean step of the grid in octaves. The"
        " comparison is the loss with each doubling of m.",
        OCTAVES_PER_DOUBLING,
    ),
    "better": KindWords(
        "Compare two studies, the second less the first, in test accuracy averaged over the m from low to high. "
        "Both are at their best η̃ for each m. An improvement on average is not one at every m.",
        POINTS,
    ),
    "gain_grows": KindWords(
        "Fit, for each seed, a line on log₂ m to the gain of the second study over the first, for m from low to "
        "high. Both are at their best η̃ for each m. The comparison is the growth of the gain with each doubling "
        "of m.",
        POINTS_PER_DOUBLING,
    ),
    "reachable": KindWords(
        "Compare the best cell with m up to high with the best larger m at its η̃, which must lose more than 2 "
        "points. With low, each m from low to high must lose less than 2 points there, and is one more "
        "comparison. Without high, the larger m is the largest of the grid.",
        POINTS,
    ),
}
