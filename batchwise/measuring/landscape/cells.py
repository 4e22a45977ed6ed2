"""The cells at which a landscape is measured."""

from pathlib import Path

import pandas as pd

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.grid import Cell


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
