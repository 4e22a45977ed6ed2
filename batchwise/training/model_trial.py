"""A model tried out once, before the runs of a study, for what only shows when it computes.

Nothing that trains imports this: it decides whether runs begin, and none of their bits.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from batchwise.common.plugin_errors import told
from batchwise.runtime.keras import MAY_BE_OUT_OF_MEMORY, is_out_of_memory, keras
from batchwise.training import network
from batchwise.training.model_checks import causality, operations, outputs, repetition, tokens, variables

if TYPE_CHECKING:
    from batchwise.training.trainer import Trainer

# Of an update: enough for random numbers to differ somewhere, few enough for convolutions to take no time.
ROWS, IMAGES = 256, 4
SOME = 16  # rows of which outputs are looked at
RATE = 0.01


def check(trainer: "Trainer") -> None:
    """Raise UserError for a model that cannot be trained, or not exactly. Before any run, none of which it changes.

    It runs the Python of the model, without compiling it. If there is no memory for that, runs will say.
    """
    with told(f"model {trainer.recipe.model.name} cannot be trained"):
        try:
            _check(trainer)
        except MAY_BE_OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise


def _check(trainer: "Trainer") -> None:
    name, model, again = trainer.recipe.model.name, trainer.model, trainer.build(seed=0)
    start, start_again = (network.start(built, 0, trainer.given) for built in (model, again))
    repetition.check_builds(name, model, again, start, start_again)
    trainer.keep_start(0, start)
    for variable, value in zip(again.variables, start, strict=True):
        variable.assign(value)
    inputs, _ = trainer.take(np.linspace(0, trainer.rows - 1, _most(trainer, SOME)).astype("int32"))
    plain = _plain(trainer, start)
    tokens.check(name, plain, trainer.input_parts(), trainer.take)
    outputs.check(name, plain, inputs, trainer.recipe.dtype)
    repetition.check_updates(name, model, partial(trainer.updated, _most(trainer, ROWS), RATE))
    repetition.check_outputs(name, partial(_evaluated, trainer, start, inputs), model, again)
    operations.check(name, plain, inputs)
    variables.check(name, plain, inputs)
    if trainer.task.labels.are_tokens:
        causality.check(name, plain, inputs)
    trainer.load(start)
    outputs.check_start(name, plain, inputs)


def _plain(trainer: "Trainer", start: list[np.ndarray]) -> keras.Model:
    """Return the model with all layers in the type of its weights.

    What depends on the other rows of a batch, or has lost precision, cannot be told from the rounding of bfloat16:
    0.4 % of each number, in each layer, and other in batches of other sizes.
    """
    how = trainer.recipe
    if how.dtype == how.variable_dtype:
        return trainer.model
    plain = network.build(
        how.model_copy(update={"dtype": how.variable_dtype}), trainer.input_shape, trainer.output_shape, 0
    )
    for variable, value in zip(plain.variables, start, strict=True):
        variable.assign(value)
    return plain


def _most(trainer: "Trainer", rows: int) -> int:
    """Return how many rows to take: few of those on which it computes long."""
    return min(trainer.rows, IMAGES if trainer.has_convolutions else rows)


def _evaluated(trainer: "Trainer", start: list[np.ndarray], inputs: Any, model: keras.Model) -> np.ndarray:
    """Return the outputs of a model in inference mode, at the start of seed 0."""
    trainer.load(start)
    return np.asarray(model(inputs, training=False))
