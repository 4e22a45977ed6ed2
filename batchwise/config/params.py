"""params.yaml, read and checked once, before anything runs."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from batchwise.common.errors import UserError
from batchwise.common.messages import describe, shown, unknown
from batchwise.config import data_set_entries, yaml_file
from batchwise.config.file_paths import FilePath
from batchwise.config.recipe import check_options
from batchwise.config.section import Entry, Section, below, mistake, mistakes
from batchwise.config.study import Name, Study

MAX_LINES = 50  # of mistakes


def _wrong_in(name: str, entry: dict[str, Any], files: dict[str, str] | None) -> list[Entry]:
    """Return what is wrong in an entry of `data_sets`."""
    plugin = data_set_entries.plugin(name, entry)
    if not isinstance(plugin, str):
        return [mistake(f"{shown(plugin)} is no name of a data set; write that of a file", name, "name")]
    if not isinstance(streamed := entry.get(data_set_entries.STREAMED, False), bool):
        return [mistake(f"{shown(streamed)} is neither true nor false", name, data_set_entries.STREAMED)]
    try:
        check_options("datasets", plugin, data_set_entries.options(entry), files)
    except ValidationError as error:
        return below(error, name)
    return []


class Params(Section):
    """The whole of params.yaml: {file: its path}, {data set: its options} and {study: Study}."""

    files: dict[Name, FilePath] = Field(
        default_factory=dict,
        description="your own files and folders that studies read: a name and a path from here; DVC watches them",
    )
    data_sets: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)] = Field(
        description="what is trained on: `name` of a file of batchwise/datasets/, otherwise the entry's own, the "
        "arguments of its prepare(), and `streamed: true` for one that does not fit into memory"
    )
    studies: Annotated[dict[Name, Study], Field(min_length=1)] = Field(
        description="what is trained and measured: a name and the keys below"
    )

    @field_validator("data_sets")
    @classmethod
    def _known_data_sets(cls, data_sets: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        found: list[Entry] = []
        for name, given in data_sets.items():
            found += _wrong_in(name, given, info.data.get("files"))  # none where a path is wrong
        if found:
            raise mistakes(found)
        return data_sets

    @model_validator(mode="after")
    def _data_sets_exist(self) -> "Params":
        known, what = sorted(self.data_sets), "data set of the section data_sets"
        missing = {name: study.data_set for name, study in self.studies.items() if study.data_set not in known}
        if missing:
            raise mistakes(
                mistake(unknown(what, it, known), "studies", name, "data_set") for name, it in missing.items()
            )
        return self

    @model_validator(mode="after")
    def _folds_not_in_time(self) -> "Params":
        in_time = {
            name: study.data_set
            for name, study in self.studies.items()
            if study.folds and data_set_entries.is_in_time(study.data_set, self.data_sets[study.data_set])
        }
        if in_time:
            raise mistakes(
                mistake(
                    f"the data set {data_set} is split by order in time, and folds would train on what comes after "
                    "their test rows; leave folds out",
                    *("studies", name, "folds"),
                )
                for name, data_set in in_time.items()
            )
        return self

    @model_validator(mode="after")
    def _what_needs_memory(self) -> "Params":
        wrong = [
            mistake(
                f"the data set {study.data_set} is streamed, and {key} needs its rows in memory; leave {key} out, or "
                "streamed",
                *("studies", name, key),
            )
            for name, study in self.studies.items()
            for key in ("folds", "landscape")
            if getattr(study, key) and data_set_entries.is_streamed(self.data_sets[study.data_set])
        ]
        if wrong:
            raise mistakes(wrong)
        return self

    @model_validator(mode="after")
    def _weights_are_files(self) -> "Params":
        known, what = sorted(self.files), "file of the section files"
        missing = {name: study.weights for name, study in self.studies.items() if study.weights not in (None, *known)}
        if missing:
            raise mistakes(
                mistake(unknown(what, it, known), "studies", name, "weights") for name, it in missing.items()
            )
        return self


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises UserError, with a line for each mistake, for a file that is missing or not YAML, or a value not allowed.
    """
    return check(yaml_file.read(path), path.name)


def check(content: Any, source: str = "params.yaml") -> Params:
    """Return the checked parameters of a parsed params.yaml. Raises UserError with a line for each mistake."""
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        lines = [f"{source}: {describe(details)}" for details in error.errors(include_url=False)[: MAX_LINES + 1]]
        if len(lines) > MAX_LINES:
            lines[-1] = f"{source}: there are {error.error_count() - MAX_LINES:,} more mistakes like these"
        raise UserError("\n       ".join(lines)) from None


def study(params: Params, name: str) -> Study:
    """Return a study by name. Raises UserError, with the nearest name, for one that is not in params.yaml."""
    if name not in params.studies:
        raise UserError(unknown("study of params.yaml", name, sorted(params.studies)))
    return params.studies[name]
