"""Dropout by rows: its bits are those of fair coins, and the same however a batch is computed.

Statistics are of fixed keys, within five standard errors or at the tail of one in a million: nothing here is by chance.
"""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from batchwise.models._dropout import RowDropout, kept_units
from batchwise.runtime.keras import keras
from batchwise.training import row_keys
from tests.differentiation import differentiated, program
from tests.models.test_normalization import policy

ops = keras.ops
ROWS, UNITS = 400, 500
RATES = [0.1, 0.5, 0.75]
TAIL = 1e-6


def kept(rate: float, *, seed: int = 0, epoch: int = 0, layer: int = 0, units: int = UNITS) -> np.ndarray:
    """Return the mask of a layer, as training gives it its keys, [ROWS, units] bool."""
    layers = [RowDropout(rate) for _ in range(layer + 1)]
    with row_keys.given(layers, row_keys.of_epoch(seed, epoch, ROWS)):
        return mask_of(layers[-1].row_keys, units, rate)


def mask_of(keys: np.ndarray, units: int, rate: float) -> np.ndarray:
    return np.asarray(kept_units(ops.convert_to_tensor(keys), units, rate))


def assert_unrelated(one: np.ndarray, other: np.ndarray) -> None:
    """Assert that two masks agree as often as two of their shares do by chance."""
    both = np.mean(one & other)
    expected, deviation = one.mean() * other.mean(), np.sqrt(one.var() * other.var() / one.size)
    assert abs(both - expected) < 5 * deviation


@pytest.mark.parametrize("rate", RATES)
def test_the_share_that_is_kept(rate) -> None:
    """Of all, and of each row and each unit by a chi-square of all of them."""
    mask, share = kept(rate), 1 - rate
    assert abs(mask.mean() - share) < 5 * np.sqrt(share * rate / mask.size)
    for axis in (0, 1):
        size = mask.shape[axis]
        squares = ((mask.sum(axis) - size * share) ** 2 / (size * share * rate)).sum()
        assert TAIL < stats.chi2.sf(squares, mask.shape[1 - axis]) < 1 - TAIL


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_are_unrelated(rate, axis) -> None:
    """Rows and units, beside each other and up to so many apart that a power of two is between them."""
    mask = kept(rate)
    for apart in (1, 2, 3, 4, 8, 16, 17, 32, 64, 128, 256):
        assert_unrelated(
            *(np.take(mask, np.arange(part, part + mask.shape[axis] - apart), axis) for part in (0, apart))
        )


@pytest.mark.parametrize("rate", RATES)
def test_all_pairs_of_rows_and_of_units_are_unrelated(rate) -> None:
    """The largest of their correlations is one that so many pairs have by chance, and their mean square is 1 / n."""
    for mask in (kept(rate), kept(rate).T):
        found = np.corrcoef(mask)[np.triu_indices(len(mask), 1)]
        assert np.abs(found).max() < stats.norm.isf(TAIL / found.size) / np.sqrt(mask.shape[1])
        assert found.size * np.mean(found**2) * mask.shape[1] == pytest.approx(found.size, rel=0.05)


@pytest.mark.parametrize("rate", RATES)
def test_seeds_epochs_and_layers_are_unrelated(rate) -> None:
    mask = kept(rate)
    for other in ({"seed": 1}, {"epoch": 1}, {"layer": 1}, {"layer": 2}, {"layer": 50}, {"seed": 1, "epoch": 1}):
        assert_unrelated(mask, kept(rate, **other))


def test_eight_units_beside_each_other_have_all_patterns_alike() -> None:
    """A chi-square of the 256 bytes, over units and over rows."""
    for mask in (kept(0.5, units=512), np.ascontiguousarray(kept(0.5, units=512).T)):
        counts = np.bincount(np.packbits(mask), minlength=256)
        assert TAIL < stats.chisquare(counts).pvalue < 1 - TAIL


def test_keys_that_differ_in_a_bit_have_masks_that_differ_in_half() -> None:
    first, *others = mask_of(np.array([0, *(2**bit for bit in range(32))], "uint32"), 20_000, 0.5)
    assert all(abs(np.mean(first != other) - 0.5) < 5 * 0.5 / np.sqrt(20_000) for other in others)


def test_numbers_are_pinned() -> None:
    """A change here changes every result of a model that drops units by rows."""
    mask = mask_of(np.array([0, 1, 2**32 - 1], "uint32"), 16, 0.5)
    assert np.packbits(mask).tolist() == [12, 72, 0, 26, 67, 95]


def hashed(number: int) -> int:
    """Wellons 2018, lowbias32, with Python's whole numbers."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        number = (number ^ number >> shift) * factor % 2**32
    return number ^ number >> 16


def test_it_is_the_published_hash() -> None:
    keys, units = [3, 2**31 + 5], 7
    expected = [[hashed(hashed(key) ^ hashed(unit)) >= 0.3 * 2**32 for unit in range(units)] for key in keys]
    np.testing.assert_array_equal(mask_of(np.array(keys, "uint32"), units, 0.3), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_bfloat16"])
@pytest.mark.parametrize("shape", [(7,), (3, 5)])
def test_what_is_kept_is_scaled_and_the_gradient_too(dtype, shape) -> None:
    with policy(dtype):
        layer = RowDropout(0.25)
        layer.build((None, *shape))
    inputs = ops.cast(np.random.default_rng(0).normal(size=(ROWS, *shape)), layer.compute_dtype)
    layer.row_keys = ops.convert_to_tensor(row_keys.of_epoch(0, 0, ROWS))
    mask = mask_of(layer.row_keys, int(np.prod(shape)), 0.25).reshape(ROWS, *shape)

    def dropped(inputs: Any) -> tuple[Any, Any]:
        outputs = layer(inputs, training=True)
        return ops.sum(outputs), outputs

    (_, outputs), [gradient] = differentiated(dropped, [inputs])
    scale = ops.cast(np.float32(4 / 3), inputs.dtype)
    np.testing.assert_array_equal(outputs, ops.where(mask, inputs * scale, 0))
    np.testing.assert_array_equal(gradient, ops.where(mask, scale, 0))
    assert outputs.dtype == inputs.dtype and layer(inputs) is not None
    np.testing.assert_array_equal(layer(inputs), inputs)


def test_bits_are_the_same_with_xla_and_in_parts() -> None:
    layer, keys = RowDropout(0.4), ops.convert_to_tensor(row_keys.of_epoch(1, 2, 24))
    inputs = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(24, 5, 6)).astype("float32"))

    def dropped(inputs: Any, keys: Any) -> Any:
        with row_keys.given([layer], keys):
            return layer(inputs, training=True)

    expected = np.asarray(dropped(inputs, keys))
    for xla in (False, True):
        np.testing.assert_array_equal(program(dropped, xla)(inputs, keys), expected)
    parts = [dropped(inputs[start : start + 8], keys[start : start + 8]) for start in (0, 8, 16)]
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    backwards = dropped(inputs[::-1], keys[::-1])[::-1]
    np.testing.assert_array_equal(backwards, expected)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate) -> None:
    with pytest.raises(ValueError, match="it must be 0 or more, and less than 1"):
        RowDropout(rate)


def test_it_is_made_again_from_its_configuration() -> None:
    again = keras.layers.deserialize(keras.layers.serialize(RowDropout(0.3, name="words")))
    assert isinstance(again, RowDropout) and (again.rate, again.name) == (0.3, "words")
