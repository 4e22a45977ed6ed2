"""What a comparison of a claim or a statement compares, in words: one entry for each quantity."""

from typing import Any, NamedTuple

from batchwise.claims.comparison import Comparison
from batchwise.claims.paper.judging import LeftOut
from batchwise.report.number_format import MISSING, known


class Words(NamedTuple):
    """What is compared, and the unit of the effect; in {} stand the numbers of the comparison."""

    what: str
    unit: str


AS_FAST, EPOCHS, MEMORY, AS_SHARP = (
    "times as fast",
    "times the epochs",
    "times the memory",
    "times as sharp",
)
OCTAVES, EXPONENT = "octaves", "in the exponent"
OF_METRIC = "{unit}"  # of its differences; "ahead of" is better by, whether higher or lower values are better
POINTS, POINTS_PER_DOUBLING, OCTAVES_PER_DOUBLING = "points", "points per doubling of m", "octaves per doubling of m"

FIELD = {
    "rows_of_an_update": Words("updates that do not receive m rows (m = {m:,}: {shape})", "batch sizes"),
    "updates_of_an_epoch": Words(
        "counts other than ceil(N/m) (N = {rows:,}, m = {m:,}: {updates:,.0f} updates)", "batch sizes"
    ),
    "runs_beyond_all_rows": Words("runs with m = {m:,} that differ from those with m = N = {rows:,}", "runs"),
    "time_of_an_epoch": Words(
        "an epoch at m = {large:,} ({milliseconds_large:.3g} ms) against m = {small:,} ({milliseconds_small:.3g} ms)",
        AS_FAST,
    ),
    "time_of_two_updates": Words("an update at m = {large} against two at m = {small}", AS_FAST),
    "time_of_a_row": Words("a row at m = {large} against m = {small}", AS_FAST),
    "time_by_type": Words("an update in {small} against {large}, m = {m:,}", AS_FAST),
    "speed_side_by_side": Words("a process among {processes} side by side, m = {m}", "times its speed alone"),
    "best_after_seconds": Words(
        "after {seconds:.3g} s: m = {by_seconds:,}, best then, ahead of m = {by_epochs:,}, best after {epochs} epochs",
        OF_METRIC,
    ),
    "same_after_seconds": Words(
        "m = {by_seconds:,} is best after {seconds:.3g} s and after {epochs} epochs", OF_METRIC
    ),
    "memory_growth": Words(
        "a process at m = {m:,} against m = 1 ({row:.3g} KiB a row; a line in m has R² = {r_squared:.4f})", MEMORY
    ),
    "smaller_instead": Words(
        "m = {best:,}, the best smaller one, ahead of m = {other:,} (memory ended at m = {ended:,}, m = {fits:,} fits)",
        OF_METRIC,
    ),
    "largest_by_length": Words(
        "largest m that fits {gigabytes:.3g} GB, {shortest:,} to {longest:,} {of}s a row: its exponent in them, less "
        "−1",
        EXPONENT,
    ),
    "fits_instead": Words(
        "m = {best:,}, the best that fits {gigabytes:.3g} GB at T = {tokens:,}, ahead of m = {other:,}, the best that "
        "does not",
        OF_METRIC,
    ),
    "row_in_bfloat16": Words(
        "a row of {tokens:,} tokens in float32 ({times:.3g} times one in bfloat16) against two in bfloat16",
        "times the memory of two rows in bfloat16",
    ),
    "result_in_bfloat16": Words("mixed_bfloat16 ahead of {other} in float32, over {sizes} m", OF_METRIC),
    "loss_of_parts": Words("training loss of {parts} parts less that of whole batches, of the latter", "%"),
    "loss_after_epochs": Words(
        "training loss of m = {large:,} less that of m = {small:,}, after {epochs} epochs ({loss_large:.3g} and "
        "{loss_small:.3g})",
        OF_METRIC,
    ),
    "loss_after_updates": Words(
        "training loss of m = {large:,} less that of m = {small:,}, after {updates:,} updates each ({before:+.3g} "
        "after {epochs} epochs each)",
        OF_METRIC,
    ),
    "rows_right": Words("m = {m:,} less m = 1 ({correct:.1f} and {correct_of_one:.1f} of {rows})", "test rows"),
    "best_of": Words("m = {best:,} ahead of m = {other:,}", OF_METRIC),
    "pair": Words("m = {best:,} ahead of m = {other:,}", OF_METRIC),
    "pair_after_updates": Words("m = {best:,} ahead of m = {other:,}, after {updates:,} updates each", OF_METRIC),
    "group_ahead": Words("group normalisation ahead of batch normalisation ({other}) at m = {small:,}", OF_METRIC),
    "group_ahead_of_largest": Words(
        "what group normalisation is ahead of batch normalisation ({other}) at m = {small:,}, less that at m = "
        "{large:,}",
        OF_METRIC,
    ),
    "warm_up_ahead": Words("a warm-up over {share:g} % of the updates ahead of none ({other}) at m = {m:,}", OF_METRIC),
    "parts_ahead": Words("m = {m:,} in {parts} parts ahead of m = {small:,} in {other}", OF_METRIC),
    "time_of_parts": Words("a row of m = {m:,} in {parts} parts against one of m = {small:,}", AS_FAST),
    "sgd_ahead": Words("SGD at m = {m:,} ahead of Adam at m = {best:,}, its best, in {other}", OF_METRIC),
    "epochs_to_target": Words(
        "epochs to {target:,.10g}{target_unit}, m = {large:,.0f} ({epochs_large:.0f}) against m = {small:,.0f} "
        "({epochs_small:.0f})",
        EPOCHS,
    ),
    "sharpness_0_001": Words("φ (ε = 10⁻³), m = {large:,} against m = {small:,}", AS_SHARP),
    "sharpness_0_0005": Words("φ (ε = 5·10⁻⁴), m = {large:,} against m = {small:,}", AS_SHARP),
    "hessian_largest": Words("λ_max, m = {large:,} against m = {small:,}", AS_SHARP),
    "smallest_less_largest": Words("test {metric}, m = {small:,} ahead of m = {large:,}", OF_METRIC),
    "normalised_in_parts": Words("m/{parts} rows normalised together ahead of m, at the same m and η̃", OF_METRIC),
    "normalised_alike": Words("m = {m:,} ahead of m = {rows:,}, both normalised by {rows:,} rows", OF_METRIC),
    "range_lost": Words("range of η̃ that trains, m = {smallest:,} against m = {largest:,}", OCTAVES),
    "fall_of_largest_rate": Words("largest η̃ that trains, m = {smallest:,} against m = {largest:,}", OCTAVES),
    "range_of_optimiser": Words("range with {optimizer} less that in {other}, over {sizes} m", OCTAVES),
    "mean_per_example": Words("mean update of a row: its exponent in η̃, less 1", EXPONENT),
    "covariance_trace": Words("trace of the covariance of an update: its exponent in η̃²·m, less 1", EXPONENT),
    "distance_of_steps": Words("distance of {parts} updates from one of as many rows", "of the step"),
    "growth_of_critical_batch": Words(
        "critical batch size after {last:g} % of the epochs ({at_last:,.0f}) against that after {first:g} % "
        "({at_first:,.0f})",
        OCTAVES,
    ),
    "growing_instead": Words(
        "m from {m:,} to {last:,} within a run ({growing:,} updates) ahead of m = {m:,} ({staying:,} updates)",
        OF_METRIC,
    ),
    "best_rate_exponent": Words(
        "best η with {optimizer}, m = {smallest:,} to {largest:,}: its exponent in m, less {rule:g}", EXPONENT
    ),
}
PAPER = {
    "best_against": Words("m = {best:,} against {other:,}", POINTS),
    "best_short_of": Words("m = {best:,} against {other:,}, short of {margin} points", POINTS),
    "best_normalization_against": Words("m = {m:,}, k = {best:,} against {other:,}", POINTS),
    "fall": Words("the fall over m from {smallest:,} to {largest:,}", POINTS_PER_DOUBLING),
    "lost_range": Words("the range lost over m from {smallest:,} to {largest:,}", OCTAVES_PER_DOUBLING),
    "mean_gain": Words("the mean gain over m from {smallest:,} to {largest:,}", POINTS),
    "growth_of_gain": Words("the growth of the gain over m from {smallest:,} to {largest:,}", POINTS_PER_DOUBLING),
    "loss_beyond": Words(
        "at the η̃ that is best for m = {best:,}, the loss of m = {other:,}, beyond {margin} points", POINTS
    ),
    "loss_short_of": Words(
        "at the η̃ that is best for m = {best:,}, the loss of m = {other:,}, short of {margin} points", POINTS
    ),
}
WORDS = FIELD | PAPER
REASONS = {
    "different_metrics": "the studies have different metrics",
    "different_rows": "the studies have different rows",
    "different_statistics": "the studies take the result of a run in different ways",
    "no_complete_cell": "no cell has the validation {metric} of every seed",
    "no_size_above": "the grid has no m above {high:,}",
    "no_size_inside": "the grid has no m inside the bounds",
    "no_size_outside": "the grid has no m outside the bounds",
    "no_size_up_to": "the grid has no m up to {high:,}",
    "no_such_study": "not in this folder",
    "no_two_normalization_batches": "no m has normalisation batches of both kinds",
    "too_few_rates": "a range takes three η̃; the grid has {rates}",
    "too_few_sizes": "{sizes} m within the bounds, of {least} that it takes",
}  # for which nothing could be compared


def what(one: Comparison) -> str:
    """Return what is compared: `m = 16 less m = 256`."""
    return WORDS[one.quantity].what.format_map({name: _shown(value) for name, value in one.numbers.items()})


def reason(one: LeftOut) -> str:
    """Return why something could not be compared: `the grid has no m above 16`."""
    return REASONS[one.reason].format_map(one.numbers)


def unit(one: Comparison) -> str:
    """Return the unit of the effect."""
    return WORDS[one.quantity].unit.format_map(one.numbers)


class _Missing:
    """A number that is not known, in any format."""

    def __format__(self, _: str) -> str:
        return MISSING


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return value if known(value) else _Missing()
