"""Claims G and N on made-up tables in which they are right, wrong, and open."""

import pytest

from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED
from tests.claims.judged import noisy, of_size, verdict
from tests.fabricated_studies import landscape, study


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, SUPPORTED), (0.87, 0.002, CONTRADICTED), (0.9, 0.02, NOT_DECIDED)]
)
@pytest.mark.parametrize("claim", ["G1", "G3"])
def test_g1_g3_small_is_better(claim, small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale))
    assert verdict(claim, made) == expected
    if expected == SUPPORTED:  # one study that says the contrary is enough
        assert verdict(claim, made, study("two", accuracy=of_size({16: 0.8, 256: 0.9}))) == CONTRADICTED


@pytest.mark.parametrize(
    ("sharper", "worse", "scale", "expected"),
    [(4, 0.05, 0.1, SUPPORTED), (0.25, 0.05, 0.1, CONTRADICTED), (1, 0, 1, NOT_DECIDED)],
)
def test_g2_sharp_minima(sharper, worse, scale, expected) -> None:
    assert verdict("G2", study(landscape=landscape(sharper, worse, scale))) == expected


NORMALISED = {"model": {"name": "cnn", "normalization": "batch"}}


@pytest.mark.parametrize(
    ("of_parts", "of_size_16", "scale", "expected"),
    [(0.85, 0.8, 0.002, SUPPORTED), (0.9, 0.9, 0.001, CONTRADICTED), (0.9, 0.9, 0.05, NOT_DECIDED)],
)
def test_n1_two_batches(of_parts, of_size_16, scale, expected) -> None:
    whole = study("whole", sizes=(16, 64), accuracy=of_size({16: of_size_16, 64: 0.9}, scale), changes=NORMALISED)
    changes = NORMALISED | {"accumulation": 4}
    parts = study("parts", sizes=(64,), accuracy=noisy(lambda m, rate: of_parts, scale, 1), changes=changes)
    assert verdict("N1", whole, parts) == expected
