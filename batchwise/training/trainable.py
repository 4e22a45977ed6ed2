"""The layers of a model that train, where a recipe names them: the others stay as they start."""

from batchwise.common.errors import UserError
from batchwise.common.messages import cut, unknown
from batchwise.runtime.keras import keras


def train_only(model_name: str, model: keras.Model, chosen: list[str], names: dict[str, str]) -> None:
    """Let the layers of the chosen names train, those within them too, and no others.

    `names` are those of layers by the names that they have in this process. A layer that does not train is frozen as
    Keras has it: normalisation then works with its moving averages. Raises UserError for a name that no layer has, or
    only layers without weights that train.
    """
    layers = [
        (names.get(layer.name, layer.name), layer, {id(weight) for weight in layer.trainable_variables})
        for layer in model._flatten_layers(include_self=False, recursive=True)
    ]
    place = {id(weight): number for number, weight in enumerate(model.trainable_variables)}
    ordered = sorted(
        (min(place[weight] for weight in weights), -len(weights), name) for name, _, weights in layers if weights
    )
    known = list(dict.fromkeys(name for *_, name in ordered))
    for name in chosen:
        if name not in known:
            raise UserError(_refusal(model_name, name, known, {name for name, *_ in layers}))
    trained = set().union(*(weights for name, _, weights in layers if name in chosen))
    for _, layer, weights in layers:
        if weights and not weights & trained:
            layer.trainable = False
    for weight in model.trainable_variables:  # of a layer that does not train, with one in it that does
        if id(weight) not in trained:
            weight.trainable = False


def _refusal(model_name: str, name: str, known: list[str], others: set[str]) -> str:
    if name in others:
        return (
            f"trainable: the layer {name} of model {model_name} has no weights that train; layers that have some: "
            f"{cut(', '.join(known), 200)}"
        )
    return f"trainable: {unknown(f'layer of model {model_name}', name, known)}"
