"""Questions T of memory, on made-up tables in which the answer is yes, no, that nothing matters, and open."""

from types import SimpleNamespace

import pytest

from tests import fabricated_lengths
from tests.claims.judged import of_size, says
from tests.fabricated_studies import profile, study

OPEN = "cannot be told"
TEXTS = {"input_shape": [400], "texts": {}}


def measured(**planted) -> SimpleNamespace:
    """Return a profile with memory by length, of which 1.4 GB are for rows."""
    return profile({16: 1}, lengths=fabricated_lengths.lengths(**planted))


@pytest.mark.parametrize(("exponent", "expected"), [(1.0, "yes"), (1.1, "yes"), (1.5, "no"), (0.5, "no"), (1.25, OPEN)])
def test_t2_the_largest_falls_as_one_over_the_length(exponent, expected) -> None:
    assert says("T2", study(profile=measured(exponent=exponent))) == [expected]


def test_t2_takes_three_lengths_and_ends_that_were_found() -> None:
    for planted in ({"tokens": (50, 400)}, {"ends": False}):
        assert says("T2", study(profile=measured(**planted))) == []
    assert says("T2", study(), study(profile=profile({16: 1}))) == []


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, "yes"), (0.9, 0.002, "yes"), (0.8, 0.002, "no"), (0.89, 0.05, OPEN)]
)
def test_t3_a_smaller_batch_instead(small, scale, expected) -> None:
    of_tokens = measured(kinds={("float32", 1): (50_000.0, 1e-6)})  # at T = 400 some 70 rows fit
    values = {16: 0.7, 64: small, 256: 0.9}
    made = study(sizes=[*values], accuracy=of_size(values, scale), profile=of_tokens, data=TEXTS)
    assert says("T3", made) == [expected]


@pytest.mark.parametrize("about", [{"input_shape": [60], "texts": {}}, {"input_shape": [400]}, {}])
def test_t3_is_of_the_length_of_the_study(about) -> None:
    made = study(profile=measured(kinds={("float32", 1): (50_000.0, 1e-6)}), data=about)
    assert says("T3", made) == []


def test_t3_needs_a_batch_that_does_not_fit() -> None:
    assert says("T3", study(profile=measured(), data=TEXTS)) == []


@pytest.mark.parametrize(("of_token", "expected"), [(1500.0, "yes"), (1200.0, "yes"), (2400.0, "no")])
def test_t8_half_the_memory(of_token, expected) -> None:
    kinds = {("float32", 1): (3000.0, 1e-6), ("mixed_bfloat16", 1): (of_token, 1e-6), ("float32", 4): (100.0, 1e-6)}
    assert says("T8", study(profile=measured(kinds=kinds, noise=1e6))) == [expected]


@pytest.mark.parametrize(("worse", "scale", "expected"), [(0.0, 0.001, "yes"), (0.1, 0.001, "no"), (0.01, 0.1, OPEN)])
def test_t8_the_result(worse, scale, expected) -> None:
    full = study("full", accuracy=of_size({16: 0.9, 256: 0.8}, 0.001))
    values = {16: 0.9 - worse, 256: 0.8 - worse}
    mixed = study("mixed", accuracy=of_size(values, scale), changes={"dtype": "mixed_bfloat16"})
    assert says("T8", full, mixed) == [expected]
    assert says("T8", full) == says("T8", mixed) == []
