"""Ghost batch and group normalisation against the formulas of the papers in NumPy, and against Keras."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.models._group_normalization import GroupNormalization
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from tests.differentiation import differentiated, gradients

ops = keras.ops
# Relative to the largest entry. Measured: 4e-15 and 5e-7.
TOLERANCE = {"float64": 1e-13, "float32": 1e-5}
DTYPES = sorted(TOLERANCE)
SHAPES = [(1,), (3,), (2, 3, 2), (1, 1, 4), (5, 2)]

dtypes = st.sampled_from(DTYPES)
shapes = st.sampled_from(SHAPES)
normalization_batches = st.integers(0, 9)
rows = st.integers(1, 8)
seeds = st.integers(0, 2**32 - 1)
examples = settings(max_examples=40)  # of layers that compute step by step


def parts(inputs: np.ndarray, normalization_batch: int) -> list[np.ndarray]:
    """Return the rows that are normalised together, as views."""
    size = normalization_batch or len(inputs)
    return [inputs[start : start + size] for start in range(0, len(inputs), size)]


def moments(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and biased variance of each channel; of complex numbers too, for derivatives."""
    axes = tuple(range(part.ndim - 1))
    mean = part.mean(axes)
    return mean, ((part - mean) ** 2).mean(axes)


def unbiased(part: np.ndarray) -> float:
    """Return what makes the biased variance of a part unbiased; that of one value stays 0."""
    values = part[..., 0].size
    return values / max(values - 1, 1)


def normalised(inputs: np.ndarray, normalization_batch: int, gamma, beta) -> np.ndarray:
    """Ioffe & Szegedy 2015, algorithm 1, for each part."""
    found = []
    for part in parts(inputs, normalization_batch):
        mean, variance = moments(part)
        found.append(gamma * (part - mean) / np.sqrt(variance + 1e-5) + beta)
    return np.concatenate(found)


@contextmanager
def policy(dtype: str) -> Iterator[None]:
    """Let Keras compute in a number type, as the engine does."""
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype.replace("mixed_bfloat16", "float32"))
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def a_layer(normalization_batch: int, shape: tuple[int, ...], dtype: str, seed: int = 0) -> GhostBatchNormalization:
    """Return a layer with random γ and β."""
    with policy(dtype):
        layer = GhostBatchNormalization(normalization_batch)
        layer.build((None, *shape))
    draw_weights(layer, seed)
    return layer


def draw_weights(layer: keras.layers.Layer, seed: int) -> None:
    random = np.random.default_rng(seed)
    for variable in (layer.gamma, layer.beta):
        variable.assign(random.normal(size=variable.shape))


def some_inputs(seed: int, rows: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return whole numbers, so that no difference is small, and its rounding large, beside the numbers themselves."""
    return np.random.default_rng(seed).integers(-4, 9, (rows, *shape)).astype(dtype)


def assert_close(actual, expected, dtype: str) -> None:
    scale = max(1, np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


@examples
@given(dtypes, shapes, rows, normalization_batches, seeds)
def test_training_follows_the_formula(dtype, shape, rows, normalization_batch, seed) -> None:
    layer = a_layer(normalization_batch, shape, dtype, seed)
    inputs = some_inputs(seed, rows, shape, dtype)
    outputs = layer(inputs, training=True)
    assert outputs.dtype == dtype
    assert_close(outputs, normalised(inputs.astype("float64"), normalization_batch, *weights(layer)), dtype)


def weights(layer: keras.layers.Layer) -> list[np.ndarray]:
    return [variable.numpy().astype("float64") for variable in (layer.gamma, layer.beta)]


@examples
@given(dtypes, shapes, rows, normalization_batches, seeds)
def test_gradients_are_the_derivatives_of_the_formula(dtype, shape, rows, normalization_batch, seed) -> None:
    layer = a_layer(normalization_batch, shape, dtype, seed)
    inputs = some_inputs(seed, rows, shape, dtype)
    upstream = np.random.default_rng(seed).normal(size=inputs.shape)

    def loss(x: Any) -> Any:
        return ops.sum(layer(x, training=True) * ops.convert_to_tensor(upstream, dtype))

    found = gradients(loss, [inputs], layer.trainable_variables)

    def loss_of(*values):
        return (upstream * normalised(values[0], normalization_batch, *values[1:])).sum()

    expected = derivatives(loss_of, [inputs.astype("float64"), *weights(layer)])
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, dtype)


def derivatives(function, values: list[np.ndarray], step: float = 1e-30) -> list[np.ndarray]:
    """Return the derivatives of a real function by steps along the imaginary axis, which are exact to rounding."""
    found = [np.zeros_like(value) for value in values]
    for number, value in enumerate(values):
        for index in np.ndindex(value.shape):
            moved = [each.astype("complex128") for each in values]
            moved[number][index] += 1j * step
            found[number][index] = function(*moved).imag / step
    return found


@examples
@given(dtypes, shapes, st.lists(rows, min_size=1, max_size=4), normalization_batches, seeds)
def test_inference_uses_averages_over_a_number_of_examples(dtype, shape, batches, normalization_batch, seed) -> None:
    layer = a_layer(normalization_batch, shape, dtype, seed)
    seen: list[tuple[float, np.ndarray, np.ndarray]] = []  # weight, mean, variance of each call
    for number, size in enumerate(batches):
        inputs = some_inputs(seed + number, size, shape, dtype)
        layer(inputs, training=True)
        inputs = inputs.astype("float64")
        groups = parts(inputs, normalization_batch)
        means = [moments(part)[0] for part in groups]
        variances = [moments(part)[1] * unbiased(part) for part in groups]
        kept, sizes = 0.9 ** (size / 128), [len(part) for part in groups]
        seen = [(kept * weight, *before) for weight, *before in seen]
        seen.append((1 - kept, *(np.average(each, axis=0, weights=sizes) for each in (means, variances))))
    weighted, all_means, all_variances = zip(*seen, strict=True)
    mean, variance = (np.average(each, axis=0, weights=weighted) for each in (all_means, all_variances))
    gamma, beta = weights(layer)
    outputs = layer(inputs.astype(dtype), training=False)
    assert_close(layer.moving_mean, mean, dtype)
    assert_close(layer.moving_variance, variance, dtype)
    assert_close(outputs, gamma * (inputs - mean) / np.sqrt(variance + 1e-5) + beta, dtype)


@examples
@given(dtypes, shapes, rows, st.integers(1, 4), seeds)
def test_the_horizon_is_the_same_at_each_batch_size(dtype, shape, rows, times, seed) -> None:
    inputs = some_inputs(seed, rows, shape, dtype)
    in_one, one_by_one = a_layer(rows, shape, dtype), a_layer(rows, shape, dtype)
    in_one(np.concatenate([inputs] * times), training=True)
    for _ in range(times):
        one_by_one(inputs, training=True)
    assert_close(one_by_one.moving_mean, in_one.moving_mean.numpy(), dtype)
    assert_close(one_by_one.moving_variance, in_one.moving_variance.numpy(), dtype)
    assert_close(one_by_one.moving_weight, in_one.moving_weight.numpy(), dtype)


@examples
@given(dtypes, shapes, st.integers(2, 12), st.integers(1, 6), seeds)
def test_parts_do_not_influence_each_other(dtype, shape, rows, normalization_batch, seed) -> None:
    layer = a_layer(normalization_batch, shape, dtype, seed)
    inputs = some_inputs(seed, rows, shape, dtype)
    before = np.asarray(layer(inputs, training=True))
    for number, part in enumerate(parts(inputs, normalization_batch)):
        changed = inputs.copy()
        parts(changed, normalization_batch)[number][:] = 7 * part - 3
        after = np.asarray(layer(changed, training=True))
        for other, values in enumerate(parts(after, normalization_batch)):
            if other != number:
                assert values.tobytes() == parts(before, normalization_batch)[other].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3,), (4, 4, 3)])
@pytest.mark.parametrize("normalization_batch", [0, 128, 1000])
def test_a_whole_batch_is_that_of_keras(dtype, shape, normalization_batch) -> None:
    """At 128 rows the moving averages are those of Keras with a momentum of 0.9, too.

    Keras counts its start as if it had been seen, and averages the biased variance.
    """
    layer = a_layer(normalization_batch, shape, dtype)
    with policy(dtype):
        of_keras = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        of_keras.build((None, *shape))
    layer.moving_weight.assign(1)
    for variable, value in zip(of_keras.variables, layer.variables[:4], strict=True):
        variable.assign(value)
    inputs = some_inputs(0, 128, shape, dtype)
    assert_close(layer(inputs, training=True), np.asarray(of_keras(inputs, training=True)), dtype)
    of_keras.moving_variance.assign(0.9 + (of_keras.moving_variance - 0.9) * unbiased(inputs))
    for variable, value in zip(layer.variables[:4], of_keras.variables, strict=True):
        assert variable.name == value.name
        assert_close(variable, value.numpy(), dtype)
    assert_close(layer(inputs, training=False), np.asarray(of_keras(inputs, training=False)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("normalization_batch", [0, 4])
def test_it_is_the_same_when_xla_compiles_it(dtype, normalization_batch) -> None:
    layer = a_layer(normalization_batch, (3, 3, 2), dtype)
    inputs = some_inputs(0, 10, (3, 3, 2), dtype)

    start = [variable.numpy() for variable in layer.variables]
    expected = passed(layer, inputs)
    for variable, value in zip(layer.variables, start, strict=True):
        variable.assign(value)
    for one, other in zip(passed(layer, inputs, xla=True), expected, strict=True):
        assert_close(one, np.asarray(other), dtype)


def passed(layer: keras.layers.Layer, inputs: np.ndarray, **of_program: bool) -> list[Any]:
    """Return the outputs of a layer in training and in inference, and the gradients of a sum of the first."""

    def step(inputs: Any) -> tuple[Any, ...]:
        outputs = layer(inputs, training=True)
        return ops.sum(outputs**3), outputs, layer(inputs, training=False)

    (_, *outputs), found = differentiated(step, [inputs], layer.trainable_variables, **of_program)
    return [*outputs, *found]


def test_variables_and_their_start() -> None:
    layer = GhostBatchNormalization(4)
    layer.build((None, 5, 5, 2))
    assert layer.normalization_batch == 4
    names = ["gamma", "beta", "moving_mean", "moving_variance", "moving_weight"]
    assert [variable.name for variable in layer.variables] == names
    assert [variable.numpy().tolist() for variable in layer.variables] == [[1, 1], [0, 0], [0, 0], [1, 1], 0]
    assert layer.trainable_variables == layer.variables[:2]


GROUPED = st.sampled_from([(1, (2, 3, 2)), (2, (2, 3, 2)), (2, (3, 1, 4)), (4, (1, 1, 4)), (3, (2, 2, 6))])


def a_group_layer(groups: int, shape: tuple[int, ...], dtype: str, seed: int = 0) -> GroupNormalization:
    """Return a layer with random γ and β."""
    with policy(dtype):
        layer = GroupNormalization(groups)
        layer.build((None, *shape))
    draw_weights(layer, seed)
    return layer


def normalised_by_groups(inputs: np.ndarray, groups: int, gamma, beta) -> np.ndarray:
    """Wu & He 2018, equations 1, 2, 6 and 7: the statistics of each row's groups of channels."""
    found = np.empty_like(inputs)
    size = inputs.shape[-1] // groups
    for row, first in np.ndindex(len(inputs), groups):
        channels = slice(first * size, (first + 1) * size)
        part = inputs[row, ..., channels]
        mean = part.mean()
        found[row, ..., channels] = (part - mean) / np.sqrt(((part - mean) ** 2).mean() + 1e-5)
    return gamma * found + beta


@examples
@given(dtypes, GROUPED, rows, seeds)
def test_groups_and_their_gradients_follow_the_formula(dtype, grouped, rows, seed) -> None:
    groups, shape = grouped
    layer = a_group_layer(groups, shape, dtype, seed)
    inputs = some_inputs(seed, rows, shape, dtype)
    upstream = np.random.default_rng(seed).normal(size=inputs.shape)

    def normalise(x: Any) -> tuple[Any, Any]:
        outputs = layer(x)
        return ops.sum(outputs * ops.convert_to_tensor(upstream, dtype)), outputs

    (_, outputs), found = differentiated(normalise, [inputs], layer.trainable_variables)
    assert outputs.dtype == dtype
    values = [inputs.astype("float64"), *weights(layer)]
    assert_close(outputs, normalised_by_groups(values[0], groups, *values[1:]), dtype)
    expected = derivatives(lambda x, *of: (upstream * normalised_by_groups(x, groups, *of)).sum(), values)
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("xla", [False, True])
def test_groups_are_those_of_keras_compiled_or_not(dtype, xla) -> None:
    shape, groups = (5, 4, 16), 8
    layer = a_group_layer(groups, shape, dtype)
    with policy(dtype):
        of_keras = keras.layers.GroupNormalization(groups, epsilon=1e-5)
        of_keras.build((None, *shape))
    for variable, value in zip(of_keras.variables, layer.variables, strict=True):
        assert variable.name == value.name
        variable.assign(value)
    inputs = some_inputs(0, 6, shape, dtype)
    for one, other in zip(passed(layer, inputs, xla=xla), passed(of_keras, inputs), strict=True):
        assert_close(one, np.asarray(other), dtype)


@examples
@given(dtypes, GROUPED, st.integers(2, 6), seeds)
def test_rows_do_not_influence_each_other(dtype, grouped, rows, seed) -> None:
    groups, shape = grouped
    layer = a_group_layer(groups, shape, dtype, seed)
    inputs = some_inputs(seed, rows, shape, dtype)
    changed = np.concatenate([inputs[:1], 7 * inputs[1:] - 3])
    assert np.asarray(layer(changed))[0].tobytes() == np.asarray(layer(inputs))[0].tobytes()


def test_channels_must_be_a_multiple_of_the_groups() -> None:
    with pytest.raises(ValueError, match="there are 6 channels; it must be a multiple of 4, the groups"):
        GroupNormalization(4).build((None, 5, 5, 6))


def test_statistics_of_groups_are_of_float32_in_mixed_bfloat16() -> None:
    layer = a_group_layer(2, (4, 4, 4), "mixed_bfloat16")
    inputs = ops.cast(some_inputs(0, 3, (4, 4, 4), "float32"), "bfloat16")
    outputs = layer(inputs)
    assert outputs.dtype == "bfloat16"
    expected = normalised_by_groups(np.asarray(inputs).astype("float64"), 2, *weights(layer))
    np.testing.assert_allclose(np.asarray(outputs).astype("float64"), expected, rtol=2**-8, atol=1e-5)
