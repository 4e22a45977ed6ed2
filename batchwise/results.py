"""What a study gave, in Python: its tables, and the weights, models and data of its runs."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import study_tables
from batchwise.analysis.evaluate import definition
from batchwise.analysis.study_tables import Tables
from batchwise.common import plugins, source_closure
from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.config import grid, params
from batchwise.config.grid import Cell, Run
from batchwise.config.study import Study
from batchwise.data import folds, loading
from batchwise.data.dataset import DataSet
from batchwise.execution.reproduce import find_cell
from batchwise.training import run_files, trainers
from batchwise.training.run_files import RunFile


@dataclass(frozen=True, repr=False)
class Results:
    """The results of a study. A run is named as `reproduce` does: by m, η (of which six digits do) and its seed."""

    folder: Path  # of params.yaml
    study: Study  # as it was trained
    tables: Tables

    def __repr__(self) -> str:
        sizes = ", ".join(map(str, self.study.grid.batch_sizes))
        return f"<results of {self.tables.study}: batch sizes {sizes}; {self.study.grid.seeds} seeds a cell>"

    @property
    def cells(self) -> pd.DataFrame:
        """A row for each batch size and learning rate: means over the seeds, with intervals."""
        return self.tables.cells

    @property
    def batch_sizes(self) -> pd.DataFrame:
        """A row for each batch size, at the learning rate that was chosen for it."""
        return self.tables.batch_sizes

    @property
    def runs(self) -> pd.DataFrame:
        """A row for each batch size, learning rate and seed."""
        return self.tables.runs

    @property
    def confirmed(self) -> pd.DataFrame:
        """A row for each chosen learning rate and fresh seed, none without confirmation."""
        return self.tables.confirmed

    @property
    def curves(self) -> pd.DataFrame:
        """The metrics after each epoch, of the runs at the chosen learning rates."""
        return self.tables.curves

    @property
    def branches(self) -> pd.DataFrame:
        """The metrics at the end of each branch, by moment, batch size and seed; none without `branches`."""
        return self.tables.branches

    @property
    def columns(self) -> pd.DataFrame:
        """What each column of these tables holds, with its unit."""
        return self.tables.columns

    @property
    def data(self) -> DataSet:
        """What the study trained on, as it was prepared: images are bytes.

        Raises UserError if its files are missing, damaged, or of other data, and if each seed has rows of its own.
        """
        if self.study.folds:
            raise UserError(
                f"each seed of {self.tables.study} has rows of its own (folds: {self.study.folds}); name one: "
                "data_of(seed)"
            )
        return self._prepared

    def data_of(self, seed: int) -> DataSet:
        """Return what a seed trained on: `data`, and with folds the rows of its own, scaled by its training rows.

        Raises UserError as `data` does, and for a seed that is not in the grid.
        """
        self._check_seed(seed)
        return folds.of_seed(self._prepared, int(seed))

    @cached_property
    def _prepared(self) -> DataSet:
        prepared = self.folder / "data/prepared"
        data = loading.load(prepared, self.study)
        if data.sha256 != self._about["sha256"]:
            raise UserError(f"{prepared} has other data than these results are of; {self._makes} anew")
        return data

    def weights(self, batch_size: int, learning_rate: float, seed: int) -> dict[str, np.ndarray]:
        """Return the values of all variables of the model at the end of a run, {name: array} in its order.

        Raises UserError for a run that is not in the grid or among the fresh ones of chosen cells, has no weights, or
        whose file is missing or damaged.
        """
        return self._trained(batch_size, learning_rate, seed).result.weights

    def model(self, batch_size: int, learning_rate: float, seed: int) -> Any:
        """Return the keras.Model of a run, with its weights: it predicts from inputs as `data_of` has them.

        Images are standardised inside. Raises UserError as `weights` and `data_of` do, or if the code of the model is
        no longer what was trained.
        """
        trained = self._trained(batch_size, learning_rate, seed)
        self._check_code(trained)
        from batchwise.training import trained_model  # TensorFlow takes seconds to import

        return trained_model.build(self.study.recipe, self.data_of(seed), [*trained.result.weights.values()])

    @property
    def _makes(self) -> str:
        return _makes(self.tables.study, self.folder)

    @property
    def _about(self) -> dict[str, Any]:
        return self.tables.summary["data"]

    def _trained(self, batch_size: int, learning_rate: float, seed: int) -> RunFile:
        """Return the file of a run that ended ok."""
        run = self._run(batch_size, learning_rate, seed)
        inputs = {"data": self._about["sha256"], "recipe": self.study.recipe.model_dump()}
        kind, stage = ("runs", "train") if run.seed < self.study.grid.seeds else ("confirmed", "confirm")
        place = self.folder / "data" / kind / self.tables.study
        file = run_files.read(place, self.tables.study, run, inputs, stage=stage)
        if file.result.status != "ok":
            raise UserError(
                f"seed {run.seed} at batch size {batch_size:g} and learning rate {learning_rate:g} has no weights: it "
                f"ended {file.result.status}; `runs` says how each run ended"
            )
        return file

    def _run(self, batch_size: int, learning_rate: float, seed: int) -> Run:
        _check_numbers(batch_size=batch_size, learning_rate=learning_rate, seed=seed)
        cell = find_cell(self.study, self._about["rows"]["train"], batch_size, learning_rate)
        self._check_seed(seed)
        if seed >= self.study.grid.seeds:
            self._check_chosen(cell)
        (run,) = grid.with_seeds(cell, [int(seed)])
        return run

    def _check_seed(self, seed: int) -> None:
        _check_numbers(seed=seed)
        confirmation = self.tables.summary["confirmation"]
        seeds = self.study.grid.seeds + (confirmation["seeds"] if confirmation else 0)
        if seed not in range(seeds):
            where = "in the grid or a fresh one; they are" if confirmation else "in the grid; it has"
            raise UserError(f"seed {seed:g} is not {where} 0 to {seeds - 1}")

    def _check_chosen(self, cell: Cell) -> None:
        """Raise UserError if a cell has no fresh seeds."""
        of_size = self.confirmed[self.confirmed["batch_size"].eq(cell.batch_size)]
        if not np.isclose(of_size["learning_rate"], cell.learning_rate, rtol=1e-6).any():
            rates = ", ".join(f"{rate:g}" for rate in of_size["learning_rate"].unique()) or "none"
            raise UserError(
                f"at batch size {cell.batch_size} learning rate {cell.learning_rate:g} has no fresh seeds, from "
                f"{self.study.grid.seeds} on: the chosen one has them, {rates}"
            )

    def _check_code(self, trained: RunFile) -> None:
        """Raise UserError if the model's plug-in, or what it shares with others, was edited since a run was trained."""
        model = plugins.file("models", self.study.model.name)
        own = source_closure.closure(trainers.FILES[self.study.engine], model)
        now = source_closure.hashes([file for file in own if file.startswith("batchwise/models/")])
        for file, sha256 in now.items():
            if trained.inputs["code"].get(file) != sha256:
                raise UserError(f"{file} was edited since this run was trained; {self._makes} anew")


def _check_numbers(**given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, Real):
            raise UserError(f"{name} is {shown(value)}; a number is expected")


def read(name: str, folder: str | Path = ".") -> Results:
    """Return the results of a study; `folder` is that of params.yaml.

    Raises UserError for a name that params.yaml does not have, and if there are no results, or damaged ones. Warns if
    params.yaml was edited since they were made.
    """
    place = Path(folder).expanduser().absolute()
    if not (place / "params.yaml").exists():
        raise UserError(f"there is no params.yaml in {place}; name the project's folder: read({name!r}, folder=…)")
    asked, tables = params.study(params.load(place / "params.yaml"), name), place / "data/tables" / name
    if not tables.exists():
        raise UserError(f"{name} has no results yet: there is no {tables}; {_makes(name, place)}")
    found = Results(place, study_tables.read_study(tables), study_tables.read(tables))
    if definition(asked) != definition(found.study):
        warnings.warn(
            f"{name} was edited in params.yaml since its results were made; {found._makes} anew", stacklevel=3
        )
    return found


def _makes(name: str, folder: Path) -> str:
    return f"`dvc repro report@{name}` in {folder} makes them"
