"""statsmodels looks for garbage whenever it corrects for many comparisons: in all that a test process holds."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def frozen_garbage() -> Iterator[None]:
    """Leave what was there before the test out of that, for it takes a second."""
    gc.freeze()
    yield
    gc.unfreeze()
