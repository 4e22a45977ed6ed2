"""Claims M on made-up tables in which they are right, wrong, and open."""

import numpy as np
import pytest

from batchwise.claims.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED
from tests.claims.judged import noisy, of_size, verdict
from tests.fabricated_studies import profile, study


def doubled(per_row: float, ended: bool = True, noise: float = 1e3) -> list:
    random = np.random.default_rng(5)
    fits = [(2**k, "fits", 5e8 + per_row * 2**k + noise * random.normal()) for k in range(8, 16)]
    return [*fits, (2**16, "out_of_memory", np.nan)] if ended else fits


def test_m1_memory_grows() -> None:
    made = [
        study(profile=profile({16: 1}, doubling=doubled(row, noise=n)))
        for row, n in ((1e4, 1e3), (-1e4, 1e3), (0, 1e7))
    ]
    assert [verdict("M1", one) for one in made] == [SUPPORTED, CONTRADICTED, NOT_DECIDED]
    assert verdict("M1", study(profile=profile({16: 1}, doubling=doubled(1e4, ended=False)))) == CONTRADICTED
    failed = [*doubled(1e4, ended=False), (2**16, "failed", np.nan)]  # that is no end of memory, and no proof of none
    assert verdict("M1", study(profile=profile({16: 1}, doubling=failed))) == SUPPORTED
    assert verdict("M1", study()) == NOT_DECIDED


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, SUPPORTED), (0.8, 0.002, CONTRADICTED), (0.89, 0.05, NOT_DECIDED)]
)
def test_m2_smaller_cures(small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale), profile=profile({16: 1}, doubling=doubled(1e4)))
    assert verdict("M2", made) == expected


@pytest.mark.parametrize(
    ("factor", "scale", "expected"), [(1, 1e-4, SUPPORTED), (1.1, 1e-4, CONTRADICTED), (1, 0.05, NOT_DECIDED)]
)
def test_m3_accumulation(factor, scale, expected) -> None:
    whole = study("whole", loss=noisy(lambda m, rate: 1.0, 1e-6))
    parts = study("parts", loss=noisy(lambda m, rate: factor, scale), changes={"accumulation": 4})
    assert verdict("M3", whole, parts) == expected
    assert verdict("M3", whole) == NOT_DECIDED
