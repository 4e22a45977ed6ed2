"""Questions G and N on made-up tables in which the answer is yes, no, that nothing matters, and open."""

import pytest

from tests.claims.judged import answered, noisy, of_size, says
from tests.fabricated_studies import landscape, study

SAME, OPEN = "no difference that matters", "cannot be told"


@pytest.mark.parametrize(
    ("small", "scale", "expected"), [(0.93, 0.002, "yes"), (0.87, 0.002, "no"), (0.9, 0.002, SAME), (0.9, 0.02, OPEN)]
)
@pytest.mark.parametrize("asked", ["G1", "G3"])
def test_g1_g3_small_is_better(asked, small, scale, expected) -> None:
    made = study(accuracy=of_size({16: small, 256: 0.9}, scale))
    assert says(asked, made) == [expected]
    two = study("two", accuracy=of_size({16: 0.8, 256: 0.9}))
    assert says(asked, made, two) == [expected, "no"]


def test_what_was_chosen_is_compared_on_fresh_seeds() -> None:
    """The seeds that choose see m = 256 behind, where the ones that follow see it ahead."""
    accuracy = noisy(lambda m, rate: 0.9, 0.002)
    made = study(
        fresh=10, accuracy=lambda m, rate, seed: accuracy(m, rate, seed) + (0.05 if m > 16 and seed > 4 else 0)
    )
    assert says("G1", made) == ["no"] and answered("G1", made).judged[0].evidence.n == 10


@pytest.mark.parametrize(
    ("sharper", "worse", "scale", "sharp", "result"),
    [
        (4, 0.05, 0.1, "yes", "yes"),
        (0.25, 0.05, 0.1, "no", "yes"),
        (1, 0, 0.05, SAME, SAME),
        (4, -0.05, 0.1, "yes", "no"),
        (1, 0, 1, OPEN, OPEN),
    ],
)
def test_g2_sharp_minima(sharper, worse, scale, sharp, result) -> None:
    assert says("G2", study(landscape=landscape(sharper, worse, scale))) == [sharp] * 3 + [result]


def test_g2_tells_sharpness_from_what_it_does() -> None:
    found = answered("G2", study(landscape=landscape(4, -0.05, 0.1)))
    assert found.groups == {"how sharp the loss is": "yes", "the test result": "no"}


NORMALISED = {"model": {"name": "cnn", "normalization": "batch"}}


@pytest.mark.parametrize(
    ("of_parts", "of_size_16", "scale", "expected"),
    [(0.85, 0.8, 0.002, "yes"), (0.95, 0.99, 0.002, "yes"), (0.9, 0.9, 0.001, SAME), (0.9, 0.9, 0.05, OPEN)],
)
def test_n1_two_batches(of_parts, of_size_16, scale, expected) -> None:
    """A difference to either side is one that matters: neither p-value is that of the other answer."""
    whole = study("whole", sizes=(16, 64), accuracy=of_size({16: of_size_16, 64: 0.9}, scale), changes=NORMALISED)
    changes = NORMALISED | {"accumulation": 4}
    parts = study("parts", sizes=(64,), accuracy=noisy(lambda m, rate: of_parts, scale, 1), changes=changes)
    assert says("N1", whole, parts) == [expected, expected]
