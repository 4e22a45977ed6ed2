"""How each kind of statement is measured, on cells whose effects are known."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import Undecidable
from batchwise.claims.paper import comparisons
from batchwise.claims.paper.comparisons import SeedEffects
from tests.claims.paper.cells import cells
from tests.fabricated_paper import MANIFEST, as_the_paper_says, measured


def values_of(found: list[SeedEffects]) -> list[list[float]]:
    return [pytest.approx(each.values.tolist()) for each in found]


def test_the_best_is_chosen_on_validation_rows() -> None:
    test = np.arange(12.0).reshape(3, 2, 2) / 100
    study = cells(test, validation=test[:, ::-1].reshape(-1, 2))  # the rates the other way round
    assert values_of(comparisons.best_batch_size(study, 4, 4)) == [[-0.04, -0.04]]
    assert seed_values.choose(study, study.effective_batch_size == 4) == 2


def test_a_lost_cell_is_chosen_last() -> None:
    test = np.array([[[0.9, 0.1], [0.3, 0.3], [0.95, np.nan]]])
    study = cells(test, diverged=np.array([True, False, False]))
    assert seed_values.choose(study, np.ones(3, bool)) == 1
    assert seed_values.choose(study, np.array([True, False, True])) == 0
    with pytest.raises(Undecidable):
        seed_values.choose(study, np.array([False, False, True]))


def test_falls_and_gains_are_slopes_by_seed() -> None:
    generator = np.random.default_rng(3)
    first, second = (generator.uniform(size=(6, 1, 4)) for _ in range(2))
    expected = [stats.linregress(range(6), first[:, 0, seed]).slope for seed in range(4)]
    assert values_of(comparisons.falls(cells(first), None, None)) == [[-slope for slope in expected]]
    gains = [stats.linregress(range(2, 5), (second - first)[2:5, 0, seed]).slope for seed in range(4)]
    assert values_of(comparisons.gain_grows(cells(first), cells(second), 8, 32)) == [gains]
    mean = (second - first)[1:, 0].mean(axis=0).tolist()
    assert values_of(comparisons.better(cells(first), cells(second), 4, None)) == [mean]


def test_a_range_is_counted_in_octaves() -> None:
    # Of four η̃ an octave apart 4, 3, 2 and 1 converge: the others are more than 5 points below the best.
    test = np.where(np.arange(4)[:, None] + np.arange(4) < 4, 0.75, 0.69)[:, :, None] + np.zeros(3)
    assert values_of(comparisons.range_shrinks(cells(test), None, None)) == [[1, 1, 1]]
    with pytest.raises(Undecidable, match=r"too_few_rates.*1"):
        comparisons.range_shrinks(cells(test[:, :1]), None, None)


def test_reachable_asks_those_inside_and_outside() -> None:
    test = np.array([[0.8, 0.7], [0.79, 0.7], [0.75, 0.78], [0.7, 0.77]])[:, :, None] + np.zeros(2)
    found = comparisons.reachable(cells(test), 2, 4)
    assert values_of(found) == [[0.03, 0.03], [0.02, 0.02], [0.01, 0.01]]  # m = 8, 2, 4, at the η̃ of m = 2
    assert values_of(comparisons.reachable(cells(test), None, None)) == [[0.08, 0.08]]
    with pytest.raises(Undecidable, match=r"no_size_above.*16"):
        comparisons.reachable(cells(test), 2, 16)


def test_what_is_maintained_is_less_than_2_points_behind() -> None:
    test = np.array([[0.8, 0.7], [0.79, 0.7], [0.75, 0.77], [0.7, 0.6]])[:, :, None] + np.zeros(2)
    found = comparisons.maintained(cells(test), 4, 8)
    assert [one.numbers for one in found] == [{"best": m, "other": 2, "margin": 2} for m in (4, 8)]
    assert values_of(found) == [[0.01, 0.01], [-0.01, -0.01]]
    with pytest.raises(Undecidable, match="too_few_sizes"):
        comparisons.maintained(cells(test), 32, None)


def test_normalisation_batches_are_compared_at_each_m() -> None:
    k = np.array([2, 2, 2, 2, 4, 4, 2, 4, 8])
    study = cells(np.arange(9.0).reshape(9, 1, 1) + np.zeros(2))
    study = dataclasses.replace(
        study, effective_batch_size=np.array([2, 4, 8, 16, 4, 8, 2, 16, 8]), normalization_batch=k
    )
    assert values_of(comparisons.best_normalization(study, 4, 4)) == [[3, 3], [-3, -3], [4, 4]]
    assert values_of(comparisons.smaller_normalization(study, 8, None)) == [[-3, -3]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"data": "other"}, "different_rows"), ({"statistic": "median_of_last_5_epochs"}, "different_statistics")],
)
def test_studies_of_other_rows_or_statistics_are_not_compared(change: dict[str, str], reason: str) -> None:
    one = cells(np.ones((2, 1, 2)))
    other = dataclasses.replace(one, **change)
    for attempt in (lambda: comparisons.better(one, other, None, None), lambda: seed_values.pool([one, other])):
        with pytest.raises(Undecidable, match=reason):
            attempt()


@pytest.mark.parametrize("bounds", [(4096, None), (2, 4096)])
def test_a_grid_without_an_m_on_one_side_tells_nothing(bounds: tuple[int, int | None]) -> None:
    with pytest.raises(Undecidable, match=r"no_size_(inside|outside)"):
        comparisons.best_batch_size(cells(np.ones((3, 2, 2))), *bounds)


def test_a_diverged_run_counts_with_chance() -> None:
    study = measured("figure_1", as_the_paper_says)
    chance = 1 / len(MANIFEST["class_names"])
    assert study.diverged.any() and (study.test[study.diverged] == chance).all()
    assert (study.validation[study.diverged] == chance).all() and (study.test[~study.diverged] > 0.4).all()


def test_the_normalisation_batch_is_that_of_the_model_or_m() -> None:
    assert {*measured("figure_13a_normalization_4", as_the_paper_says).normalization_batch} == {4}
    study = measured("figure_1", as_the_paper_says)
    assert (study.normalization_batch == study.effective_batch_size).all()
