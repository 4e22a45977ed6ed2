"""The trainer of a recipe: that of its engine, with which its process computes from then on."""

from pathlib import Path
from typing import TYPE_CHECKING

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.runtime import engine

if TYPE_CHECKING:
    from batchwise.training.trainer import Trainer

# The file in which the closure of what decides the bits of runs begins, of each engine.
FILES: dict[engine.Engine, str] = {
    "tensorflow": "batchwise/training/trainer.py",
    "jax": "batchwise/training/on_jax/trainer.py",
}


def load(data: DataSet, recipe: Recipe, metric: str | None = None, weights: Path | None = None) -> "Trainer":
    """Return a trainer of a recipe on some data; importing its engine takes seconds.

    Both engines have the same methods, of which those of TensorFlow are the type. Raises UserError as Trainer and
    engine.use do.
    """
    engine.use(recipe.engine)
    if recipe.engine == "jax":
        from batchwise.training.on_jax.trainer import Trainer as OnJax

        return OnJax(data, recipe, metric, weights)  # type: ignore[return-value]
    from batchwise.training.trainer import Trainer

    return Trainer(data, recipe, metric, weights)
