"""Questions M on made-up tables in which the answer is yes, no, that nothing matters, and open."""

import numpy as np
import pytest

from tests.claims.judged import noisy, of_size, says
from tests.fabricated_studies import profile, study

SAME, OPEN = "no difference that matters", "cannot be told"


def doubled(per_row: float, ended: bool = True, noise: float = 1e3) -> list:
    random = np.random.default_rng(5)
    fits = [(2**k, "fits", 5e8 + per_row * 2**k + noise * random.normal()) for k in range(8, 16)]
    return [*fits, (2**16, "out_of_memory", np.nan)] if ended else fits


@pytest.mark.parametrize(
    ("per_row", "noise", "expected"), [(1e4, 1e3, "yes"), (-1e4, 1e3, "no"), (0, 1e3, SAME), (0, 1e8, OPEN)]
)
def test_m1_memory_grows(per_row, noise, expected) -> None:
    made = study(profile=profile({16: 1}, doubling=doubled(per_row, noise=noise)))
    assert says("M1", made) == [expected]
    assert says("M1", study()) == []


@pytest.mark.parametrize(
    ("small", "scale", "expected"),
    [(0.93, 0.002, "yes"), (0.9, 0.002, "yes"), (0.8, 0.002, "no"), (0.89, 0.05, OPEN)],
)
def test_m2_smaller_cures(small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale), profile=profile({16: 1}, doubling=doubled(1e4)))
    assert says("M2", made) == [expected]


def test_m2_needs_an_end_of_memory() -> None:
    for doubling in (doubled(1e4, ended=False), [*doubled(1e4, ended=False), (2**16, "failed", np.nan)]):
        assert says("M2", study(profile=profile({16: 1}, doubling=doubling))) == []


@pytest.mark.parametrize(
    ("factor", "scale", "expected"),
    [(1, 1e-4, "yes"), (1.1, 1e-4, "no"), (0.9, 1e-4, "no"), (1, 0.05, OPEN)],
)
def test_m3_accumulation(factor, scale, expected) -> None:
    whole = study("whole", loss=noisy(lambda m, rate: 1.0, 1e-6))
    parts = study("parts", loss=noisy(lambda m, rate: factor, scale), changes={"accumulation": 4})
    assert says("M3", whole, parts) == [expected]
    assert says("M3", whole) == []
