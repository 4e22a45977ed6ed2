"""The cells at which a landscape is measured, and the runs that trained there."""

from pathlib import Path

import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.grid import Cell, Run
from batchwise.training import run_result


def chosen(path: Path, study: str, batch_sizes: list[int]) -> list[Cell]:
    """Return the chosen cell of each of the batch sizes, in their order; none where no learning rate is chosen.

    `path` is the table batch_sizes.csv of the study. Raises UserError if it is missing, damaged or of another grid.
    """
    evaluate = f"run {rerun_command(f'evaluate@{study}')}"
    try:
        table = pd.read_csv(path).set_index("batch_size")
        rows = table.loc[batch_sizes, ["effective_batch_size", "base_learning_rate", "learning_rate"]].dropna()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {evaluate}") from None
    except (ValueError, LookupError) as error:
        raise UserError(f"{path} is damaged ({error}); {evaluate}") from None
    return [Cell(int(m), int(effective), *map(float, rates)) for m, effective, *rates in rows.itertuples()]


def read_run(folder: Path, study: str, data_sha256: str, run: Run) -> run_result.RunResult:
    """Return the result of a run from the folder of a study's runs.

    Raises UserError if its file is missing, damaged, or not of this run and these data.
    """
    path, train = folder / f"{run.name}.npz", f"run {rerun_command(f'train@{study}')}"
    try:
        result, inputs = run_result.load(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {train}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); {train}") from None
    wanted = {"batch_size": run.batch_size, "learning_rate": run.learning_rate, "seed": run.seed, "data": data_sha256}
    for key, value in wanted.items():
        if inputs.get(key) != value:
            raise UserError(f"{path} was trained with {key} {inputs.get(key)}, and {value} is wanted; {train}")
    return result
