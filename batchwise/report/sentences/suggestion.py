"""The learning rates that are suggested for a study, in sentences."""

from collections.abc import Iterator

from batchwise.analysis import suggested_grid
from batchwise.analysis.rate_search import Range
from batchwise.analysis.suggested_grid import Suggestion
from batchwise.common.repository import command
from batchwise.config import grid, params_file
from batchwise.config.study import Study
from batchwise.report import metric_format
from batchwise.report.number_format import digits, number, rate, size
from batchwise.report.sentences.grammar import count, listed


def findings(name: str, study: Study, found: Suggestion) -> Iterator[str]:
    """Yield what the short runs were, and which rates train at each m."""
    sizes, by = listed(map(size, found.ranges)), f"{_rows(found)} {found.metric.title}"
    yield f"{name}: short runs of one seed at m = {sizes}, compared by {by}"
    if found.split != "validation":
        yield "  there are no validation rows, so that nothing says which rate is best on new ones"
    if found.refined:
        yield "  refined: runs up to 4 times as long, by factors of 2 beside the best"
    for m, one in found.ranges.items():
        yield f"  m = {size(m)}: {_range(one, found) if one else 'no rate trains'}{_length(found.shares[m])}"
    yield from _scaling(study, [one for one in found.ranges.values() if one])


def grid_line(found: Suggestion) -> str:
    """Return the line of params.yaml."""
    return f"base_learning_rates: {params_file.written(found.base_learning_rates)}"


def cost(study: Study, found: Suggestion, rows: int) -> str:
    """Return how many runs the study has with the grid."""
    runs = len(grid.runs(with_grid(study, found), rows))
    return (
        f"{count(len(found.exponents), 'learning rate')}, {_spaced(found)}, × "
        f"{count(len(study.grid.batch_sizes), 'batch size')} × {count(study.grid.seeds, 'seed')}: {count(runs, 'run')}"
    )


def with_grid(study: Study, found: Suggestion) -> Study:
    """Return the study with the rates that are suggested."""
    rates = {"base_learning_rates": found.base_learning_rates}
    return study.model_copy(update={"grid": study.grid.model_copy(update=rates)})


def next_steps(name: str, found: Suggestion, *, written: bool) -> Iterator[str]:
    """Yield what to type next."""
    again = command("suggest", name)
    if not written:
        yield f"to have it: put it under studies.{name}.grid in params.yaml, or type `{again} --write`"
    yield f"to train it: `dvc repro report@{name}`"
    if not found.refined:
        yield f"to refine it: `{again}` again trains longer runs, by factors of 2 beside the best"


def _rows(found: Suggestion) -> str:
    return found.split if found.split == "validation" else "training"


def _range(one: Range, found: Suggestion) -> str:
    value = metric_format.shown(found.metric, found.metric.sign * one.score)
    if one.low == one.high:
        return f"η̃ = {rate(2.0**one.best)} alone trains well ({value})"
    within = metric_format.margin(found.metric, found.metric.margin)
    ends, best = f"{rate(2.0**one.low)} to {rate(2.0**one.high)}", f"the best, {rate(2.0**one.best)} ({value})"
    return f"η̃ = {ends} train well, within {within} of {best}"


def _length(share: float) -> str:
    return f"; with {digits(100 * share)} % of the study's updates" if share < 1 else ""


def _spaced(found: Suggestion) -> str:
    return f"by factors of {2 ** (found.exponents[1] - found.exponents[0])}"


def _scaling(study: Study, ranges: list[Range]) -> Iterator[str]:
    other = suggested_grid.better_scaling(ranges, study.learning_rate_scaling)
    if other:
        power = suggested_grid.growth(ranges, study.learning_rate_scaling)
        yield (
            f"  learning_rate_scaling: {other} would need fewer rates: the best η goes like m to the power of "
            f"{number(power, 1)}, and with {study.learning_rate_scaling} each m needs its own η̃"
        )
