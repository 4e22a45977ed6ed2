"""What the fields of a task and of its metrics must be: a sentence for one that is something else."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from batchwise.common.errors import UserError
from batchwise.common.messages import shown

ENDINGS = ("final", "mean", "low", "high")  # of columns beside that of a metric
Rule = tuple[Callable[[Any], bool], str]  # whether a value is allowed, and what is


def check(what: str, fields: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Raise UserError for the first field that its rule does not allow. `what` has them: `the metric rmse`."""
    for name, (allows, expected) in rules.items():
        if not allows(fields[name]):
            raise UserError(f"{what}: {name} is {shown(fields[name])}; {expected} is expected")


def check_columns(names: list[str], counted: list[str]) -> None:
    """Raise UserError if tables would have a column twice, of names of metrics and of the rows that they count."""
    words = [*names, *counted]
    made = {f"{word}_{ending}" for word in words for ending in ENDINGS}
    for word in words:
        if words.count(word) > 1 or word in made:
            others = "rows, or metrics," if word in counted else "metrics"
            raise UserError(f"metrics would have two columns named {shown(f'test_{word}')}; call {others} otherwise")


def one_of(*values: str) -> Rule:
    """Return the rule of texts of which a field is one."""
    return lambda value: type(value) is str and value in values, f"one of {', '.join(values)}"


def instance_of(kind: type) -> Rule:
    """Return the rule of a field that is an instance of a class."""
    return lambda value: isinstance(value, kind), f"a {kind.__name__}"


def tuple_of(kind: type) -> Rule:
    """Return the rule of a field that is a tuple of instances of a class."""
    allows = instance_of(kind)[0]
    return lambda value: type(value) is tuple and all(map(allows, value)), f"a tuple of {kind.__name__}"


def or_none(rule: Rule) -> Rule:
    """Return the rule of a field that may be None too."""
    allows, expected = rule
    return lambda value: value is None or allows(value), f"{expected}, or None,"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and type(value) is not bool


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _are_margins(value: Any) -> bool:
    return type(value) is tuple and len(value) == 3 and all(map(_is_number, value)) and _ascends((0, *value))


def _ascends(values: tuple[float, ...]) -> bool:
    return all(one < other for one, other in pairwise(values))


FUNCTION: Rule = callable, "a function"
FLAG: Rule = lambda value: type(value) is bool, "True or False"
NUMBER: Rule = _is_number, "a number"
TEXT: Rule = _is_text, "a text in one line"
CLASSES: Rule = lambda value: _is_whole(value) and value >= 2, "a whole number from 2 up"
# Of a metric: a name has a rule of its own, since metrics must differ in it.
METRIC: dict[str, Rule] = {
    **dict.fromkeys(("description", "title", "unit", "difference_unit"), TEXT),
    **dict.fromkeys(("higher_is_better", "by_class", "if_named"), FLAG),
    "baseline": (callable, "a function of the training labels"),
    **dict.fromkeys(("values", "levels", "reduce", "predictions", "score", "without_each"), or_none(FUNCTION)),
    "scale": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "decimals": (lambda value: _is_whole(value) and 0 <= value <= 9, "a whole number from 0 to 9"),
    "margins": or_none((_are_margins, "a tuple of three numbers above 0, ascending")),
    "learned": or_none((lambda value: _is_number(value) and value >= 0, "a number from 0 up")),
    **dict.fromkeys(("lowest", "highest"), or_none(NUMBER)),
    "counted": or_none(
        (lambda value: type(value) is tuple and len(value) == 2 and all(map(_is_text, value)), "a tuple of two texts")
    ),
}
