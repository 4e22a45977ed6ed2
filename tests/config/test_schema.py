"""params.schema.json: what editors are told of params.yaml is true, whole, and as strict as JSON Schema can be."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.config import schema, yaml_file
from batchwise.config.params import Params
from tests.config.test_params import BAD, GOOD, STUDY, changed
from tests.project import Project

SCHEMA = schema.of_params()
VALIDATOR = Draft202012Validator(SCHEMA)
FOLDERS = (".", "gallery/detection", "gallery/text", "paper", "paper/imagenet", "paper/small")
# Those of draft 7, but for $defs, and what pydantic adds for OpenAPI.
KEYWORDS = {
    *("$defs", "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "const", "default", "description"),
    *("discriminator", "else", "enum", "exclusiveMaximum", "exclusiveMinimum", "if", "items", "maxItems", "maxLength"),
    *("maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "oneOf", "pattern"),
    *("properties", "propertyNames", "required", "then", "type", "uniqueItems"),
}
# What `check` says of a key, of a type, of a bound and of a name: JSON Schema can say that too.
SAYABLE = re.compile(
    r"not a known (key|model|task)|is missing|the name|more than once|be (a list|a mapping|a number|text|true or)|"
    r"item\(s\)|at most \d+(\.\d+)?(e\+\d+)?$|at least -?\d|more than \d|less than \d|whole number|either"
)


def parts(of: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and all within it, each with its name where it is that of a key."""
    yield name, of
    for keyword in ("properties", "$defs"):
        for key, part in of.get(keyword, {}).items():
            yield from parts(part, key if keyword == "properties" else "")
    for keyword in ("additionalProperties", "items", "propertyNames", "if", "then", "else"):
        if isinstance(part := of.get(keyword), dict):
            yield from parts(part)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in of.get(keyword, ()):
            yield from parts(part)


def test_it_is_json_schema_of_two_drafts() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(SCHEMA)
    assert {keyword for _, part in parts(SCHEMA) for keyword in part} <= KEYWORDS
    for _, part in parts(SCHEMA):
        assert part.get("$ref", "#/$defs/").removeprefix("#/$defs/") in {*SCHEMA["$defs"], ""}


def test_every_key_says_what_it_means() -> None:
    """In a phrase of a line or two: of each section, each optimiser, and each option of a plug-in."""
    described = 0
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, part in section.get("properties", {}).items():
            if part:  # else it is a name, of which is said where it is chosen
                assert re.fullmatch(r"[^\n]{4,220}[^.\n]", part["description"]), key
                described += 1
    assert described > 150


def test_every_mapping_knows_its_keys() -> None:
    """But for one with the name of a plug-in, whose keys that plug-in decides: there is an `if` for each."""
    for name, part in parts(SCHEMA):
        if part.get("type") == "object" and "const" not in part.get("properties", {}).get("name", {}):
            assert "additionalProperties" in part or "allOf" in part, name
        if "allOf" in part:
            names = part["properties"]["name"]["enum"]
            assert [each["if"]["properties"]["name"]["const"] for each in part["allOf"]] == names


@pytest.mark.parametrize("folder", FOLDERS)
def test_params_yaml_names_it_and_is_valid(folder) -> None:
    path = ROOT / folder / "params.yaml"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]
    assert (path.parent / target).resolve() == schema.FILE
    VALIDATOR.validate(json.loads(json.dumps(yaml_file.read(path))))  # in which keys are text, as in an editor


@pytest.mark.parametrize(("path", "value", "words"), [(path, value, words) for path, value, *words in BAD])
def test_what_check_refuses_is_marked(path, value, words) -> None:
    """Unless two values do not fit together, it is a question of how a number is written, or of float32."""
    numbers = value if isinstance(value, list) else [value]
    whole = any(isinstance(number, float) and (math.isnan(number) or number.is_integer()) for number in numbers)
    if any(SAYABLE.search(word) and "unless" not in word for word in words) and not whole:
        assert not VALIDATOR.is_valid(changed(path, value))


def test_most_of_what_check_refuses_can_be_said() -> None:
    marked = sum(not VALIDATOR.is_valid(changed(path, value)) for path, value, *_ in BAD)
    assert marked > 0.75 * len(BAD)


@pytest.mark.parametrize(
    ("path", "value", "right"),
    [
        ("data_sets.wine", {"name": "csv", "file": "wine", "target": "quality", "task": "regression"}, True),
        ("data_sets.wine", {"name": "csv", "file": "wine", "target": ["a", "b"], "task": "regression"}, True),
        ("data_sets.wine", {"name": "csv", "file": "wine", "target": [], "task": "regression"}, False),
        ("data_sets.wine", {"name": "csv", "file": 3, "target": "quality", "task": "regression"}, False),
        ("data_sets.wine", {"name": "csv", "file": "wine", "target": "quality"}, False),
        ("data_sets.wine", {"file": "wine", "target": "quality", "task": "regression"}, False),  # without a name
        ("data_sets.digits", {"name": "breast_cancer", "test_rows": 1, "validation_rows": 0, "seed": 0}, True),
        ("data_sets.digits", {"name": "vector_classes", "test_rows": 1, "validation_rows": 0, "seed": 0}, False),
        (f"{STUDY}.task", "regression", True),
        (f"{STUDY}.task", {"name": "regression", "loss": "huber", "delta": 2}, True),
        (f"{STUDY}.task", {"name": "regression", "loss": "hubert"}, False),
        (f"{STUDY}.task", {"name": "binary_classification", "loss": "huber"}, False),
        (f"{STUDY}.task", "regresion", False),
        (f"{STUDY}.optimizer", {"name": "adam", "second_moment_half_life": 5000, "beta_2": None}, True),
        (f"{STUDY}.optimizer", {"name": "lion", "epsilon": 1e-7}, False),
        (f"{STUDY}.budget", {"epochs": None, "updates": 3}, True),
        (f"{STUDY}.budget", {"epochs": None}, False),
        ("files", {"wine": "wine.csv"}, True),
        ("files", {"Wine": "wine.csv"}, False),
        ("files", {"wine": None}, False),
    ],
)
def test_options_are_those_of_the_name(path, value, right) -> None:
    content = {"files": {"wine": "wine.csv"}, **changed(path, value)}
    assert VALIDATOR.is_valid(content) is right
    if right and path != "files":
        Params.model_validate(content)


OWN = '''"""A model of one's own."""


def build(input_shape, outputs, *, name_of: str, le: float = 0.5):
    raise OSError
'''


def test_a_plug_in_of_ones_own_is_known_once_it_was_checked(tmp_path: Path) -> None:
    """And one that is wrong itself marks nothing."""
    project = Project.new(tmp_path)
    (tmp_path / "batchwise/models/own.py").write_text(OWN, encoding="utf-8")
    for kind in ("datasets", "models", "tasks"):
        (tmp_path / f"batchwise/{kind}/wrong.py").write_text("def build(:", encoding="utf-8")
    assert "params.yaml is valid" in project.run("python", "-m", "batchwise", "check")
    own = Draft202012Validator(json.loads((tmp_path / "params.schema.json").read_text(encoding="utf-8")))
    model = f"{STUDY}.model"
    assert own.is_valid(GOOD) and own.is_valid(changed(model, {"name": "wrong", "what": [1]}))
    assert own.is_valid(changed(model, {"name": "own", "name_of": "x", "le": 2}))
    for wrong in (
        {"name": "own"},
        {"name": "own", "name_of": "x", "li": 2},
        {"name": "own", "name_of": "x", "le": "2"},
    ):
        assert not own.is_valid(changed(model, wrong))
    assert not VALIDATOR.is_valid(changed(model, {"name": "own", "name_of": "x"}))
    assert "own" not in plugins.names("models")
