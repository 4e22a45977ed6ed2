"""How long a repetition is: as many rows as take about as long, of numbers, of images and of tokens."""

from types import SimpleNamespace

import pytest

from batchwise.measuring.profiling.probe import IMAGES, PIXELS, RECURRENT_TOKENS, ROWS, TOKENS, Probe
from batchwise.models import bag_of_embeddings, gru, lstm
from batchwise.runtime.device import configure
from batchwise.training.network import is_recurrent

configure()  # before a layer computes anything


@pytest.mark.parametrize(
    ("shape", "dtype", "convolutions", "recurrent", "rows"),
    [
        ((64,), "float32", False, False, ROWS),
        ((10,), "int32", False, False, ROWS),
        ((200,), "int32", False, False, TOKENS // 200),
        ((200,), "int32", False, True, RECURRENT_TOKENS // 200),
        ((28, 28, 1), "float32", True, False, IMAGES),
        ((120, 160, 3), "uint8", True, False, PIXELS // (120 * 160)),
        ((1000, 1000, 3), "uint8", True, False, 0),  # less than one: an update
        ((200,), "int32", True, False, IMAGES),
    ],
)
def test_rows_of_many_tokens_or_pixels_are_few(shape, dtype, convolutions, recurrent, rows) -> None:
    probe = object.__new__(Probe)  # without a trainer, which is TensorFlow's
    probe.is_recurrent = recurrent
    tokens = dtype == "int32" and len(shape) == 1
    probe.trainer = SimpleNamespace(input_shape=shape, has_convolutions=convolutions, takes_tokens=tokens)
    assert probe._rows() == rows


def test_layers_that_go_through_tokens_are_seen_within_others() -> None:
    for recurrent in (lstm, gru):
        assert is_recurrent(recurrent.build((5,), 2, vocabulary=9, embedding_units=3, units=2, bidirectional=True))
    assert not is_recurrent(bag_of_embeddings.build((5,), 2, vocabulary=9, embedding_units=3))
