"""A trained model: built from its code, as the engine builds it, with the weights of a run."""

import numpy as np

from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data import task
from batchwise.data.dataset import DataSet
from batchwise.runtime.device import gpus
from batchwise.runtime.engine import used
from batchwise.runtime.keras import keras
from batchwise.training import network


def build(recipe: Recipe, data: DataSet, weights: list[np.ndarray]) -> keras.Model:
    """Return the model of a recipe with the values of its variables, in its order; it takes inputs as `data` has them.

    Its outputs are those of the task: logits of classes or tokens, numbers in the unit of the target, logarithms of
    counts. Raises UserError as network.build does, or if the model has other variables. Keras's number type stays as it
    was.
    """
    gpus(used())  # the first look at the devices, which it keeps an engine from talking about
    of_data = task.of_recipe(recipe, data.description.task)
    shape = data.train.inputs.shape[1:]
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        model = network.build(recipe, shape, of_data.output_shape(len(data.class_names), shape), seed=0)
        found, wanted = [variable.shape for variable in model.variables], [value.shape for value in weights]
        if found != wanted:
            raise UserError(f"model {recipe.model.name} has variables of shapes {found}; the run has {wanted}")
        for variable, value in zip(model.variables, weights, strict=True):
            variable.assign(value)
        if data.mean is not None and data.std is not None:
            model = _of_images(model, shape, data.mean, data.std, recipe.variable_dtype)
        scale = of_data.labels.scale(data.train.labels)
        return _in_unit(model, scale, recipe.variable_dtype) if of_data.labels.standardised else model
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def _of_images(
    model: keras.Model, shape: tuple[int, ...], mean: np.ndarray, std: np.ndarray, dtype: str
) -> keras.Model:
    """Return a model of images with values from 0 to 255: they are standardised to the bits of device_data.py."""
    images = keras.Input(shape)
    centred = keras.layers.Rescaling(1.0, (-mean).tolist(), dtype=dtype)(images)
    scaled = keras.layers.Rescaling((1 / std.astype("float64")).tolist(), 0.0, dtype=dtype)(centred)
    return keras.Model(images, model(scaled))


def _in_unit(model: keras.Model, scale: task.Scale, dtype: str) -> keras.Model:
    """Return a model whose outputs are not standardised."""
    inputs = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype)
    return keras.Model(inputs, keras.layers.Rescaling(scale.std, scale.mean, dtype=dtype)(model(inputs)))
