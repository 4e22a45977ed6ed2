"""Random crops and flips, drawn in NumPy and applied on the device, against an independent implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.config.recipe import Augmentation
from batchwise.runtime.tensorflow import tf
from batchwise.training import random_streams
from batchwise.training.augmentation import draws
from batchwise.training.device_data import augment
from tests import reference

PAPER = Augmentation(pad=4, flip=True)
SEEDS = st.integers(0, 2**32 - 1)


@given(
    seed=SEEDS,
    pad=st.integers(0, 6),
    flip=st.booleans(),
    rows=st.integers(1, 7),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4)),
)
def test_images_are_those_of_the_definition_bit_for_bit(seed, pad, flip, rows, shape) -> None:
    images = np.random.default_rng(seed).normal(size=(rows, *shape)).astype("float32")
    augmentation = Augmentation.model_construct(pad=pad, flip=flip)
    drawn = draws(augmentation, seed, 3, rows)
    found = augment(tf.constant(images), tf.constant(drawn), pad).numpy()
    np.testing.assert_array_equal(found, reference.augment(images, drawn, pad))


@given(seed=SEEDS, epoch=st.integers(0, 500), pad=st.integers(0, 8), flip=st.booleans())
def test_draws_are_in_range(seed, epoch, pad, flip) -> None:
    drawn = draws(Augmentation.model_construct(pad=pad, flip=flip), seed, epoch, 200)
    assert drawn.dtype == np.int32 and drawn.shape == (200, 3)
    assert drawn.min() >= 0 and drawn[:, :2].max() <= 2 * pad and drawn[:, 2].max() <= flip


def test_every_crop_and_both_sides_are_drawn_about_as_often() -> None:
    drawn = np.concatenate([draws(PAPER, 0, epoch, 10_000) for epoch in range(10)])
    for column, values in ((0, 9), (1, 9), (2, 2)):
        counts = np.bincount(drawn[:, column], minlength=values)
        expected = len(drawn) / values
        assert ((counts - expected) ** 2 / expected).sum() < 35  # χ² of 8 degrees of freedom: 3e-5 above it
    assert abs(np.corrcoef(drawn.T)[np.triu_indices(3, 1)]).max() < 0.02


def test_draws_differ_by_seed_and_epoch_and_are_no_other_stream() -> None:
    first = draws(PAPER, 0, 0, 1000)
    assert not np.array_equal(first, draws(PAPER, 0, 1, 1000))
    assert not np.array_equal(first, draws(PAPER, 1, 0, 1000))
    np.testing.assert_array_equal(first, draws(PAPER, 0, 0, 1000))
    order = random_streams.generator(0, "order", 0).integers(9, size=(1000, 2))
    assert not np.array_equal(first[:, :2], order)


def test_the_stream_never_changes() -> None:
    """These bits decide published results: another NumPy or another way to draw must not pass unseen."""
    expected = [[8, 5, 0], [3, 2, 1], [1, 6, 0], [5, 7, 1]]
    np.testing.assert_array_equal(draws(PAPER, 7, 2, 4), expected)


@pytest.mark.parametrize("wrong", [{"pad": -1, "flip": True}, {"pad": 0, "flip": False}, {"pad": 4, "flip": 1}])
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"pad|flip"):
        Augmentation.model_validate(wrong)
