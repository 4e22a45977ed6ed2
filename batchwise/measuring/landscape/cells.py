"""The cells at which a landscape is measured."""

from pathlib import Path

from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.grid import Cell


def chosen(tables: Path, batch_sizes: list[int]) -> list[Cell]:
    """Return the chosen cell of each of the batch sizes, in their order; none where no learning rate is chosen.

    `tables` is the folder of the study's tables. Raises UserError if one is missing or damaged, or of another grid.
    """
    columns = ["batch_size", "effective_batch_size", "base_learning_rate", "learning_rate"]
    _, found = stage_outputs.read(tables, "evaluate", "study", {"batch_sizes": columns})
    try:
        rows = found["batch_sizes"].set_index("batch_size").loc[batch_sizes].dropna()
    except LookupError:
        evaluate = rerun_command(f"evaluate@{tables.name}")
        raise UserError(f"{tables}: batch_sizes.csv is of another grid; run {evaluate}") from None
    return [Cell(int(m), int(effective), *map(float, rates)) for m, effective, *rates in rows.itertuples()]
