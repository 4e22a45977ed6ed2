"""A study of params.yaml: a recipe on a data set, its grid, and what is measured and shown of it."""

import math
import re
from collections import Counter
from collections.abc import Hashable
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from batchwise.common.messages import shown, unknown
from batchwise.common.option_types import Number, Seed
from batchwise.config.memory_by_length import MemoryByLength
from batchwise.config.recipe import Recipe, first_epoch
from batchwise.config.section import Section, mistake, mistakes

# A study is a day of work at most: 100,000 runs of one second on one core.
MAX_RUNS = 100_000
LEAST_SEEDS = 10  # of a confirmation: fewer say little of their own spread


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


def plain_name(name: Any) -> Any:
    """Return the name of an entry. Raises ValueError for what is none."""
    if not (isinstance(name, str) and re.fullmatch(NAME, name)):
        raise ValueError(
            f"the name {shown(name)} is not allowed; use lower-case letters a-z, digits and _, from 1 to 64 of them"
        )
    return name


NAME = "[a-z0-9_]{1,64}"
Name = Annotated[str, BeforeValidator(plain_name), Field(json_schema_extra={"pattern": f"^{NAME}$"})]  # of files, too
UNIQUE = Field(json_schema_extra={"uniqueItems": True})  # for editors (schema.py)
LARGEST = 2**63 - 1  # rows
BatchSize = Annotated[int, Field(ge=1, le=LARGEST)]
BatchSizes = Annotated[list[BatchSize], AfterValidator(_no_duplicates), UNIQUE]
Rows = Annotated[int, Field(ge=1, le=2**63 - 1)]
# Beyond these bounds η̃·m leaves the range of float32, in which the optimiser holds it.
BaseLearningRate = Annotated[float, Field(ge=1e-20, le=1e20, allow_inf_nan=False)]
BaseLearningRates = Annotated[
    list[BaseLearningRate], Field(min_length=1), AfterValidator(_no_duplicates), AfterValidator(_apart), UNIQUE
]
Statistic = Literal["last_epoch", "median_of_last_5_epochs"]
LAST_EPOCHS: dict[Statistic, int] = {"last_epoch": 1, "median_of_last_5_epochs": 5}  # of which the median is taken
Targets = Annotated[list[Number], Field(max_length=100), AfterValidator(_no_duplicates), AfterValidator(_apart), UNIQUE]


TimedBeside = Annotated[
    list[Literal["neighbours", "float64", "float32", "bfloat16"]], AfterValidator(_no_duplicates), UNIQUE
]


class Grid(Section):
    """Batch sizes × base learning rates × seeds."""

    batch_sizes: BatchSizes = Field(min_length=1, description="m, in rows; more than there are is all of them")
    base_learning_rates: BaseLearningRates = Field(description="η̃, of which the learning rate η is made for each m")
    seeds: Annotated[int, Field(ge=1, le=MAX_RUNS)] = Field(
        description="number of runs of each cell, which start from other weights and see the rows in another order"
    )

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

    train_rows: Rows | None = Field(None, description="number of training rows; otherwise all")
    validation_rows: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        None, description="number of validation rows; otherwise all"
    )
    test_rows: Rows | None = Field(None, description="number of test rows; otherwise all")
    seed: Seed = Field(0, description="seed by which the rows are drawn")


class Confirmation(Section):
    """More seeds of the chosen cells, which choose nothing: until differences are known well enough, or to a limit."""

    most_seeds: Annotated[int, Field(ge=2, le=1000)] = Field(
        description=f"fresh seeds of each chosen cell, from {LEAST_SEEDS} to so many; where fewer are named, so many: "
        "of their own spread they say little"
    )
    half_width: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = Field(
        0.5,
        description="of the 95 % interval of each difference from the chosen batch size, in least margins of the "
        "metric (1 point of accuracy): no more seeds are trained when it is as narrow",
    )


class Branches(Section):
    """Where runs of a cell are continued with other batch sizes, for a while: how large m may be by then."""

    batch_size: BatchSize = Field(description="m of the runs that are continued, of the grid")
    base_learning_rate: BaseLearningRate = Field(description="η̃ of these runs, of the grid")
    moments: Annotated[list[Annotated[Number, Field(gt=0, lt=1)]], Field(min_length=1, max_length=100), UNIQUE] = Field(
        description="fractions of the epochs, in order: at the first epoch after each, branches begin"
    )
    batch_sizes: BatchSizes = Field(
        min_length=1,
        description="m of the branches, each with η by the study's learning_rate_scaling; one with the m of the run "
        "is there anyway",
    )
    length: Annotated[Number, Field(gt=0, lt=1)] = Field(description="fraction of the epochs that a branch trains")

    def epochs(self, all_epochs: int) -> list[tuple[int, int]]:
        """Return the first epoch of the branches of each moment, from 0, and the one after the last."""
        length = first_epoch(self.length, all_epochs)
        return [(first, first + length) for first in (first_epoch(moment, all_epochs) for moment in self.moments)]


class Study(Recipe):
    """One data set, one recipe, one grid."""

    data_set: str = Field(description="name of an entry of data_sets")
    subset: Subset | None = Field(None, description="stratified part of each part of the data set; otherwise all of it")
    weights: Name | None = Field(
        None,
        description="key of files: an .npz with arrays named as in run files (000_kernel), the start of every seed; "
        "variables that it lacks start from the seed",
    )
    folds: Annotated[int, Field(ge=2, le=100)] | None = Field(
        None,
        description="cross-validation: all rows of the data set are dealt to so many folds, stratified by class, or in "
        "whole groups; seed s tests on fold s, chooses by the next if there are 3 or more, and trains on the others",
    )
    learning_rate_scaling: Literal["linear", "sqrt", "none"] = Field(
        description="η from η̃ and m: `linear` η̃·m (Masters & Luschi 2018), `sqrt` η̃·√m (Malladi 2022), `none` η̃"
    )
    grid: Grid = Field(description="what is combined, each with each")
    metric: str | None = Field(
        None, description="metric that chooses, of those of the task; otherwise the first of them"
    )
    statistic: Statistic = Field(
        "last_epoch",
        description="what the result of a run is: its last epoch's, or the median of its last five (Masters & Luschi "
        "2018)",
    )
    # set before anything is measured
    targets: Targets = Field(
        default_factory=list,
        description="values of the metric on validation rows, accuracies as fractions: the updates until each is "
        "reached are counted",
    )
    landscape: BatchSizes = Field(
        default_factory=list,
        description="batch sizes of the grid, at whose chosen rate the noise of the gradient and the sharpness of the "
        "loss are measured (minutes for images)",
    )

    timed_beside: TimedBeside = Field(
        default_factory=list,
        description="what is timed beside the grid: `neighbours` of its powers of two (17 beside 16), and number types "
        "at the largest m",
    )
    memory_by_length: MemoryByLength | None = Field(
        None,
        description="of texts and images: memory is measured by batch size and length, with the largest m that fits at "
        "each length; otherwise at the length of the data set alone",
    )
    branches: Branches | None = Field(
        None,
        description="runs of a cell that are continued with other batch sizes from some moments on (Merrill 2025): how "
        "large m may be, by how far a run has trained",
    )
    confirmation: Confirmation | None = Field(
        None,
        description="fresh seeds, with which the chosen learning rates are trained again: a cell that was chosen for "
        "its result was lucky too; otherwise the seeds that choose also give the result",
    )

    @model_validator(mode="after")
    def _branches_fit(self) -> "Study":
        if self.branches and (problem := _wrong_with(self.branches, self)):
            key, text = problem
            raise mistakes([mistake(text, "branches", *key)])
        return self

    @model_validator(mode="after")
    def _landscape_in_grid(self) -> "Study":
        known, what = [*map(str, self.grid.batch_sizes)], "batch size of the grid"
        missing = [m for m in self.landscape if m not in self.grid.batch_sizes]
        if missing:
            raise mistakes(mistake(unknown(what, m, known), "landscape") for m in missing)
        return self

    @model_validator(mode="after")
    def _folds_fit_grid(self) -> "Study":
        seeds, rates = self.grid.seeds, len(self.grid.base_learning_rates)
        problem = None
        if self.folds and seeds > self.folds:
            problem = (
                f"{seeds} seeds would test the rows of {self.folds} folds more than once, which is no more evidence, "
                f"and makes intervals too narrow; use {seeds} folds, or {self.folds} seeds"
            )
        elif self.folds == 2 and rates > 1:
            problem = (
                f"with 2 folds, one to test and one to train, no rows are left to choose one of {rates} learning rates "
                "by; use 3 folds at least"
            )
        if problem:
            raise mistakes([mistake(problem, "folds")])
        if self.folds and self.confirmation:
            problem = "each fold has its seed, so there are no fresh ones; leave confirmation out, or folds"
            raise mistakes([mistake(problem, "confirmation")])
        return self

    @model_validator(mode="after")
    def _long_enough_for_statistic(self) -> "Study":
        kind, length = ("epochs", self.budget.epochs) if self.budget.epochs else ("updates", self.budget.updates)
        least = LAST_EPOCHS[self.statistic]
        if length and length < least:  # an epoch has one update at least
            problem = (
                f"{self.statistic} is of {least} epochs, and with {{ {kind}: {length} }} a run has fewer; "
                "use last_epoch, or a longer budget"
            )
            raise mistakes([mistake(problem, "statistic")])
        return self

    @model_validator(mode="after")
    def _scored_for_statistic(self) -> "Study":
        if self.scores_every != 1 and LAST_EPOCHS[self.statistic] > 1:
            problem = (
                f"{self.scores_every}, and {self.statistic} is of epochs one after another; use 1, or last_epoch for "
                "the statistic"
            )
            raise mistakes([mistake(problem, "scores_every")])
        return self

    @property
    def recipe(self) -> Recipe:
        """The part that decides a run's bits together with the data, m, η and the seed."""
        return Recipe.model_construct(**{name: getattr(self, name) for name in Recipe.model_fields})


def _wrong_with(given: Branches, study: Study) -> tuple[tuple[str, ...], str] | None:
    """Return the key and what is wrong of `branches` that do not fit their study; None if all does."""
    grid, epochs = study.grid, study.budget.epochs
    if not epochs:
        return (), "they begin at fractions of epochs; give a budget of epochs, or leave them out"
    if study.schedule.batch_sizes:
        return (), "the schedule has batch_sizes, so that m changes anyway; leave one of the two out"
    if given.batch_size not in grid.batch_sizes:
        return ("batch_size",), unknown("batch size of the grid", given.batch_size, [*map(str, grid.batch_sizes)])
    if given.base_learning_rate not in grid.base_learning_rates:
        rates = ", ".join(f"{rate:g}" for rate in grid.base_learning_rates)
        return ("base_learning_rate",), f"{given.base_learning_rate:g} is none of the grid; it has {rates}"
    starts = [first for first, _ in given.epochs(epochs)]
    if starts != sorted({*starts}):
        return ("moments",), f"each must begin with a later one of {epochs} epochs than the one before it"
    if given.epochs(epochs)[-1][1] > epochs:
        return ("length",), f"a branch from the last moment would end after the {epochs} epochs; make it shorter"
    return None
