"""What every mapping of params.yaml has in common: each key is known, no value is converted, each mistake is found."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails

from batchwise.common.messages import unknown

Entry = Mapping[str, Any]  # of ValidationError.errors(): a mistake


class Section(BaseModel):
    """A frozen mapping of params.yaml in which every key is known and no value is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="wrap")
    @classmethod
    def _with_known_keys(cls, given: Any, validate: ModelWrapValidatorHandler["Section"]) -> "Section":
        try:
            return validate(given)
        except ValidationError as error:
            fields = {field.alias or name: field for name, field in cls.model_fields.items()}
            raise mistakes(_told(entry, fields) for entry in below(error)) from None


def _told(entry: Entry, fields: dict[str, FieldInfo]) -> Entry:
    """Return an entry as of the keys that are in the file: pydantic adds which of several sections it took one for.

    If it is of an unknown key of this section, it has the keys that are known.
    """
    first, *others = entry["loc"] or ("",)
    if entry["type"] in ("extra_forbidden", "invalid_key") and not others:
        return mistake(unknown("key of this section", first, list(fields)))
    if others and first in fields and fields[first].discriminator:
        return {**entry, "loc": (first, *others[1:])}
    return entry


def mistake(problem: str, *keys: str) -> Entry:
    """Return an entry in our own words, of what is found under `keys`."""
    return {"type": "value_error", "loc": keys, "input": None, "ctx": {"error": ValueError(problem)}}


def below(error: ValidationError, *keys: str) -> list[Entry]:
    """Return the entries of an exception, as of what is found under `keys`."""
    return [{**entry, "loc": (*keys, *entry["loc"])} for entry in error.errors(include_url=False)]


def mistakes(entries: Iterable[Entry]) -> ValidationError:
    """Return an exception with these entries."""
    details = [
        InitErrorDetails(type=entry["type"], loc=entry["loc"], input=entry["input"], ctx=entry.get("ctx", {}))
        for entry in entries
    ]
    return ValidationError.from_exception_data("params.yaml", details)
