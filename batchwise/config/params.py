"""params.yaml, read and checked once, before anything runs."""

import math
import re
from collections import Counter
from collections.abc import Hashable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from batchwise.common.errors import UserError
from batchwise.common.messages import describe, shown, unknown
from batchwise.common.option_types import Number, Seed
from batchwise.config import yaml_file
from batchwise.config.recipe import Recipe, check_options
from batchwise.config.section import Entry, Section, below, mistake, mistakes

# A study is a day of work at most: 100,000 runs of one second on one core.
MAX_RUNS = 100_000
MAX_LINES = 50  # of mistakes


def _no_duplicates(values: list[Hashable]) -> list[Hashable]:
    value, count = Counter(values).most_common(1)[0] if values else (None, 0)
    if count > 1:
        raise ValueError(f"{shown(value)} is given more than once; each value is allowed once")
    return values


def _apart(values: list[float]) -> list[float]:
    """Refuse values of which six digits are equal: a cell is found by them (execution/reproduce.py)."""
    for value, following in pairwise(sorted(values)):
        if math.isclose(value, following, rel_tol=1e-6):
            raise ValueError(f"{value!r} and {following!r} are equal to within a millionth; give one of them")
    return values


def _plain_name(name: Any) -> Any:
    if not (isinstance(name, str) and re.fullmatch("[a-z0-9_]{1,64}", name)):
        raise ValueError(
            f"the name {shown(name)} is not allowed; use lower-case letters a-z, digits and _, from 1 to 64 of them"
        )
    return name


Name = Annotated[str, BeforeValidator(_plain_name)]  # of files, too
BatchSize = Annotated[int, Field(ge=1, le=2**63 - 1)]
Rows = Annotated[int, Field(ge=1, le=2**63 - 1)]
# Beyond these bounds η̃·m leaves the range of float32, in which the optimiser holds it.
BaseLearningRate = Annotated[float, Field(ge=1e-20, le=1e20, allow_inf_nan=False)]
BaseLearningRates = Annotated[
    list[BaseLearningRate], Field(min_length=1), AfterValidator(_no_duplicates), AfterValidator(_apart)
]
Targets = Annotated[list[Number], Field(max_length=100), AfterValidator(_no_duplicates), AfterValidator(_apart)]


class Grid(Section):
    """Batch sizes × base learning rates × seeds."""

    batch_sizes: Annotated[list[BatchSize], Field(min_length=1), AfterValidator(_no_duplicates)]
    base_learning_rates: BaseLearningRates
    seeds: Annotated[int, Field(ge=1, le=MAX_RUNS)]

    @model_validator(mode="after")
    def _not_absurd(self) -> "Grid":
        runs = len(self.batch_sizes) * len(self.base_learning_rates) * self.seeds
        if runs > MAX_RUNS:
            raise ValueError(
                f"{len(self.batch_sizes)} batch sizes × {len(self.base_learning_rates)} learning rates × "
                f"{self.seeds} seeds are {runs:,} runs; at most {MAX_RUNS:,} are allowed in a study"
            )
        return self


class Subset(Section):
    """A stratified part of each part of a data set; what is not named is taken whole."""

    train_rows: Rows | None = None
    validation_rows: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    test_rows: Rows | None = None
    seed: Seed = 0


class Study(Recipe):
    """One data set, one recipe, one grid."""

    data_set: str
    subset: Subset | None = None
    # η from η̃ and m: linear η̃·m (Masters & Luschi 2018, eq. 6), sqrt η̃·√m (Malladi 2022), none η̃
    learning_rate_scaling: Literal["linear", "sqrt", "none"]
    grid: Grid
    # the metric that chooses, of those of the task of the data set (loading.metrics); otherwise the task's first
    metric: str | None = None
    # values of that metric on validation rows, whose steps are counted; set before anything is measured
    targets: Targets = Field(default_factory=list)
    # batch sizes of the grid, at whose chosen rate the gradient noise and the shape of the loss are measured
    landscape: Annotated[list[BatchSize], AfterValidator(_no_duplicates)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _landscape_in_grid(self) -> "Study":
        known, what = [*map(str, self.grid.batch_sizes)], "batch size of the grid"
        missing = [m for m in self.landscape if m not in self.grid.batch_sizes]
        if missing:
            raise mistakes(mistake(unknown(what, m, known), "landscape") for m in missing)
        return self

    @property
    def recipe(self) -> Recipe:
        """The part that decides a run's bits together with the data, m, η and the seed."""
        return Recipe.model_construct(**{name: getattr(self, name) for name in Recipe.model_fields})


class Params(Section):
    """The whole of params.yaml: {data set: its options} and {study: Study}."""

    data_sets: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    studies: Annotated[dict[Name, Study], Field(min_length=1)]

    @field_validator("data_sets")
    @classmethod
    def _known_data_sets(cls, data_sets: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        found: list[Entry] = []
        for name, given in data_sets.items():
            try:
                check_options("datasets", name, given)
            except ValidationError as error:
                found += below(error, name)
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
