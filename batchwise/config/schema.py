"""params.yaml as JSON Schema 2020-12, for editors: what each key means, what it may hold, which plug-ins there are.

It says what `check` says, as far as JSON Schema can: not that two values fit together, and not how numbers are written.
Of 2020-12 it has nothing that draft 7 has not too, by which some editors still go.
"""

import ast
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from batchwise.common import plugins, python_source
from batchwise.common.errors import UserError
from batchwise.common.files import read, write_bytes
from batchwise.common.repository import ROOT
from batchwise.config.data_set_entries import NAME, STREAMED
from batchwise.config.params import Params

FILE = ROOT / "params.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
# As pydantic names the bounds of a value that has a validator of ours.
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
Names = Callable[[str], list[str]]
# Keys beside the options of a plug-in, by its kind.
OF_ENTRY: dict[str, dict[str, Any]] = {
    "datasets": {
        STREAMED: {
            "type": "boolean",
            "default": False,
            "description": "whether rows are read from disk while runs train, as of data that do not fit into memory",
        }
    }
}


class _Generator(GenerateJsonSchema):
    """Pydantic's, with all bounds in the words of JSON Schema, without what says nothing: titles, null by default."""

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        return {BOUNDS.get(key, key): value for key, value in super().generate_inner(schema).items() if key != "title"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        return (
            inner
            if schema.get("default") is None and "default_factory" not in schema
            else super().default_schema(schema)
        )

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Hold the names of all keys, where pydantic would let any other key stand beside those of a pattern."""
        found = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        if of_a_pattern := found.pop("patternProperties", None):
            (found["additionalProperties"],) = of_a_pattern.values()
        return {**found, "propertyNames": keys}


def refresh() -> None:
    """Write FILE if there are other plug-ins than it knows. Where that is not possible, editors alone miss it."""
    content = as_bytes()
    with suppress(OSError):
        if not FILE.is_file() or read(FILE) != content:
            write_bytes(FILE, content)


def as_bytes(names: Names = plugins.names) -> bytes:
    """Return the content of FILE; `names` are those of the plug-ins of a kind."""
    return (json.dumps(of_params(names), indent=1, ensure_ascii=False) + "\n").encode()


def of_params(names: Names = plugins.names) -> dict[str, Any]:
    """Return the schema of params.yaml."""
    whole = Params.model_json_schema(schema_generator=_Generator)
    parts = whole["$defs"]
    by_name = {kind: {name: _of_plugin(kind, name) for name in names(kind)} for kind in plugins.KINDS}
    parts |= {f"{kind}.{name}": part for kind, found in by_name.items() for name, part in found.items()}
    parts["Model"] = _chosen("models", names)
    parts["TaskChoice"] = {"anyOf": [{"enum": names("tasks")}, _chosen("tasks", names)]}
    parts["DataSet"] = _chosen("datasets", names)
    whole["properties"]["data_sets"] |= {
        "properties": {name: _entry(name, part) for name, part in by_name["datasets"].items()},
        "additionalProperties": _ref("DataSet"),
    }
    return {"$schema": DIALECT, **whole}


def _of_plugin(kind: str, name: str) -> dict[str, Any]:
    """Return the schema of the options of a plug-in; of one that is wrong itself anything may be one."""
    try:
        options = plugins.options(kind, name)
    except UserError:
        return {"description": f"{plugins.file(kind, name)} is wrong"}
    where = f"argument of {plugins.KINDS[kind].entry_point}() in {plugins.file(kind, name)}"
    return {
        "type": "object",
        "description": _about(kind, name),
        "properties": {
            **{NAME: {}, **OF_ENTRY.get(kind, {})},
            **{option: _of_option(*value, where) for option, value in options.items()},
        },
        "required": [option for option, (_, default) in options.items() if default is ...],
        "additionalProperties": False,
    }


def _of_option(of_type: Any, default: Any, where: str) -> dict[str, Any]:
    schema = {"description": where, **TypeAdapter(of_type).json_schema(schema_generator=_Generator)}
    return schema if default in (..., None) else {**schema, "default": default}


def _about(kind: str, name: str) -> str:
    """Return the first line of what a plug-in says of itself."""
    file = plugins.file(kind, name)
    return (ast.get_docstring(python_source.parse(read(ROOT / file), file)) or file).partition("\n")[0]


def _chosen(kind: str, names: Names) -> dict[str, Any]:
    """Return the schema of a mapping with the name of a plug-in, and its options."""
    known = names(kind)
    return {
        "type": "object",
        "properties": {NAME: {"enum": known, "description": f"a file of batchwise/{kind}/, without .py"}},
        "required": [NAME],
        "allOf": [{"if": _named(name), "then": _ref(f"{kind}.{name}")} for name in known],
    }


def _entry(name: str, plugin: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an entry of data_sets whose key is a plug-in's, of which it needs no name."""
    about = {"description": plugin["description"]}
    return {**about, "if": {"required": [NAME]}, "then": _ref("DataSet"), "else": _ref(f"datasets.{name}")}


def _named(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {NAME: {"const": name}}, "required": [NAME]}


def _ref(part: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{part}"}
