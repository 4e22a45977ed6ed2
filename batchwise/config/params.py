"""params.yaml, read and checked once, before anything runs."""

import re
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from batchwise.common.errors import UserError
from batchwise.common.messages import describe, unknown
from batchwise.config.recipe import Recipe, Section, check_options

# A study is a day of work at most: 100,000 runs of one second on one core.
MAX_RUNS = 100_000


def _no_duplicates(values: list[Hashable]) -> list[Hashable]:
    value, count = Counter(values).most_common(1)[0] if values else (None, 0)
    if count > 1:
        raise ValueError(f"{value!r} is given more than once; each value is allowed once")
    return values


BatchSize = Annotated[int, Field(ge=1, le=2**63 - 1)]
# Beyond these bounds η̃·m leaves the range of float32, in which the optimiser holds it.
BaseLearningRate = Annotated[float, Field(ge=1e-20, le=1e20, allow_inf_nan=False)]
Target = Annotated[float, Field(allow_inf_nan=False)]


class Grid(Section):
    """Batch sizes × base learning rates × seeds."""

    batch_sizes: Annotated[list[BatchSize], Field(min_length=1), AfterValidator(_no_duplicates)]
    base_learning_rates: Annotated[list[BaseLearningRate], Field(min_length=1), AfterValidator(_no_duplicates)]
    seeds: Annotated[int, Field(ge=1)]

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

    train_rows: Annotated[int, Field(ge=1)] | None = None
    validation_rows: Annotated[int, Field(ge=0)] | None = None
    test_rows: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


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
    targets: Annotated[list[Target], AfterValidator(_no_duplicates)] = Field(default_factory=list)
    # batch sizes of the grid, at whose chosen rate the gradient noise and the shape of the loss are measured
    landscape: Annotated[list[BatchSize], AfterValidator(_no_duplicates)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _landscape_in_grid(self) -> "Study":
        for m in self.landscape:
            if m not in self.grid.batch_sizes:
                raise ValueError(
                    f"landscape: {unknown('batch size of the grid', m, [*map(str, self.grid.batch_sizes)])}"
                )
        return self

    @property
    def recipe(self) -> Recipe:
        """The part that decides a run's bits together with the data, m, η and the seed."""
        return Recipe.model_construct(**{name: getattr(self, name) for name in Recipe.model_fields})


class Params(Section):
    """The whole of params.yaml: {data set: its options} and {study: Study}."""

    data_sets: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    studies: Annotated[dict[str, Study], Field(min_length=1)]

    @field_validator("data_sets", "studies", mode="before")
    @classmethod
    def _plain_names(cls, section: Any) -> Any:
        for name in section if isinstance(section, dict) else ():
            if not (isinstance(name, str) and re.fullmatch("[a-z0-9_]+", name)):
                raise ValueError(f"the name {name!r} is not allowed; use lower-case letters a-z, digits and _")
        return section

    @field_validator("data_sets")
    @classmethod
    def _known_data_sets(cls, data_sets: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, given in data_sets.items():
            try:
                check_options("datasets", name, given)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return data_sets

    @model_validator(mode="after")
    def _data_sets_exist(self) -> "Params":
        for name, study in self.studies.items():
            if study.data_set not in self.data_sets:
                problem = unknown("data set of the section data_sets", study.data_set, sorted(self.data_sets))
                raise ValueError(f"studies.{name}.data_set: {problem}")
        return self


def load(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises UserError, with a line for each mistake, for a file that is missing or not YAML, or a value not allowed.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"there is no {path.name} in {path.absolute().parent}; run in the root of the project"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text (byte {error.start})") from None
    except YAMLError as error:
        raise UserError(f"{path.name} is not valid YAML: {_yaml_problem(error)}") from None
    except (RecursionError, ValueError) as error:  # brackets or digits without end
        raise UserError(f"{path.name} is not valid YAML: {error}") from None
    return check(content, path.name)


def check(content: Any, source: str = "params.yaml") -> Params:
    """Return the checked parameters of a parsed params.yaml. Raises UserError with a line for each mistake."""
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise UserError("\n       ".join(f"{source}: {describe(details)}" for details in error.errors())) from None


def study(params: Params, name: str) -> Study:
    """Return a study by name. Raises UserError, with the nearest name, for one that is not in params.yaml."""
    if name not in params.studies:
        raise UserError(unknown("study of params.yaml", name, sorted(params.studies)))
    return params.studies[name]


def _yaml_problem(error: YAMLError) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).splitlines()[0]
