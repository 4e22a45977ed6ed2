"""Detectors: their parameters, layers and places; and they reach what is known of the synthetic shapes."""

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.models import _boxes, centernet_small, yolo_small
from batchwise.models._group_normalization import GroupNormalization
from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from batchwise.training import trainers
from tests.project import of_engine

SHAPE = (64, 96, 3)
CLASSES = 3
OUTPUTS = CLASSES + 8
# {name: (model, options, strides of the grids)}
DETECTORS = {
    "centernet_small": (centernet_small, {}, (4,)),
    "yolo_small": (yolo_small, {}, (8, 16, 32)),
    "yolo_small on one scale": (yolo_small, {"scales": 1}, (8,)),
}
ALL = pytest.mark.parametrize(("network", "options", "strides"), DETECTORS.values(), ids=DETECTORS)
# Size of the kernel and channels before and after, of each convolution with a normalisation.
CONVOLUTIONS = {
    "centernet_small": [
        *[(3, 3, 16), (3, 16, 32), (3, 32, 32)],
        *[(3, 32, 48), (3, 48, 48), (3, 48, 48)],
        *[(1, 48, 32), (3, 32, 32)],
    ],
    "yolo_small": [
        *[(3, 3, 16), (3, 16, 32), (3, 32, 32), (3, 32, 48), (3, 48, 48), (3, 48, 64), (3, 64, 64)],
        *[(1, 64, 32), (3, 32, 32)] * 2,
        *[(1, 48, 32), (3, 32, 32)],
    ],
    "yolo_small on one scale": [
        *[(3, 3, 16), (3, 16, 32), (3, 32, 32), (3, 32, 48), (3, 48, 64), (3, 64, 64), (3, 64, 32)]
    ],
}
TRAINABLE = {"centernet_small": 81_111, "yolo_small": 148_293, "yolo_small on one scale": 111_831}


def count(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def layers(model: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(("normalization", "per_channel"), [("none", 1), ("batch", 2), ("group", 2)])
@pytest.mark.parametrize("name", DETECTORS)
def test_parameters_by_hand(name, normalization, per_channel) -> None:
    """Kernels, biases or γ and β of the layers, and of each grid a kernel from 32 channels, with biases."""
    network, options, strides = DETECTORS[name]
    layers_ = sum(size**2 * before * after + per_channel * after for size, before, after in CONVOLUTIONS[name])
    expected = layers_ + len(strides) * (32 + 1) * (CLASSES + 4)
    assert count(network.build(SHAPE, OUTPUTS, normalization=normalization, **options)) == expected
    assert normalization != "batch" or expected == TRAINABLE[name]


@ALL
def test_every_layer_but_those_of_the_outputs_is_normalised(network, options, strides) -> None:
    for normalization, kind in {"batch": GhostBatchNormalization, "group": GroupNormalization}.items():
        k = 4 if normalization == "batch" else 0
        model = network.build(SHAPE, OUTPUTS, normalization=normalization, normalization_batch=k, **options)
        convolutions = layers(model, keras.layers.Conv2D)
        normalised = len(convolutions) - len(strides)
        assert len(layers(model, kind)) == normalised > 6
        assert [layer.use_bias for layer in convolutions].count(False) == normalised
        assert all(layer.normalization_batch == k for layer in layers(model, GhostBatchNormalization))
    model = network.build(SHAPE, OUTPUTS, normalization="none", **options)
    assert not layers(model, GhostBatchNormalization) + layers(model, GroupNormalization)
    assert all(layer.use_bias for layer in layers(model, keras.layers.Conv2D))


@ALL
def test_places_have_their_cells_for_reference_boxes_and_chances_start_low(network, options, strides) -> None:
    keras.utils.set_random_seed(0)
    model = network.build(SHAPE, OUTPUTS, normalization="group", **options)
    outputs = np.asarray(model(np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")))
    cells = [
        ((column + 0.5) * stride / 96, (row + 0.5) * stride / 64, stride / 96, stride / 64)
        for stride in strides
        for row in range(64 // stride)
        for column in range(96 // stride)
    ]
    assert outputs.shape == model.compute_output_shape((2, *SHAPE)) == (2, len(cells), OUTPUTS)
    for of_row in outputs:
        np.testing.assert_allclose(of_row[:, -4:], cells, rtol=1e-6)
    chances, sides = 1 / (1 + np.exp(-outputs[..., :CLASSES])), np.exp(outputs[..., CLASSES + 2 : CLASSES + 4])
    assert 0.02 < np.median(chances) < 0.3
    assert 1 < np.median(sides) < 6  # cells


@ALL
def test_the_outputs_of_a_row_do_not_depend_on_others_in_inference(network, options, strides) -> None:
    model = network.build(SHAPE, OUTPUTS, normalization="batch", **options)
    images = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype("float32")
    alone = [np.asarray(model(images[row : row + 1]))[0] for row in range(3)]
    np.testing.assert_allclose(model(images), alone, rtol=1e-4, atol=1e-5)


def test_places_are_made_again_from_their_configuration() -> None:
    places = _boxes.Places(8, (64, 96))
    again = _boxes.Places.from_config(places.get_config())
    values = np.zeros((1, 8, 12, 5), "float32")
    np.testing.assert_array_equal(places(values), again(values))


@pytest.mark.parametrize(
    ("name", "shape", "options", "sentence"),
    [
        (
            "yolo_small",
            (120, 160, 3),
            {},
            "the images are 120 × 160; the sides must be multiples of 32, as grids are",
        ),
        ("yolo_small", (60, 64, 3), {"scales": 1}, "the images are 60 × 64; the sides must be multiples of 8"),
        ("centernet_small", (64, 100, 3), {}, "the images are 64 × 100; the sides must be multiples of 8"),
        ("centernet_small", (4, 64, 3), {}, "the images are 4 × 64; they must be 8 × 8 or larger"),
        ("yolo_small", (64,), {}, "the inputs have shape (64,); it must be (height, width, channels)"),
        *(
            (
                name,
                SHAPE,
                {"normalization": normalization, "normalization_batch": 4},
                f"normalization_batch is 4; it must be 0 where normalization is {normalization}",
            )
            for name in ("yolo_small", "centernet_small")
            for normalization in ("none", "group")
        ),
    ],
)
def test_mistakes_get_a_sentence(name, shape, options, sentence) -> None:
    with pytest.raises(ValueError) as error:
        plugins.load("models", name).build(shape, OUTPUTS, **{"normalization": "batch", **options})
    assert str(error.value).startswith(sentence)


# What is known of the shapes


@pytest.fixture(scope="module")
def shapes() -> DataSet:
    sizes = {"train_rows": 600, "validation_rows": 0, "test_rows": 150}
    return plugins.load("datasets", "shapes").prepare(size=64, objects=3, seed=0, **sizes)


EPOCHS = {"centernet_small": 12, "yolo_small": 12}


@pytest.mark.parametrize(("name", "epochs"), [*EPOCHS.items()])
def test_a_detector_finds_nearly_all_shapes(name, epochs, shapes) -> None:
    recipe = {
        "model": {"name": name, "normalization": "batch"},
        "optimizer": {"name": "adam", "ema_half_life": 70},
        "budget": {"epochs": epochs},
        "augmentation": {"pad": 4, "flip": True},
        "scores_every": epochs,
        **of_engine(lanes=1),
    }
    result = trainers.load(shapes, Recipe.model_validate(recipe)).run(8, 0.008, seed=0)
    assert result.metrics["ap50"][-1, 2] > 0.98
    assert result.predictions.shape == (150, 200, 6) and len(result.by_row["ap50"]) == 150
