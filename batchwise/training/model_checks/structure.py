"""What a model shows before it computes: its inputs and outputs, its weights, its types, its last activation."""

from typing import Any

from batchwise.common.errors import UserError
from batchwise.config.recipe import MIXED
from batchwise.runtime.keras import keras
from batchwise.training.model_checks import activations

# Of a policy of Keras: that of variables, inputs and outputs first, and others in which layers may compute.
TYPES = {MIXED: ("float32", "bfloat16")}


def check(
    name: str, model: Any, input_shape: tuple[int, ...], output_shape: tuple[int | None, ...], dtype: str
) -> None:
    """Raise UserError if the engine does not train a model, from [B, *input_shape] to logits [B, *output_shape]."""
    if not isinstance(model, keras.Model):
        raise UserError(
            f"model {name}: build returned {_kind(model)}; it must return a keras.Model, "
            "keras.Model(inputs, outputs) say"
        )
    _check_output(name, model, output_shape)
    _check_input(name, model, input_shape)
    if model.compiled:
        raise UserError(
            f"model {name} is compiled; its optimiser and its loss are those of params.yaml and of the task: "
            "leave model.compile() out"
        )
    _check_weights(name, model)
    _check_types(name, model, dtype)
    if found := activations.last(keras.tree.flatten(tensors(model, "output"))[0]):
        raise UserError(
            f"the output of model {name} passes through {found}; it must be linear, for the loss makes "
            "probabilities, or counts, of it itself: leave the activation out"
        )


def layers(model: keras.Model) -> list[keras.Layer]:
    """Return a model and all layers within it, those of its models and layers too."""
    return list(model._flatten_layers(include_self=True, recursive=True))


def tensors(model: keras.Model, side: str) -> Any:
    """Return the tensors of a side of a model, "input" or "output", as they are nested; None if there are none yet."""
    try:
        return getattr(model, f"{side}s" if isinstance(model, keras.Sequential) else side)
    except (AttributeError, ValueError):
        return None


def _kind(value: Any) -> str:
    return "None" if value is None else f"an object of the type {type(value).__name__}"


def _check_output(name: str, model: keras.Model, output_shape: tuple[int | None, ...]) -> None:
    given = tensors(model, "output")
    shapes = [tuple(tensor.shape) for tensor in keras.tree.flatten(given) if tensor is not None]
    if isinstance(given, dict) or len(shapes) > 1:
        raise UserError(
            f"model {name} returns {_nested(given, 'output')}; it must return one tensor of shape "
            f"{(None, *output_shape)}, "
            "since a study has one loss: return one of them, and make a study of each"
        )
    shape = shapes[0] if shapes else "unknown, for want of a keras.Input"
    if shapes and len(shapes[0]) == 1 + len(output_shape) and shapes[0][0] is not None:
        raise _fixed(name, model, shapes[0][0])
    if not _is_of(shape, (None, *output_shape)):
        *places, outputs = output_shape
        why = ""
        if places:
            next_token = f"the {places[0]} places of a row, whose next token it is to predict"
            why = f", at each of {next_token if places[0] else 'its places, of which it may have any number'}"
        raise UserError(
            f"the output shape of model {name} is {shape}; it must be {(None, *output_shape)}, as its argument "
            f"outputs={outputs} says{why}"
        )


def _is_of(shape: Any, wanted: tuple[int | None, ...]) -> bool:
    """Return whether a shape is that which is wanted: with a number of places where any is."""
    return (
        len(shape) == len(wanted)
        and shape[0] is None
        and all(
            isinstance(size, int) if want is None else size == want
            for size, want in zip(shape[1:], wanted[1:], strict=True)
        )
    )


def _check_input(name: str, model: keras.Model, input_shape: tuple[int, ...]) -> None:
    given = tensors(model, "input")
    flat = keras.tree.flatten(given)
    if isinstance(given, dict) or len(flat) > 1:
        raise UserError(
            f"model {name} takes {_nested(given, 'input')}; it must take one, keras.Input({input_shape}), since a data "
            "set is one array: put all side by side in it, and slice it in the model where parts go different ways"
        )
    if flat[0].dtype == "string":
        raise UserError(f"model {name} takes strings; data sets hold numbers: leave dtype out of keras.Input")
    if found := [kind for kind in ("ragged", "sparse") if getattr(flat[0], kind, False)]:
        raise UserError(
            f"model {name} takes {found[0]} inputs; data sets hold arrays in which all rows have one shape, filled up "
            f"with 0: leave {found[0]} out of keras.Input, and mask with Embedding(…, mask_zero=True) or Masking()"
        )
    batch, *shape = flat[0].shape
    if batch is not None:
        raise _fixed(name, model, batch)
    sizes = zip(shape, input_shape, strict=False)
    if len(shape) != len(input_shape) or any(own not in (None, size) for own, size in sizes):
        raise UserError(
            f"the input shape of model {name} is {(None, *shape)}; it must be {(None, *input_shape)}, as its argument "
            f"input_shape={input_shape} says"
        )


def _fixed(name: str, model: keras.Model, batch: int) -> UserError:
    """Return what is said of a model with a batch size of its own, which one with a state from batch to batch needs."""
    if any(getattr(layer, "stateful", False) for layer in layers(model)):
        return stateful(name)
    return UserError(
        f"model {name} fixes the batch size at {batch}; its keras.Input must have a shape without it, since the batch "
        "size is that of the grid"
    )


def stateful(name: str) -> UserError:
    """Return what is said of a model with a recurrent layer that goes on from the rows before."""
    return UserError(
        f"model {name} has a recurrent layer with stateful=True, which goes on from the batch before; rows are drawn "
        "in a new order in each epoch, in batches of each m, so that none comes before another: leave stateful out, "
        "and make a row of so many steps as the state should reach"
    )


def _nested(given: Any, side: str) -> str:
    if isinstance(given, dict):
        return f"a dict of {side}s ({', '.join(map(str, given))})"
    return f"{len(keras.tree.flatten(given))} {side}s"


def _check_weights(name: str, model: keras.Model) -> None:
    if any(variable._value is None for variable in model.variables):  # made when they were counted (memory.py)
        raise UserError(
            f"model {name}: build returns the same layers each time, so that a run would go on where another ended; "
            "make all layers within build"
        )
    if not model.weights:
        raise UserError(f"model {name} has no weights; there is nothing to train")
    if not model.trainable_variables:
        raise UserError(
            f"none of the {len(model.weights)} weights of model {name} is trainable; set trainable = True for the "
            "layers that are to be trained"
        )


def _check_types(name: str, model: keras.Model, dtype: str) -> None:
    """Raise UserError for numbers of another floating-point type than the recipe's, of less precision say."""
    kept, *others = TYPES.get(dtype, (dtype,))
    for layer in layers(model):
        if mode := getattr(layer, "quantization_mode", None):
            raise UserError(f"layer {layer.name} of model {name} is quantised ({mode}) and cannot be trained so")
    policies = [(layer.name, layer.dtype_policy) for layer in layers(model)]
    found = [(where, policy.compute_dtype) for where, policy in policies if policy.compute_dtype not in others]
    found += [(where, policy.variable_dtype) for where, policy in policies]
    found += [(variable.path, variable.dtype) for variable in model.variables]
    found += [("the input", tensor.dtype) for tensor in keras.tree.flatten(tensors(model, "input"))]
    for where, other in found:
        if other is not None and "float" in other and other != kept:
            raise UserError(
                f"model {name} has {other} in {where}; the dtype of the study is {dtype}: leave dtype out of the "
                "layers, and set it in params.yaml"
            )
