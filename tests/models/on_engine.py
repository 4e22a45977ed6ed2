"""What the networks compute on an engine, in a file: `python -m tests.models.on_engine jax outputs.npz`.

Of each network: its start from a seed; and of two runs, with weights of their own, the outputs in training and in
inference, the gradients of a weighted sum of those in training, and the variables that a pass in training moves. JAX
computes both runs in one compiled program, as in lanes.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.runtime import engine

VOCABULARY, TOKENS, ROWS, RUNS = 11, 6, 5, 2
SMALL_IMAGE = (8, 8, 2)
TEXT, RECURRENT = {"vocabulary": VOCABULARY, "embedding_units": 4}, {"embedding_units": 4, "units": 5}
DEEP = {"layers": 2, "bidirectional": True, "dropout": 0.25}
BLOCKS = {"units": 8, "layers": 2, "heads": 2, "dropout": 0.25}
Case = tuple[str, tuple[int, ...], tuple[int | None, ...], dict[str, Any]]
CASES: dict[str, Case] = {
    "mlp": ("mlp", (7,), (3,), {"hidden_units": [5, 6]}),
    "cnn": ("cnn", (64,), (3,), {"channels": 2, "normalization": "batch"}),
    "resnet": ("resnet", SMALL_IMAGE, (3,), {"depth": 8, "normalization": "batch", "normalization_batch": 2}),
    "alexnet_small": ("alexnet_small", (15, 15, 1), (3,), {"normalization": "batch", "normalization_batch": 2}),
    "resnet50": ("resnet50", SMALL_IMAGE, (3,), {"normalization": "none"}),
    "yolo_small": ("yolo_small", SMALL_IMAGE, (None, 11), {"normalization": "group", "scales": 1}),
    "centernet_small": ("centernet_small", SMALL_IMAGE, (None, 11), {"normalization": "batch"}),
    "bag_of_embeddings": ("bag_of_embeddings", (TOKENS,), (3,), TEXT | {"dropout": 0.25}),
    "lstm": ("lstm", (TOKENS,), (3,), TEXT | RECURRENT),
    "deep lstm": ("lstm", (TOKENS,), (3,), TEXT | RECURRENT | DEEP),
    "gru": ("gru", (TOKENS,), (3,), TEXT | RECURRENT),
    "deep gru": ("gru", (TOKENS,), (3,), TEXT | RECURRENT | DEEP),
    "text_cnn": ("text_cnn", (TOKENS,), (3,), TEXT | {"channels": 2}),
    "text_transformer": ("text_transformer", (TOKENS,), (3,), {"vocabulary": VOCABULARY} | BLOCKS),
    "language_model": ("language_model", (TOKENS,), (TOKENS, VOCABULARY), RECURRENT | {"dropout": 0.25}),
    "gpt_small": ("gpt_small", (TOKENS,), (TOKENS, VOCABULARY), BLOCKS),
}
MIXED = ("cnn", "deep lstm", "text_transformer")
START_ALONE = ("resnet50",)  # its layers are those of resnet


def computed(name: str, dtype: str) -> dict[str, np.ndarray]:
    """Return what a network computes in a type, by names."""
    from batchwise.training import network, row_keys

    model_name, input_shape, output_shape, options = CASES[name]
    how = {"model": {"name": model_name, **options}, "optimizer": {"name": "sgd"}, "budget": {"epochs": 1}}
    recipe = Recipe.model_validate(how | {"dtype": dtype, "engine": engine.used()})
    model = network.build(recipe, input_shape, output_shape, seed=3)
    start = network.start(model, 3)
    found = {f"start {variable}": value for variable, value in zip(network.variables(model), start, strict=True)}
    if name in START_ALONE:
        return found
    weights = [_moved(start, run) for run in range(RUNS)]
    keys = row_keys.of_epoch(0, 0, ROWS)
    run = _on_jax if engine.used() == "jax" else _on_tensorflow
    whole = network.takes_whole_numbers(model)
    for part, values in run(model, weights, _inputs(input_shape, recipe.variable_dtype, whole), keys).items():
        found |= {f"{part} {number}": np.asarray(value, "float64") for number, value in enumerate(values)}
    return found


def _moved(start: list[np.ndarray], run: int) -> list[np.ndarray]:
    """Return weights of a run: not those of the start, where biases are 0."""
    random = np.random.default_rng(run)
    return [
        value + (0.1 * np.abs(random.normal(size=value.shape)) * (value.dtype.kind == "f")).astype(value.dtype)
        for value in start
    ]


def _inputs(shape: tuple[int, ...], dtype: str, whole: bool) -> np.ndarray:
    random = np.random.default_rng(0)
    if not whole:
        return random.normal(size=(ROWS, *shape)).astype(dtype)
    inputs = random.integers(1, VOCABULARY, (ROWS, *shape)).astype("int32")
    inputs[np.arange(TOKENS) >= TOKENS - np.arange(ROWS)[:, None]] = 0  # texts of all lengths
    return inputs


def _on_tensorflow(model: Any, weights: list[list[np.ndarray]], inputs: np.ndarray, keys: np.ndarray) -> dict[str, Any]:
    from batchwise.runtime.tensorflow import tf
    from batchwise.training import network, row_keys

    def program() -> list[Any]:
        with row_keys.given(row_keys.layers(model), tf.constant(keys)), tf.GradientTape() as tape:
            outputs = network.outputs_of(model, tf.constant(inputs), training=True)
            total = tf.reduce_sum(outputs * _signs(outputs.shape, outputs.dtype.name))
        moved = [tf.identity(variable) for variable in model.non_trainable_variables]
        return [
            outputs,
            [tf.convert_to_tensor(each) for each in tape.gradient(total, model.trainable_variables)],
            moved,
        ]

    found = []
    for values in weights:
        _assign(model, values)
        inference = network.outputs_of(model, tf.constant(inputs), training=False)
        outputs, gradients, moved = program()
        found.append([[outputs], [inference], gradients, moved])
    return _named(found)


def _on_jax(model: Any, weights: list[list[np.ndarray]], inputs: np.ndarray, keys: np.ndarray) -> dict[str, Any]:
    from batchwise.runtime.jax import jax
    from batchwise.runtime.keras import keras
    from batchwise.training import row_keys

    def passed(trainable: Any, others: Any, training: bool) -> Any:
        with row_keys.given(row_keys.layers(model), keys):
            outputs, moved = model.stateless_call(trainable, others, inputs, training=training)
        outputs = keras.ops.cast(outputs, model.variable_dtype)
        return (outputs * _signs(outputs.shape, model.variable_dtype)).sum(), (outputs, moved)

    def program(trainable: Any, others: Any) -> Any:
        gradients, (outputs, moved) = jax.grad(passed, has_aux=True)(trainable, others, True)
        return [outputs], [passed(trainable, others, False)[1][0]], gradients, moved

    lanes = []
    for values in weights:
        _assign(model, values)
        lanes.append(
            [[variable.numpy() for variable in of] for of in (model.trainable_variables, model.non_trainable_variables)]
        )
    together = jax.tree.map(lambda *values: np.stack(values), *lanes)
    found = jax.jit(jax.vmap(program))(*together)
    return _named([jax.tree.map(lambda values, run=run: values[run], found) for run in range(len(weights))])


def _assign(model: Any, values: list[np.ndarray]) -> None:
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)


def _signs(shape: Any, dtype: str) -> np.ndarray:
    """Return numbers that differ, by which outputs are weighed."""
    return np.sin(np.arange(np.prod(shape))).reshape(shape).astype(dtype)


def _named(runs: list[Any]) -> dict[str, list[Any]]:
    parts = ("outputs", "inference", "gradient", "moved")
    return {
        f"{part} of run {run}": values
        for run, found in enumerate(runs)
        for part, values in zip(parts, found, strict=True)
    }


def main(used: str, path: str) -> None:
    """Write what all networks compute on an engine."""
    engine.use(used)  # type: ignore[arg-type]
    found = {}
    for name in CASES:
        for dtype in ("float64", "mixed_bfloat16") if name in MIXED else ("float64",):
            found |= {f"{name} {dtype} {part}": value for part, value in computed(name, dtype).items()}
    np.savez(Path(path), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
    assert sys.argv[1] == "tensorflow" or "tensorflow" not in sys.modules
