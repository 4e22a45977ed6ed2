"""The commands beside `dvc repro`, one module each."""

import batchwise.common.exits  # noqa: F401  (before what takes long to import)
from batchwise.config import params
from batchwise.config.params import Params
from batchwise.config.study import Study


def chosen(all_params: Params, name: str | None) -> dict[str, Study]:
    """Return the study that was named, or all. Raises UserError, with the nearest name, for an unknown one."""
    return {name: params.study(all_params, name)} if name is not None else all_params.studies
