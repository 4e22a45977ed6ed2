"""Random numbers by name: what separates two streams, and that a stream never changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.training import random_streams

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS, first=st.integers(0, 1000), epochs=st.integers(1, 5), rows=st.integers(1, 200))
def test_orders_are_permutations(seed, first, epochs, rows) -> None:
    orders = random_streams.orders(seed, first, epochs, rows)
    assert orders.dtype == np.int32
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(rows), (epochs, 1)))


@given(seed=SEEDS, epochs=st.integers(2, 6), split=st.integers(1, 5), rows=st.integers(1, 50))
def test_an_epochs_order_depends_on_seed_epoch_and_rows_alone(seed, epochs, split, rows) -> None:
    """Not on the epochs that are asked for together, nor on what was drawn before."""
    split = min(split, epochs - 1)
    parts = [random_streams.orders(seed, 0, split, rows), random_streams.orders(seed, split, epochs - split, rows)]
    random_streams.generator(seed, "order", 0).random(10)
    random_streams.orders.cache_clear()
    np.testing.assert_array_equal(random_streams.orders(seed, 0, epochs, rows), np.concatenate(parts))


@given(seeds=st.lists(SEEDS, min_size=2, max_size=2, unique=True))
def test_orders_differ_between_epochs_and_seeds(seeds) -> None:
    orders = np.concatenate([random_streams.orders(seed, 0, 5, 100) for seed in seeds])
    assert len(np.unique(orders, axis=0)) == 10


@given(seed=SEEDS)
def test_streams_differ_by_name_and_by_path(seed) -> None:
    generators = [
        random_streams.generator(seed, name, *path)
        for name in random_streams.STREAMS
        for path in ((), (1,), (1, 1), (2,))
    ]
    assert len({generator.integers(2**63) for generator in generators}) == len(generators)


def test_an_unknown_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        random_streams.generator(0, "wieghts")


def test_streams_are_pinned() -> None:
    """A change here changes every result: see NumPy's policy on the stability of Generator streams."""
    first = {name: int(random_streams.generator(7, name).integers(2**31)) for name in random_streams.STREAMS}
    assert first == {
        **{"weights": 2029167941, "order": 1868869222, "augmentation": 604133646, "dropout": 1563192035},
        "row_keys": 1141182808,
    }
    assert random_streams.orders(7, 0, 2, 8).tolist() == [[6, 3, 1, 0, 2, 4, 7, 5], [0, 6, 1, 7, 4, 3, 2, 5]]
