"""The networks are those of the papers: their parameters, layers, start, and outputs, which NumPy computes again."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import describe
from batchwise.config.recipe import Recipe, check_options
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.models import alexnet_small, cnn, resnet, resnet50
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from batchwise.training import trainers
from tests.differentiation import derivative
from tests.models.test_normalization import normalised, policy
from tests.project import of_engine

CIFAR = (32, 32, 3)
TOLERANCE = 1e-12  # of float64, relative to the largest entry; measured: 3e-14


def count(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def layers(model: keras.Model, *kinds: type) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kinds)]


# Parameters


def resnet_parameters(depth: int, per_channel: int, classes: int = 10) -> int:
    """He et al. 2015, arXiv 1512.03385, section 4.2: 3×3 kernels, option A, and what each channel has beside them."""
    blocks = (depth - 2) // 6
    convolutions = [(3, 16), *[(16, 16)] * 2 * blocks]
    for channels in (32, 64):
        convolutions += [(channels // 2, channels), *[(channels, channels)] * (2 * blocks - 1)]
    return sum(9 * before * after + per_channel * after for before, after in convolutions) + 64 * classes + classes


@pytest.mark.parametrize(
    ("depth", "normalization", "parameters"),
    [  # He et al. 2015, table 6: 0.27 M for depth 20, 0.46 M for 32; none there for 8.
        (8, "batch", 75_290),
        (20, "batch", 269_722),
        (32, "batch", 464_154),
        (8, "none", 75_050),
    ],
)
def test_parameters_of_resnet(depth, normalization, parameters) -> None:
    model = resnet.build(CIFAR, 10, depth=depth, normalization=normalization)
    assert count(model) == parameters == resnet_parameters(depth, {"batch": 2, "none": 1}[normalization])


def test_parameters_of_resnet50() -> None:
    """torchvision's documentation of ResNet50_Weights: num_params 25557032, with γ and β, without moving averages."""
    model = resnet50.build((224, 224, 3), 1000, normalization="batch")
    assert count(model) == 25_557_032
    # 3 + 4 + 6 + 3 blocks of three, the first and the last layer; four projections, which are not counted.
    assert len(layers(model, keras.layers.Conv2D, keras.layers.Dense)) == 50 + 4


@pytest.mark.parametrize(
    ("normalization", "normalised_channels"), [("none", 0), ("batch_conv_only", 288), ("batch", 800)]
)
def test_parameters_of_alexnet_small(normalization, normalised_channels) -> None:
    """Masters & Luschi 2018, section 3.1, by hand; 3 × 3 pixels remain of 32 × 32. γ and β stand in for a bias."""
    kernels = 25 * 3 * 16 + 9 * 16 * 48 + 9 * 48 * 96 + 9 * 96 * 64 + 9 * 64 * 64
    dense = 3 * 3 * 64 * 256 + 256 * 256 + 256 * 10
    biases = 16 + 48 + 96 + 64 + 64 + 256 + 256 + 10
    model = alexnet_small.build(CIFAR, 10, normalization=normalization)
    assert count(model) == kernels + dense + biases + normalised_channels


# Layers


@pytest.mark.parametrize(("normalization", "per_channel"), [("none", 1), ("batch", 2)])
@pytest.mark.parametrize("shape", [(64,), (8, 8, 1)])
def test_parameters_of_cnn(shape, normalization, per_channel) -> None:
    model = cnn.build(shape, 10, channels=8, normalization=normalization)
    expected = 9 * (1 * 8 + 8 * 16) + per_channel * (8 + 16) + 16 * 10 + 10
    assert count(model) == expected == {"none": 1418, "batch": 1442}[normalization]


@pytest.mark.parametrize("depth", [8, 20, 32])
def test_depth_counts_the_layers_with_weights(depth) -> None:
    model = resnet.build(CIFAR, 10, depth=depth, normalization="batch", normalization_batch=4)
    assert len(layers(model, keras.layers.Conv2D, keras.layers.Dense)) == depth
    assert [layer.normalization_batch for layer in layers(model, GhostBatchNormalization)] == [4] * (depth - 1)


@pytest.mark.parametrize(("normalization", "expected"), [("none", 0), ("batch_conv_only", 5), ("batch", 7)])
def test_where_alexnet_small_normalises(normalization, expected) -> None:
    model = alexnet_small.build(CIFAR, 10, normalization=normalization, normalization_batch=0)
    assert len(layers(model, GhostBatchNormalization)) == expected
    with_weights = layers(model, keras.layers.Conv2D, keras.layers.Dense)
    assert [layer.use_bias for layer in with_weights] == [False] * expected + [True] * (8 - expected)


def test_dropout_follows_the_dense_hidden_layers() -> None:
    model = alexnet_small.build(CIFAR, 10, normalization="none", dropout=0.5)
    assert [layer.rate for layer in layers(model, keras.layers.Dropout)] == [0.5, 0.5]
    assert not layers(alexnet_small.build(CIFAR, 10, normalization="none"), keras.layers.Dropout)


# Outputs, by NumPy


def convolve(images: np.ndarray, kernel: np.ndarray, strides: int) -> np.ndarray:
    """Return the cross-correlation with as many zeros on each side: [B, H, W, C] and [k, k, C, D] → [B, …, D]."""
    border = len(kernel) // 2
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))[:, ::strides, ::strides]
    return np.tensordot(windows, kernel, ((3, 4, 5), (2, 0, 1)))


def pool(images: np.ndarray, border: int = 0) -> np.ndarray:
    """Return the largest of 3 × 3 pixels at every second one, with a border of -∞."""
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))


def relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def half(images: np.ndarray, channels: int) -> np.ndarray:
    """Option A."""
    shortcut = np.zeros((len(images), *images[0, ::2, ::2, 0].shape, channels))
    shortcut[..., : images.shape[-1]] = images[:, ::2, ::2]
    return shortcut


def weighted_layers(model: keras.Model, normalization_batch: int) -> Iterator[Callable]:
    """Return the layers with weights as functions of (values, strides), up to their activation, in an iterator."""
    normalisations = iter(layers(model, GhostBatchNormalization))

    def function(layer):
        kernel = layer.kernel.numpy()
        normalisation = None if layer.use_bias else next(normalisations)

        def apply(values, strides=1):
            values = convolve(values, kernel, strides) if kernel.ndim == 4 else values @ kernel
            if normalisation is None:
                return values + layer.bias.numpy()
            return normalised(values, normalization_batch, normalisation.gamma.numpy(), normalisation.beta.numpy())

        return apply

    return iter([function(layer) for layer in layers(model, keras.layers.Conv2D, keras.layers.Dense)])


def alexnet_small_by_numpy(layer, images: np.ndarray) -> np.ndarray:
    for pooled in (True, True, False, False, True):
        images = relu(next(layer)(images))
        images = pool(images) if pooled else images
    hidden = relu(next(layer)(images.reshape(len(images), -1)))
    hidden = relu(next(layer)(hidden))
    return next(layer)(hidden)


def resnet_by_numpy(layer, images: np.ndarray, blocks: int) -> np.ndarray:
    hidden = relu(next(layer)(images))
    for number in range(3 * blocks):
        halves = number in (blocks, 2 * blocks)
        shortcut = half(hidden, 2 * hidden.shape[-1]) if halves else hidden
        hidden = relu(next(layer)(hidden, 2 if halves else 1))
        hidden = relu(next(layer)(hidden) + shortcut)
    return next(layer)(hidden.mean((1, 2)))


def resnet50_by_numpy(layer, images: np.ndarray) -> np.ndarray:
    hidden = pool(relu(next(layer)(images, 2)), border=1)
    for number in range(16):
        strides = 2 if number in (3, 7, 13) else 1
        inputs = hidden
        hidden = relu(next(layer)(inputs))
        hidden = relu(next(layer)(hidden, strides))
        hidden = next(layer)(hidden)
        shortcut = next(layer)(inputs, strides) if number in (0, 3, 7, 13) else inputs
        hidden = relu(hidden + shortcut)
    return next(layer)(hidden.mean((1, 2)))


def cnn_by_numpy(layer, images: np.ndarray) -> np.ndarray:
    hidden = relu(next(layer)(images))
    hidden = relu(next(layer)(hidden, 2))
    return next(layer)(hidden.mean((1, 2)))


def assert_same_outputs(build, by_numpy, shape: tuple[int, ...], normalization_batch: int, **options) -> None:
    """Compare the outputs in training for seven images, with random biases, γ and β.

    Not with parts of two: two values that happen to be close are set apart, and their rounding errors with them.
    """
    random = np.random.default_rng(0)
    with policy("float64"):
        model = build(shape, 3, normalization_batch=normalization_batch, **options)
        for variable in model.trainable_variables:
            if variable.name != "kernel":
                variable.assign(1 + random.normal(0, 0.1, variable.shape))
        images = random.normal(size=(7, *shape))
        outputs = np.asarray(model(images, training=True))
    expected = by_numpy(weighted_layers(model, normalization_batch), images)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(15, 15, 3), (16, 23, 1), CIFAR])
@pytest.mark.parametrize(("normalization", "k"), [("none", 0), ("batch_conv_only", 0), ("batch", 4)])
def test_outputs_of_alexnet_small(shape, normalization, k) -> None:
    assert_same_outputs(alexnet_small.build, alexnet_small_by_numpy, shape, k, normalization=normalization)


@pytest.mark.parametrize("shape", [(8, 8, 3), (7, 9, 1)])
@pytest.mark.parametrize(("normalization", "k"), [("none", 0), ("batch", 0), ("batch", 4)])
@pytest.mark.parametrize("depth", [8, 14])
def test_outputs_of_resnet(depth, shape, normalization, k) -> None:
    def by_numpy(layer, images):
        return resnet_by_numpy(layer, images, depth // 6)

    assert_same_outputs(resnet.build, by_numpy, shape, k, normalization=normalization, depth=depth)


@pytest.mark.parametrize("shape", [(8, 8, 3), (7, 9, 1)])
@pytest.mark.parametrize(("normalization", "k"), [("none", 0), ("batch", 0), ("batch", 4)])
def test_outputs_of_cnn(shape, normalization, k) -> None:
    assert_same_outputs(cnn.build, cnn_by_numpy, shape, k, normalization=normalization, channels=4)


def test_a_row_of_numbers_is_a_square_image_to_cnn() -> None:
    """Line by line, as the images of handwritten digits are."""
    flat, square = (cnn.build(shape, 3, channels=2, normalization="none") for shape in ((64,), (8, 8, 1)))
    flat.set_weights(square.get_weights())
    images = np.random.default_rng(0).normal(size=(5, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(flat(images.reshape(5, 64)), square(images))


def test_outputs_of_resnet50() -> None:
    assert_same_outputs(resnet50.build, resnet50_by_numpy, (40, 35, 3), 4, normalization="batch")


# The start, and training


@pytest.mark.parametrize(
    ("network", "options"),
    [
        (resnet, {"depth": 8, "normalization": "none"}),
        (cnn, {"channels": 32, "normalization": "none"}),
        *((each, {"normalization": "batch"}) for each in (alexnet_small, resnet50)),
    ],
    ids=["resnet", "cnn", "alexnet_small", "resnet50"],
)
def test_weights_start_as_he_proposes(network, options) -> None:
    """Mean 0 and variance 2 / fan-in, each within five standard errors of a sample of that size; biases are 0."""
    keras.utils.set_random_seed(0)
    for layer in layers(network.build(CIFAR, 10, **options), keras.layers.Conv2D, keras.layers.Dense):
        kernel = layer.kernel.numpy().astype("float64")
        deviation = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        assert abs(kernel.mean()) < 5 * deviation / np.sqrt(kernel.size)
        assert abs(kernel.std() / deviation - 1) < 5 / np.sqrt(2 * kernel.size)
        assert not layer.use_bias or not layer.bias.numpy().any()


NETWORKS = [
    ("alexnet_small", {"normalization": "none"}),
    ("alexnet_small", {"normalization": "batch", "normalization_batch": 4, "dropout": 0.25}),
    ("resnet", {"depth": 8, "normalization": "none"}),
    ("resnet", {"depth": 8, "normalization": "batch", "normalization_batch": 4}),
    ("cnn", {"channels": 4, "normalization": "batch", "normalization_batch": 4}),
]


def images_of(rows: int, side: int, seed: int) -> Split:
    """Return images of which each class has more in a channel of its own."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, rows).astype("int32")
    inputs = random.normal(size=(rows, side, side, 3)) + 0.5 * np.eye(3)[labels][:, None, None]
    return Split(inputs.astype("float32"), labels)


def trainer(name: str, options: dict) -> Any:
    description = Description("images", "multiclass_classification", "none", "none")
    data = DataSet(description, ("red", "green", "blue"), *(images_of(rows, 16, rows) for rows in (26, 8, 7)))
    how = {"model": {"name": name, **options}, "optimizer": {"name": "sgd"}, "budget": {"epochs": 8}}
    return trainers.load(data, Recipe.model_validate(how | of_engine(lanes=1)))


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_the_engine_trains_them_and_can_do_it_again(name, options) -> None:
    made = trainer(name, options)
    result, again = (made.run(8, 2.0**-7, seed=0) for _ in range(2))
    assert result.status == "ok"
    loss = result.metrics["loss"]
    assert loss[-1, 0] < loss[0, 0]
    assert loss.tobytes() == again.metrics["loss"].tobytes()
    assert all(again.weights[name].tobytes() == weights.tobytes() for name, weights in result.weights.items())


def test_resnet50_trains() -> None:
    """By Adam: with few rows and pixels its gradients are too large for a fixed rate."""
    keras.utils.set_random_seed(0)
    model = resnet50.build((32, 32, 3), 3, normalization="batch")
    optimizer, images, losses = keras.optimizers.Adam(3e-4), images_of(8, 32, 0), []

    def mean_loss() -> list[Any]:
        outputs = model(images.inputs, training=True)
        each = keras.losses.sparse_categorical_crossentropy(images.labels, outputs, from_logits=True)
        return [keras.ops.mean(each)]

    step = derivative(mean_loss, model.trainable_variables)
    for _ in range(4):
        [loss], gradients = step()
        optimizer.apply(gradients, model.trainable_variables)
        losses.append(loss)
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_a_seed_decides_the_weights(name, options) -> None:
    def weights(seed):
        keras.utils.set_random_seed(seed)
        model = plugins.load("models", name).build(CIFAR, 10, **options)
        return [(variable.name, variable.numpy().tobytes()) for variable in model.variables]

    assert weights(1) == weights(1) != weights(2)


# Mistakes


@pytest.mark.parametrize(
    ("name", "shape", "options", "sentence"),
    [
        ("resnet", (64,), {"depth": 8}, "the inputs have shape (64,); it must be (height, width, channels)"),
        ("alexnet_small", (14, 28, 1), {}, "the images are 14 × 28; they must be 15 × 15 or larger"),
        ("cnn", (60,), {"channels": 2}, "the inputs have 60 numbers, which are no square image"),
        ("alexnet_small", CIFAR, {"dropout": 1.0}, "dropout is 1.0; it must be 0 or more, and less than 1"),
        *(
            (
                name,
                CIFAR,
                {"normalization": "none", "normalization_batch": 4, **depth},
                "normalization_batch is 4; it must be 0 where normalization is none",
            )
            for name, depth in (("resnet", {"depth": 8}), ("resnet50", {}), ("alexnet_small", {}))
        ),
    ],
)
def test_mistakes_get_a_sentence(name, shape, options, sentence) -> None:
    with pytest.raises(ValueError) as error:
        plugins.load("models", name).build(shape, 10, **{"normalization": "batch", **options})
    assert str(error.value) == sentence


def test_the_engine_passes_the_sentence_on() -> None:
    with pytest.raises(
        UserError, match=r"model resnet cannot be built with .*: normalization_batch is 4; it must be 0"
    ):
        trainer("resnet", {"depth": 8, "normalization": "none", "normalization_batch": 4})


def test_a_depth_that_no_resnet_has_is_told_before_anything_runs() -> None:
    with pytest.raises(ValidationError) as caught:
        check_options("models", "resnet", {"depth": 9, "normalization": "batch"})
    assert describe(caught.value.errors()[0]).startswith("depth is 9; it must be 8, 14, 20")
