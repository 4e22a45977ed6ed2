"""Questions O on made-up studies of detectors in which the answer is yes, no, that nothing matters, and open."""

import dataclasses
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.field import detection
from batchwise.data.lengths import PIXEL, TOKEN
from batchwise.report.sentences import questions as sentences
from tests import fabricated_lengths
from tests.claims.judged import QUESTIONS, answered, noisy, says
from tests.fabricated_studies import RECIPE, profile, study

SAME, OPEN = "no difference that matters", "cannot be told"
BOXES = {"labels": "boxes", "input_shape": [120, 160, 3]}
NO_BOXES = {"labels": "classes", "input_shape": [120, 160, 3]}
ASKED = [question.id for question in QUESTIONS if question.id.startswith("O")]


def detector(
    name: str = "one", values: Mapping[int, float] = {4: 0.8, 64: 0.8}, scale: float = 0.002, **options: Any
) -> StudyResults:
    """Return a study of a detector with a result for each m."""
    accuracy = noisy(lambda m, rate: values[m], scale, salt=sum(map(ord, name)))
    made = {"data": BOXES, "sizes": tuple(values), "accuracy": accuracy}
    return study(name, **made | options)


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"), [(0.81, 0.001, "yes"), (0.85, 0.002, "no"), (0.75, 0.002, "no"), (0.83, 0.03, OPEN)]
)
def test_o1_a_few_sizes_alike(of_64, scale, expected) -> None:
    assert says("O1", detector(values={4: 0.1, 16: 0.8, 64: of_64}, scale=scale)) == [expected]


def test_o1_looks_at_all_pairs() -> None:
    assert says("O1", detector(values={16: 0.8, 32: 0.815, 64: 0.83}, scale=0.0005)) == ["yes", "no", "yes"]


@pytest.mark.parametrize(
    ("ratio", "spread", "expected"), [(8.0, 0.02, "yes"), (16.0, 0.01, SAME), (32.0, 0.02, "no"), (14.0, 0.5, OPEN)]
)
def test_o2_an_epoch_is_faster(ratio, spread, expected) -> None:
    """An update of 64 takes so many times as long as one of 4."""
    times = profile({4: 1.0, 64: ratio}, spread=spread)
    assert says("O2", detector(profile=times)) == [expected]


def rising(at_4: float, at_64: float, scale: float = 0.001) -> Any:
    """Return a curve of the test metric that rises linearly to its end at both m."""

    def curve(m: int, seed: int, epoch: int) -> tuple[float, float]:
        noise = scale * np.random.default_rng([m, seed]).normal()
        return 1.0, (at_4 if m == 4 else at_64) * epoch / 20 + noise

    return curve


@pytest.mark.parametrize(
    ("of_4", "scale", "expected"),
    [(0.85, 0.002, ["yes", "yes"]), (0.75, 0.002, ["no", "no"]), (0.8, 0.001, [SAME, SAME]), (0.8, 0.05, [OPEN, OPEN])],
)
def test_o3_the_smallest_against_the_largest(of_4, scale, expected) -> None:
    """At m = 4 with 250 updates an epoch, 320 updates are 1.28 epochs, in which the small one gets so far."""
    curve = rising(20 / 1.28 * of_4, 0.8, scale)
    assert says("O3", detector(values={4: of_4, 16: 0.1, 64: 0.8}, scale=scale, curve=curve)) == expected


def test_o3_epochs_and_updates_are_told_apart() -> None:
    found = answered("O3", detector(values={4: 0.85, 64: 0.8}, curve=rising(0.85, 0.8)))
    assert found.groups == {detection.EPOCHS: "yes", detection.UPDATES: "no"}


def test_o3_is_on_a_line_between_the_evaluations_that_there_are() -> None:
    """Of 320 updates at m = 64 in 20 epochs; m = 4 was evaluated after 0, 1, 2, 4, 8, 16 and 20 epochs."""
    curved = detector(curve=lambda m, seed, epoch: (1.0, 0.8 * (epoch / 20) ** 0.5 + 0.001 * seed))
    scored = curved.tables.curves[curved.tables.curves["epoch"].isin([0, 1, 2, 4, 8, 16, 20])]
    made = dataclasses.replace(curved, tables=dataclasses.replace(curved.tables, curves=scored))
    _, found = detection.small_generalises([made], 1.0)
    after = 0.8 * np.interp(1.28, [1, 2], [(1 / 20) ** 0.5, (2 / 20) ** 0.5])
    assert found.effect.value == pytest.approx(100 * (after - 0.8)) and found.numbers["updates"] == 320


def test_o3_a_seed_that_diverged_leaves_no_hole_in_those_that_did_not() -> None:
    """Its last evaluation is after an epoch of which the others have none."""
    made = detector(curve=rising(8.0, 0.8, 0.0))
    curves = made.tables.curves
    kept = curves["epoch"].isin([0, 1, 2, 4, 8, 16, 20]) & ~(curves["seed"].eq(0) & curves["epoch"].gt(1))
    kept |= curves["seed"].eq(1) & curves["epoch"].eq(3)
    made = dataclasses.replace(made, tables=dataclasses.replace(made.tables, curves=curves[kept]))
    _, found = detection.small_generalises([made], 1.0)
    assert found.n == 4 and found.effect.value == pytest.approx(100 * (8.0 * 1.28 / 20 - 0.8))


def test_o3_of_a_budget_of_updates_whole_runs_have_as_many() -> None:
    made = detector(values={4: 0.85, 64: 0.8}, changes={"budget": {"epochs": None, "updates": 300}})
    (judged,) = answered("O3", made).judged
    assert judged.verdict == "yes" and judged.evidence.group == detection.UPDATES


def measured(unit: str, exponent: float = 1.0, **planted: Any) -> SimpleNamespace:
    """Return a profile with memory by the pixels of an image, three quarters as high as wide, or by tokens."""
    pixels = {"kinds": {("float32", 1): (25.0, 1e-8)}, "tokens": [width * width * 3 // 4 for width in (40, 80, 160)]}
    made = profile({16: 1}, lengths=fabricated_lengths.lengths(exponent=exponent, **pixels | planted))
    made.machine["length_unit"] = unit
    return made


@pytest.mark.parametrize(
    ("exponent", "expected"), [(1.0, "yes"), (1.15, "yes"), (1.5, "no"), (0.5, "no"), (1.25, OPEN)]
)
def test_o4_the_largest_falls_as_one_over_the_area(exponent, expected) -> None:
    assert says("O4", detector(profile=measured(PIXEL, exponent))) == [expected]


def test_o4_is_of_images_and_t2_of_texts() -> None:
    images = study("images", data=NO_BOXES, profile=measured(PIXEL))
    texts = study("texts", data={"input_shape": [400], "texts": {}}, profile=measured(TOKEN))
    for asked, name in (("O4", "images"), ("T2", "texts")):
        assert [one.evidence.study for one in answered(asked, images, texts).judged] == [name]


def test_o4_takes_three_sizes_and_ends_that_were_found() -> None:
    for planted in ({"tokens": (1200, 4800)}, {"ends": False}):
        assert says("O4", detector(profile=measured(PIXEL, **planted))) == []


def normalised(name: str, kind: str, values: Mapping[int, float], scale: float = 0.002, **model: Any) -> StudyResults:
    """Return a study of a detector that normalises so."""
    of_model = {"name": "centernet_small", "normalization": kind, "normalization_batch": 0, **model}
    return detector(name, values, scale, changes={"model": of_model})


@pytest.mark.parametrize(
    ("of_4", "of_64", "scale", "expected"),
    [
        (0.85, 0.8, 0.002, ["yes", "yes"]),
        (0.85, 0.85, 0.002, ["yes", SAME]),
        (0.8, 0.8, 0.001, [SAME, SAME]),
        (0.75, 0.8, 0.002, ["no", "no"]),
        (0.8, 0.85, 0.002, [SAME, "no"]),
        (0.8, 0.8, 0.05, [OPEN, OPEN]),
    ],
)
def test_o5_group_against_batch_normalisation(of_4, of_64, scale, expected) -> None:
    batch = normalised("batch", "batch", {4: 0.8, 16: 0.8, 64: 0.8}, scale)
    assert says("O5", normalised("group", "group", {4: of_4, 64: of_64}, scale), batch) == expected


def test_o5_what_is_gained_everywhere_is_told_apart_from_what_the_small_batch_gains() -> None:
    batch, group = (normalised(kind, kind, {4: value, 64: value}) for kind, value in (("batch", 0.8), ("group", 0.85)))
    said = sentences.answer(answered("O5", batch, group))
    assert "Yes, at the smallest batch size: group normalisation gains" in said
    assert "less what it gains at the largest: no difference that matters, group normalisation gains nothing" in said


def test_o5_of_one_size_alone_says_nothing() -> None:
    """Of one size there is no telling whether it is the small batch that is hurt."""
    batch, group = (normalised(kind, kind, {4: value}) for kind, value in (("batch", 0.8), ("group", 0.85)))
    assert answered("O5", batch, group).judged == ()


@pytest.mark.parametrize(
    "other",
    [
        normalised("none", "none", {4: 0.8, 64: 0.8}),
        normalised("smaller", "batch", {4: 0.8, 64: 0.8}, width=8),
        detector("longer", changes={"model": RECIPE["model"] | {"normalization": "batch"}, "budget": {"epochs": 40}}),
        normalised("of_others", "batch", {8: 0.8, 32: 0.8}),
    ],
    ids=lambda one: one.name,
)
def test_o5_takes_pairs_that_are_alike_but_for_the_normalisation(other) -> None:
    assert says("O5", normalised("group", "group", {4: 0.85, 64: 0.8}), other) == []


def test_o5_the_rows_that_are_normalised_together_make_no_other_pair() -> None:
    batch = normalised("batch", "batch", {4: 0.8, 64: 0.8}, normalization_batch=4)
    assert says("O5", normalised("group", "group", {4: 0.85, 64: 0.85}), batch) == ["yes", SAME]


def warmed(name: str, warm_up: float, of_64: float, scale: float = 0.002, **options: Any) -> StudyResults:
    """Return a study of a detector with a warm-up, or with none."""
    schedule = RECIPE["schedule"] | {"warm_up": warm_up, **options.pop("schedule", {})}
    return detector(name, {4: 0.1 + warm_up, 64: of_64}, scale, changes={"schedule": schedule}, **options)


@pytest.mark.parametrize(
    ("of_64", "scale", "expected"),
    [(0.85, 0.002, "yes"), (0.8, 0.001, SAME), (0.75, 0.002, "no"), (0.8, 0.05, OPEN)],
)
def test_o6_warm_up_at_the_largest_batch(of_64, scale, expected) -> None:
    assert says("O6", warmed("cold", 0.0, 0.8, scale), warmed("warm", 0.2, of_64, scale)) == [expected]


def test_o6_a_run_that_diverged_has_found_nothing() -> None:
    cold, warm = warmed("cold", 0.0, 0.8), warmed("warm", 0.2, 0.8)
    runs = cold.tables.runs
    at_64 = runs["batch_size"].eq(64)
    runs.loc[at_64, ["status", "test_accuracy"]] = ["diverged", np.nan]
    (found,) = detection.warm_up([cold, warm], 1.0)
    assert found.effect.value == pytest.approx(100 * (0.8 - cold.metric.baseline), abs=0.5)
    assert found.n == 5 and found.numbers["m"] == 64


@pytest.mark.parametrize(
    "other",
    [
        warmed("also_warm", 0.1, 0.8),
        warmed("drops", 0.0, 0.8, schedule={"drops": [0.5]}),
        warmed("not_linear", 0.0, 0.8, scaling="sqrt"),
        detector("of_others", {8: 0.8}),
    ],
    ids=lambda one: one.name,
)
def test_o6_takes_pairs_that_are_alike_but_for_the_warm_up(other) -> None:
    assert says("O6", other, warmed("warm", 0.2, 0.85)) == []


def test_no_pair_is_of_other_rows() -> None:
    for asked, pair in (
        ("O5", [normalised(kind, kind, {4: 0.8, 64: 0.8}) for kind in ("batch", "group")]),
        ("O6", [warmed("cold", 0.0, 0.8), warmed("warm", 0.2, 0.85)]),
    ):
        assert says(asked, *pair)
        pair[0].tables.summary["provenance"]["data"] = "e" * 64
        assert says(asked, *pair) == []


def every(data: dict[str, Any]) -> list[StudyResults]:
    """Return studies that say something of each question but for the size of images, if they are of boxes."""
    model = {"name": "centernet_small", "normalization": "batch"}
    schedules = [RECIPE["schedule"] | {"warm_up": share} for share in (0.0, 0.2)]
    changes = [{"model": model}, {"model": model | {"normalization": "group"}}, {"schedule": schedules[0]}]
    changes.append({"schedule": schedules[1]})
    measured = profile({16: 1.0, 64: 2.0})
    accuracy = noisy(lambda m, rate: 0.8)
    return [
        study(str(number), sizes=(16, 64), accuracy=accuracy, changes=one, data=data, profile=measured)
        for number, one in enumerate(changes)
    ]


@pytest.mark.parametrize("asked", [asked for asked in ASKED if asked != "O4"])
def test_of_labels_that_are_no_boxes_nothing_is_said(asked) -> None:
    assert says(asked, *every(BOXES)) and says(asked, *every(NO_BOXES)) == []


def test_studies_in_parts_are_left_to_their_equals_of_whole_batches() -> None:
    made = detector(values={16: 0.8, 64: 0.8}, changes={"accumulation": 4})
    assert says("O1", made) == says("O2", made) == says("O3", made) == []
