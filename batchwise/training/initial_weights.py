"""A file of weights that every seed of a study starts from: a NumPy archive, or the file of a run itself."""

import zipfile
from pathlib import Path

import numpy as np

from batchwise.common.errors import UserError
from batchwise.common.messages import shown, unknown
from batchwise.runtime.keras import keras
from batchwise.training import network
from batchwise.training.run_result import WEIGHTS


def read(path: Path, model: keras.Model, model_name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a file by name (network.variables), of the types of the variables of a model.

    What random layers draw from is left out: it is the seed's. Raises UserError, in a sentence, for a file that is none
    or damaged, and for the first array that is of no variable, of another shape, or not of finite floating-point
    numbers.
    """
    variables = network.variables(model)
    try:
        arrays = _arrays(path)
    except FileNotFoundError:
        raise UserError(f"weights: {path} is missing") from None
    except Exception as error:  # of a damaged archive, of a dozen classes
        raise UserError(
            f"weights: {path} is no whole NumPy archive without pickles ({type(error).__name__}); write it by "
            'numpy.savez(path, **{"000_kernel": …})'
        ) from None
    found = {}
    for name, values in arrays.items():
        if name not in variables:
            raise UserError(f"weights: {path}: {unknown(f'variable of model {model_name}', name, list(variables))}")
        if variables[name].name != network.RANDOM_STATE:
            found[name] = _checked(f"weights: {path}: {name}", values, variables[name])
    if not found:
        raise UserError(
            f"weights: {path} has no weights; those of model {model_name} begin with {next(iter(variables))}"
        )
    return found


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an archive, or those that are weights if it is the file of a run."""
    with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
        of_run = [name for name in file.files if name.startswith(WEIGHTS)]
        return {name.removeprefix(WEIGHTS): file[name] for name in of_run or file.files}


def _checked(what: str, values: np.ndarray, variable: keras.Variable) -> np.ndarray:
    if values.shape != tuple(variable.shape):
        raise UserError(
            f"{what} has the shape {values.shape}, and the variable of the model {tuple(variable.shape)}; leave an "
            "array out where the model is another, and the variable starts from the seed"
        )
    if values.dtype.kind != "f":
        raise UserError(
            f"{what} is of the type {values.dtype}; it must be of floating-point numbers, {variable.dtype} say"
        )
    with np.errstate(over="ignore"):
        cast = values.astype(variable.dtype)
    if not np.isfinite(cast).all():
        worst = values[~np.isfinite(cast)][0]
        raise UserError(f"{what} has {shown(float(worst))} in it; all must be finite numbers of {variable.dtype}")
    return cast
