"""How long a repetition is: as many rows as take about as long, of numbers, of images and of tokens."""

from types import SimpleNamespace

import pytest

from batchwise.measuring.profiling.probe import IMAGES, ROWS, TOKENS, Probe


@pytest.mark.parametrize(
    ("shape", "dtype", "convolutions", "rows"),
    [
        ((64,), "float32", False, ROWS),
        ((10,), "int32", False, ROWS),
        ((200,), "int32", False, TOKENS // 200),
        ((28, 28, 1), "float32", True, IMAGES),
        ((200,), "int32", True, IMAGES),
    ],
)
def test_rows_of_many_tokens_are_few(shape, dtype, convolutions, rows) -> None:
    probe = object.__new__(Probe)  # without a trainer, which is TensorFlow's
    probe.trainer = SimpleNamespace(
        input_shape=shape, has_convolutions=convolutions, examples=SimpleNamespace(dtype_of_inputs=dtype)
    )
    assert probe._rows() == rows
