"""batchwise: what a batch size costs and buys, measured reproducibly."""

from importlib import import_module
from typing import Any


def read(study: str, folder: str = ".") -> Any:
    """Return the results of a study, batchwise.results.Results: tables, weights, models and data.

    `folder` is that of params.yaml. Raises UserError, in a sentence, for a study that is unknown or not made yet.
    """
    return import_module("batchwise.results").read(
        study, folder
    )  # by name: each stage is made of what is imported here
