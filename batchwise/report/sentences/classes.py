"""How many rows each class has, and what that means: of unequal classes a share of all rows says little."""

from collections.abc import Sequence
from typing import Any

from batchwise.analysis.study_tables import Tables
from batchwise.common.messages import cut
from batchwise.report import metric_format
from batchwise.report.number_format import number
from batchwise.report.sentences.grammar import count, listed
from batchwise.statistics.intervals import proportion_error

UNEQUAL = 1.5  # times the rows of the smallest class that the largest has
ENOUGH = 20  # test rows of a class; own criterion: of fewer a share moves by 5 points with each
FEW = 5  # as many classes as a sentence names one by one
LONGEST = 40  # characters of a name


def names(data: dict[str, Any]) -> list[str]:
    """Return the names of the classes or flags of a manifest, long ones cut; none of tokens."""
    return [] if data["labels"] == "tokens" else [cut(name, LONGEST) for name in data["class_names"]]


def has_unequal(tables: Tables) -> bool:
    """Return whether one class, or flag, has many more rows than another."""
    return _unequal_part(tables) is not None


def unequal(tables: Tables) -> list[str]:
    """Return the sizes of unequal classes with what the best constant answer reaches, and a warning of small ones."""
    metric, part = tables.metric, _unequal_part(tables)
    kind = tables.summary["data"]["labels"]
    flags = kind == "flags"
    found = []
    if part:
        where = "training" if part == "train" else part
        rows = count(tables.summary["data"]["rows"][part], f"{where} row")
        if kind == "boxes":
            rows = f"{count(sum(tables.summary['data']['class_counts'][part]), 'object')} in {rows}"
        found.append(
            f"{'Labels' if flags else 'Classes'} are unequal: of {rows} {_sizes(_named(tables, part), flags=flags)}. "
            f"The best constant answer has {metric.title} {metric_format.shown(metric, metric.baseline)}."
        )
    seeds = tables.seeds if tables.folds else 1  # with test rows of their own
    what = "objects" if kind == "boxes" else "rows"
    few = too_few([(name, rows * seeds) for name, rows in _named(tables, "test")], flags=flags, what=what)
    return [*found, *(f"{warning}." for warning in few)]


def too_few(named: Sequence[tuple[str, int]], *, flags: bool, what: str = "rows") -> list[str]:
    """Return a warning of classes, or labels, with few test rows, if there are any; `named` are each with its rows.

    `what` they are: rows, or objects.
    """
    small = [(name, rows) for name, rows in named if rows < ENOUGH]
    of_many = f"{len(small)} {'labels' if flags else 'classes'} have fewer than {ENOUGH}"
    told, each = _sizes(small, flags=flags) if len(small) <= FEW else of_many, "label" if flags else "class"
    return [f"Too few test {what} to judge by: {told}; at least {ENOUGH} of a {each} are needed"] if small else []


def rows_alone(rows: int) -> str:
    """Return the standard error that so many test rows give a share of them, at most, in points: that of a half."""
    return number(100 * proportion_error(0.5, rows) if rows else None, 1)


def _unequal_part(tables: Tables) -> str | None:
    """Return the part of the data in which classes are unequal: test, if not train; None if they are in neither."""
    counts = {part: tables.summary["data"]["class_counts"][part] for part in ("test", "train")}
    return next((part for part, rows in counts.items() if rows and max(rows) > UNEQUAL * min(rows)), None)


def _named(tables: Tables, part: str) -> list[tuple[str, int]]:
    """Return each class and its rows; names may be alike once they are cut."""
    data = tables.summary["data"]
    return [*zip(names(data), data["class_counts"][part], strict=True)]


def _sizes(named: Sequence[tuple[str, int]], *, flags: bool) -> str:
    """Return how many rows are of each class, or have each flag; of many, the largest and the smallest."""
    ordered = sorted(named, key=lambda pair: -pair[1])
    shown = ordered if len(ordered) <= FEW else [ordered[0], ordered[-1]]
    one, several = ("has", "have") if flags else ("is", "are")
    what, each = ("labels", "label") if flags else ("classes", "class")
    # of a class called 1: 3 are class 1
    called = ((f"{each} {name}" if name[:1].isdigit() else name, rows) for name, rows in shown)
    text = listed(f"{rows:,} {one if rows == 1 else several} {name}" for name, rows in called)
    return text if len(shown) == len(ordered) else f"{text}, the largest and the smallest of {len(ordered)} {what}"
