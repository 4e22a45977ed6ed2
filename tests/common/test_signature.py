"""A plug-in's options are read off its signature; one that is written wrongly is a sentence with its line."""

import re

import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config import params

GOOD = "def build(input_shape, outputs, *, units: PositiveInt, rate: float = 0.5): ..."


def model(options: str) -> str:
    return f'"""A model."""\n\n\ndef build(input_shape, outputs, *, {options}):\n    ...\n'


FORM = "`def build(input_shape, outputs, *, option: type, ...)`"
# {what is wrong: (source, line, words)}
WRONG = {
    "syntax": ("import keras\n\ndef build(:\n    pass", 3, "this is not Python: invalid syntax"),
    "indentation": (f"{GOOD}\n  x = 1", 2, "this is not Python: unexpected indent"),
    "text without an end": (f'{GOOD}\n"""', 2, "this is not Python: unterminated triple-quoted string"),
    "another encoding": (f"{GOOD}\n# é".encode("latin-1"), 2, "this is not UTF-8 text"),
    "another encoding, named": (f"# coding: latin-1\n{GOOD} # é".encode("latin-1"), 2, "this is not UTF-8 text"),
    "utf-16": (GOOD.encode("utf-16"), 1, "this is not UTF-8 text"),
    "a zero byte": (f"{GOOD}\n\0", None, "this is not Python"),
    "brackets without end": ("(" * 10_000, 1, "this is not Python"),
    "signs without end": (f"x = {'-' * 100_000}1", None, "this is not Python"),
    "nothing": ("", None, f"has no function build; write {FORM}"),
    "another function": ("def make(input_shape, outputs): ...", None, f"has no function build; write {FORM}"),
    "a method": ("class A:\n    def build(self): ...", None, "has no function build"),
    "no function": ("build = 3", None, "has no function build"),
    "async": (f"import keras\nasync {GOOD}", 2, f"build is async; write {FORM}"),
    "positional options": ("def build(input_shape, outputs, units): ...", 1, f"outputs, units) must be {FORM}"),
    "no arguments": ("def build(): ...", 1, f"build() must be {FORM}"),
    "*args": ("def build(input_shape, outputs, *units): ...", 1, f"*units) must be {FORM}"),
    "**kwargs": ("def build(input_shape, outputs, **units): ...", 1, f"**units) must be {FORM}"),
    "no type": (model("units"), 4, "option units has type nothing; allowed: int, float, bool, str, PositiveInt"),
    "another type": (model("units: dict"), 4, "option units has type dict; allowed: int,"),
    "a type in text": (model("units: 'PositiveInt'"), 4, "option units has type 'PositiveInt'; allowed"),
    "one type of two": (model("units: int | None"), 4, "option units has type int | None; allowed"),
    "a literal of code": (model("units: Literal[A]"), 4, "option units has type Literal[A]; allowed"),
    "a literal of a list": (model("units: Literal[[1]]"), 4, "option units has type Literal[[1]]; allowed"),
    "a literal of nothing": (model("units: Literal[()]"), 4, "option units has type Literal[()]; allowed"),
    "a default of code": (model("units: int = 2 * N"), 4, "the default of units is 2 * N; write a value as in"),
    "a default of a call": (model("units: int = f()"), 4, "the default of units is f(); write a value as in"),
    "a default of another type": (
        model("units: int = 'a'"),
        4,
        "the default of units is 'a'; it must be a whole",
    ),
    "a default beyond the bounds": (
        model("units: PositiveInt = 0"),
        4,
        "units is 0; it must be more than 0",
    ),
    "a default of nothing": (model("units: list[int] = None"), 4, "the default of units is None; it must be a list"),
    "a default in a list": (
        model("units: list[int] = [1, True]"),
        4,
        "units[1] is True; it must be a whole",
    ),
    "a default of no choice": (
        model("units: Literal['a', 'b'] = 'c'"),
        4,
        "the default of units is 'c'; it must be 'a' or 'b'",
    ),
    "an option that is the name": (model("name: str"), None, "an option cannot be `name`"),
}


def check_with(folder, source: str | bytes, monkeypatch, **options: object) -> str:
    """Return what is said of parameters with a model of this source."""
    monkeypatch.setattr(plugins, "_folder", lambda kind: folder)
    (folder / "mine.py").write_bytes(source.encode() if isinstance(source, str) else source)
    (folder / "digits.py").write_text("def prepare(*, seed: Seed = 0): ...", encoding="utf-8")
    study = {
        "data_set": "digits",
        "model": {"name": "mine", **options},
        "optimizer": {"name": "sgd"},
        "budget": {"epochs": 5},
        "learning_rate_scaling": "linear",
        "grid": {"batch_sizes": [2], "base_learning_rates": [0.1], "seeds": 3},
    }
    try:
        params.check({"data_sets": {"digits": {}}, "studies": {"a": study}})
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("source", "line", "words"), WRONG.values(), ids=WRONG)
def test_a_plugin_written_wrongly_is_a_sentence_with_its_line(tmp_path, monkeypatch, source, line, words) -> None:
    said = check_with(tmp_path, source, monkeypatch)
    where = f", line {line}" if line else ""
    assert re.match(rf"params.yaml: studies.a.model: batchwise/models/mine.py{where}\b", said), said
    assert words in said
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (GOOD, {"units": 3}),
        (f"\ufeff{GOOD}", {"units": 3, "rate": 1}),
        (f"def build(): ...\n{GOOD}", {"units": 1_000_000}),  # the last one counts
        (f"@cache\n{GOOD}", {"units": 3}),
        ("def build(shape, classes, /, *, depth: Literal[1, 2] = 1): ...", {"depth": 2}),
        (model("schema: str, copy: bool, model_config: int, _private: int, json: list[float]"), None),
    ],
    ids=["plain", "with a byte-order mark", "twice", "decorated", "by position", "names that pydantic has"],
)
@pytest.mark.filterwarnings("error")
def test_a_plugin_written_rightly(tmp_path, monkeypatch, source, options) -> None:
    named = {"schema": "a", "copy": True, "model_config": 1, "_private": 2, "json": [0.5]}
    assert check_with(tmp_path, source, monkeypatch, **(named if options is None else options)) == ""


LIMITS = {
    "int": ([-1_000_000, 0, 1_000_000], [1_000_001, 10**12, 1.0, "1", True, None]),
    "float": ([0, -0.5, 1e30, 1e-30], [1e300, -1e300, 1e-300, float("nan"), float("inf"), "1", True]),
    "bool": ([True, False], [0, "yes", None]),
    "str": (["", "a b", "é"], ["x" * 1001, 3, None]),
    "PositiveInt": ([1, 1_000_000], [0, -1, 1_000_001, 60_000_000, 10**12]),
    "NonNegativeInt": ([0, 1_000_000], [-1, 1_000_001]),
    "PositiveFloat": ([1e-30, 1], [0, -1.0, 1e-300, 1e300]),
    "NonNegativeFloat": ([0, 1e-30, 1], [-1.0, 1e-300, 1e300]),
    "Seed": ([0, 2**32 - 1], [-1, 2**32, 0.5]),
    "list[int]": ([[], [-1, 2]], [[10**12], [0.5], 3, "12", [0] * 1001]),
    "list[float]": ([[], [-0.5, 2]], [[1e300], ["1"], 3, [0.0] * 1001]),
    "list[PositiveInt]": ([[], [1, 1_000_000]], [[10**12], [0], [None], [1] * 1001]),
    "list[str]": ([[], ["a", ""]], [["a", 1], [None], "a", ["x" * 1001], ["a"] * 1001]),
    "Columns": (["a", ["a", "b"]], [[], 3, None, ["a", 3], {"a": 1}, "x" * 1001, ["a"] * 1001]),
    "SplitRule": (
        [{}, {"groups": "a"}, {"order": "a"}, {"column": "a"}],
        [{"group": "a"}, {"groups": 3}, {"groups": "a", "order": "b"}, "groups", None, [], {1: "a"}, {"order": None}],
    ),
    "Literal['a', 1, 2]": (["a", 2], ["b", "2", 2.0, True, None, [2]]),
}


@pytest.mark.parametrize("annotation", LIMITS)
def test_each_type_has_its_limits(tmp_path, monkeypatch, annotation) -> None:
    right, wrong = LIMITS[annotation]
    for value in right:
        assert check_with(tmp_path, model(f"value: {annotation}"), monkeypatch, value=value) == "", value
    for value in wrong:
        said = check_with(tmp_path, model(f"value: {annotation}"), monkeypatch, value=value)
        assert re.match(r"params.yaml: (a key of )?studies.a.model.value", said), (value, said)
        assert "\n" not in said
        assert len(said) < 400


def test_every_type_is_tried() -> None:
    assert {*plugins.option_types(1), "Literal['a', 1, 2]"} == set(LIMITS)


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "read_bytes", refused)
    said = check_with(tmp_path, GOOD, monkeypatch)
    assert "studies.a.model: batchwise/models/mine.py cannot be read: Permission denied" in said


def test_what_is_no_file_is_no_plugin(tmp_path, monkeypatch) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "file.py").touch()
    (tmp_path / "_shared.py").touch()
    monkeypatch.setattr(plugins, "_folder", lambda kind: tmp_path)
    assert plugins.names("models") == ["file"]
