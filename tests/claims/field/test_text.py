"""Questions T on made-up studies of texts in which the answer is yes, no, that nothing matters, and open."""

from typing import Any

import pytest

from batchwise.analysis.study_results import StudyResults
from tests.claims.judged import answered, of_size, says
from tests.fabricated_studies import profile, study

SAME, OPEN = "no difference that matters", "cannot be told"
REVIEWS, LANGUAGE = {"labels": "classes", "texts": {}}, {"labels": "tokens"}
FIXED, HALF_LIFE = (
    {"name": "adam", "beta_2": beta_2, "second_moment_half_life": half_life}
    for beta_2, half_life in ((0.999, None), (None, 1000.0))
)
SGD = {"name": "sgd", "momentum": 0.0, "momentum_half_life": None}


def text(
    name: str, values: dict[int, float], optimizer: dict | None = None, scale=0.002, **options: Any
) -> StudyResults:
    """Return a study of a language model with an accuracy for each m."""
    changes = {"optimizer": optimizer or FIXED, **options.pop("changes", {})}
    made = {"data": LANGUAGE, "sizes": tuple(values), "accuracy": of_size(values, scale)}
    return study(name, changes=changes, **made | options)


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"), [(0.901, 0.001, "yes"), (0.85, 0.002, "no"), (0.94, 0.03, OPEN)]
)
def test_t1_is_about_labelled_texts_alone(of_64, scale, expected) -> None:
    values = {16: 0.9, 64: of_64}
    reviews = text("reviews", values, scale=scale, data=REVIEWS)
    assert says("T1", reviews, text("language", values), text("table", values, data={"labels": "classes"})) == [
        expected
    ]


@pytest.mark.parametrize(
    ("fixed", "half_life", "scale", "expected"),
    [
        (0.85, 0.9, 0.002, ["yes", SAME]),
        (0.9, 0.95, 0.002, [SAME, "no"]),
        (0.9, 0.85, 0.002, [SAME, "yes"]),
        (0.9, 0.9, 0.03, [OPEN, OPEN]),
    ],
)
def test_t4_the_smallest_m_by_beta_2(fixed, half_life, scale, expected) -> None:
    one = text("fixed", {1: fixed, 16: 0.9, 64: 0.8}, FIXED, scale)
    other = text("half_life", {1: half_life, 16: 0.9, 64: 0.8}, HALF_LIFE, scale)
    assert says("T4", one, other) == expected


def test_t4_tells_a_fixed_beta_2_from_a_half_life() -> None:
    one = text("fixed", {1: 0.85, 16: 0.9}, FIXED)
    found = answered("T4", one, text("half_life", {1: 0.9, 16: 0.9}, HALF_LIFE))
    assert found.groups == {"with a fixed β₂": "yes", "with β₂ by its half-life": SAME}


@pytest.mark.parametrize(
    "other",
    [
        text("also_fixed", {1: 0.9, 16: 0.9}, {**FIXED, "beta_2": 0.99}),
        text("beta_1", {1: 0.9, 16: 0.9}, {**HALF_LIFE, "beta_1": 0.8}),
        text("longer", {1: 0.9, 16: 0.9}, HALF_LIFE, changes={"budget": {"epochs": 40}}),
        text("table", {1: 0.9, 16: 0.9}, HALF_LIFE, data={"labels": "classes"}),
        text("in_parts", {1: 0.9, 16: 0.9}, HALF_LIFE, changes={"accumulation": 2}),
    ],
    ids=lambda one: one.name,
)
def test_t4_takes_pairs_that_are_alike_but_for_beta_2(other) -> None:
    assert says("T4", text("fixed", {1: 0.85, 16: 0.9}), other) == []


def in_parts(value: float, seconds: float, scale: float = 0.002) -> list[StudyResults]:
    """Return a study of 32 rows in 32 parts, and one of single rows, 1 ms each, and of whole batches."""
    whole = text("whole", {1: 0.9, 32: 0.9}, scale=scale, profile=profile({1: 0.001, 32: 0.002}))
    measured = profile({32: 32 * seconds}, salt=1)
    return [text("parts", {32: value}, scale=scale, changes={"accumulation": 32}, profile=measured), whole]


@pytest.mark.parametrize(
    ("value", "seconds", "scale", "expected"),
    [
        (0.9, 0.0015, 0.002, [SAME, "no"]),
        (0.95, 0.0005, 0.002, ["yes", "yes"]),
        (0.85, 0.001, 0.002, ["no", SAME]),
        (0.9, 0.0015, 0.03, [OPEN, "no"]),
    ],
)
def test_t5_parts_against_the_small_batch(value, seconds, scale, expected) -> None:
    assert says("T5", *in_parts(value, seconds, scale)) == expected


def test_t5_without_a_profile_compares_results_alone() -> None:
    parts, whole = (
        text(name, {4: 0.9, 1: 0.9}, changes={"accumulation": k}) for name, k in (("parts", 4), ("whole", 1))
    )
    assert says("T5", parts, whole) == [SAME]


@pytest.mark.parametrize(
    ("of_1", "of_64", "scale", "expected"),
    [
        (0.89, 0.6, 0.002, ["yes", "no"]),
        (0.95, 0.92, 0.002, ["yes", "yes"]),
        (0.8, 0.6, 0.002, ["no", "no"]),
        (0.86, 0.6, 0.05, [OPEN, "no"]),
    ],
)
def test_t6_sgd_against_adam_at_its_best(of_1, of_64, scale, expected) -> None:
    """With Adam as it is worse everywhere is not compared."""
    adam, worse = text("adam", {1: 0.8, 8: 0.92, 64: 0.9}), text("worse", {1: 0.5, 8: 0.5}, HALF_LIFE)
    assert says("T6", text("sgd", {1: of_1, 64: of_64}, SGD, scale), worse, adam) == expected


@pytest.mark.parametrize("changes", [{"momentum": 0.9}, {"momentum_half_life": 100.0}])
def test_t6_is_about_sgd_without_momentum(changes) -> None:
    assert says("T6", text("sgd", {1: 0.9, 64: 0.9}, SGD | changes), text("adam", {1: 0.9, 8: 0.9})) == []
