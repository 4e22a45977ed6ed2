"""Verdicts: in worlds whose truth is known, against SciPy, and how often they err where there is no effect."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import SeedValues, Undecidable
from batchwise.claims.paper import comparisons, statements
from batchwise.claims.paper import verdicts as paper_verdicts
from batchwise.claims.paper.comparisons import KINDS, SeedEffects
from batchwise.claims.paper.verdicts import AGREES, CANNOT_TELL, DISAGREES
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from tests.fabricated import ACCURACY
from tests.fabricated_paper import FIGURES, MANIFEST, NORMALIZATION, World, as_the_paper_says, measured, the_other_way

SIDES = {name: kind.sides for name, kind in KINDS.items()}
FILE = ROOT / "paper/statements.csv"
SAID = {statement.id: statement for statement in statements.read(FILE, SIDES)}
HERE = [*FIGURES, "figure_4", *NORMALIZATION]
IMAGENET = {"best_12", "normalization_batch_14", "falls_14"}


def judged(world: World, names: list[str] = HERE) -> dict[str, paper_verdicts.Verdict]:
    studies = {name: measured(name, world) for name in names}
    return {name: paper_verdicts.judge(statement, studies) for name, statement in SAID.items()}


def cells(test: np.ndarray, **given: object) -> SeedValues:
    """Return cells [sizes × rates] of m = 2, 4, 8, … and η̃ = 1, ½, …, from test accuracies [sizes, rates, seeds]."""
    sizes, rates, seeds = test.shape
    m = np.repeat(2 ** np.arange(1, sizes + 1), rates)
    values = test.reshape(-1, seeds)
    fields = {"data": "d", "metric": ACCURACY, "effective_batch_size": m, "normalization_batch": m}
    fields |= {"validation": values, "test": values}
    fields |= {"base_learning_rate": np.tile(0.5 ** np.arange(rates), sizes), "diverged": np.zeros(len(m), bool)}
    return SeedValues(**fields | given)


def test_a_world_as_the_paper_says_agrees() -> None:
    verdicts = judged(as_the_paper_says)
    assert {name: verdict.verdict for name, verdict in verdicts.items() if name not in IMAGENET} == {
        name: AGREES for name in SAID if name not in IMAGENET
    }
    assert all(verdicts[name].left_out == "not decided here: ImageNet" for name in IMAGENET)
    assert all(verdicts[name].verdict == CANNOT_TELL for name in IMAGENET)


def test_the_opposite_world_disagrees() -> None:
    verdicts = judged(the_other_way)
    assert {name: verdict.verdict for name, verdict in verdicts.items() if name not in IMAGENET} == {
        name: DISAGREES for name in SAID if name not in IMAGENET
    }


def test_a_planted_effect_is_measured() -> None:
    verdicts = judged(as_the_paper_says, ["figure_1", "figure_5"])
    # Without normalisation 70 % − a point for each doubling from m = 2; with it 78 % − half a point from m = 16.
    for name, effect in (("best_1", 5), ("falls_1_2_3", 1.3), ("best_5", 1)):
        verdict = verdicts[name]
        assert verdict.low - 0.3 < effect < verdict.high + 0.3, name
        assert verdict.n == 3
    assert verdicts["falls_1_2_3"].left_out == "figure_2: not in this folder; figure_3: not in this folder"
    assert verdicts["best_2"].verdict == CANNOT_TELL and not verdicts["best_2"].n


# With no effect at all.

WORLDS = 200
MOST = int(stats.binom.ppf(0.999, WORLDS, 0.05))  # false verdicts that a rate of 5 % gives but once in 1000 times


def nothing(
    generator: np.random.Generator, sizes: int = 11, rates: int = 5, seeds: int = 5, **given: object
) -> SeedValues:
    """Return cells with one accuracy, in which a run's luck is that of its validation and its test rows."""
    luck = 0.7 + generator.normal(0, 0.02, (sizes, rates, seeds))
    seen, unseen = (luck + generator.normal(0, 0.005, luck.shape) for _ in range(2))
    return dataclasses.replace(cells(unseen), validation=seen.reshape(-1, seeds), **given)


def normalized(generator: np.random.Generator) -> SeedValues:
    ks = [nothing(generator, sizes=7, rates=1, normalization_batch=np.minimum(k, 2 ** np.arange(1, 8))) for k in (2, 4)]
    return seed_values.pool([*ks, nothing(generator, sizes=7, rates=1)])


def border(generator: np.random.Generator, **grid: int) -> SeedValues:
    """Return cells in which m above 16 lose exactly 2 points."""
    study = nothing(generator, **grid)
    lost = np.where(study.effective_batch_size > 16, comparisons.SERVES, 0)[:, None]
    return dataclasses.replace(study, test=study.test - lost, validation=study.validation - lost)


NULLS: dict[str, Callable[[np.random.Generator], list[SeedEffects]]] = {
    "best_batch_size": lambda generator: comparisons.best_batch_size(nothing(generator), 4, 8),
    "best_batch_size, one rate": lambda generator: comparisons.best_batch_size(nothing(generator, rates=1), 4, 8),
    "maintained": lambda generator: comparisons.maintained(border(generator), 32, None),
    "maintained, few": lambda generator: comparisons.maintained(border(generator, sizes=7, rates=3, seeds=3), 32, None),
    "best_normalization": lambda generator: comparisons.best_normalization(normalized(generator), 4, 8),
    "smaller_normalization": lambda generator: comparisons.smaller_normalization(normalized(generator), 16, None),
    "falls": lambda generator: comparisons.falls(nothing(generator), None, None),
    "range_shrinks": lambda generator: comparisons.range_shrinks(nothing(generator), None, None),
    "better": lambda generator: comparisons.better(
        nothing(generator, rates=1), nothing(generator, rates=1), None, None
    ),
    "gain_grows": lambda generator: comparisons.gain_grows(nothing(generator), nothing(generator), None, None),
    "reachable": lambda generator: comparisons.reachable(border(generator), None, 16),
    "reachable, few": lambda generator: comparisons.reachable(border(generator, sizes=7, rates=3, seeds=3), None, 16),
}


@pytest.mark.parametrize("name", NULLS)
def test_without_an_effect_verdicts_err_in_5_of_100_worlds_at_most(name: str) -> None:
    counts = Counter(
        paper_verdicts.decide(NULLS[name](np.random.default_rng([7, world]))).verdict for world in range(WORLDS)
    )
    assert counts[AGREES] + counts[DISAGREES] <= MOST
    assert counts[CANNOT_TELL] < WORLDS or "normalization" in name  # the intervals are not just endless


def test_every_kind_is_tested_without_an_effect() -> None:
    assert {name.partition(",")[0] for name in NULLS} == {*KINDS}


# The rule.

EFFECTS = arrays(float, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.integers(-50, 100).map(float))


@given(EFFECTS)
def test_the_rule_is_that_of_t_tests(values: np.ndarray) -> None:
    values = values + 0.37 * np.linspace(0, 1, values.shape[1]) ** 2  # none is constant
    verdict = paper_verdicts.decide([SeedEffects(f"{row}", each) for row, each in enumerate(values)])
    above = stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 0, axis=1, alternative="less").pvalue
    expected = DISAGREES if below.min() < 0.025 / len(values) else AGREES if above.max() < 0.025 else CANNOT_TELL
    assert verdict.verdict == expected
    shown = values[int(verdict.what)]
    assert verdict.effect == pytest.approx(shown.mean(), abs=1e-9)
    interval = stats.ttest_1samp(shown, 0).confidence_interval(0.95)
    assert (verdict.low, verdict.high) == pytest.approx(tuple(interval), abs=1e-9)
    assert above[int(verdict.what)] == pytest.approx(above.max(), abs=1e-9)


def test_one_seed_or_none_tells_nothing() -> None:
    for values in ([0.5], [np.nan, 0.5], [np.nan, np.nan]):
        verdict = paper_verdicts.decide([SeedEffects("", np.array(values)), SeedEffects("", np.full(3, 9.0))])
        assert verdict.verdict == CANNOT_TELL


def test_equal_results_tell_nothing() -> None:
    assert paper_verdicts.decide([SeedEffects("", np.zeros(5))]).verdict == CANNOT_TELL
    assert paper_verdicts.decide([SeedEffects("", np.full(5, 0.1 + 0.2 - 0.3))]).verdict == CANNOT_TELL


# The kinds.


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
    with pytest.raises(Undecidable, match="a range takes three η̃; the grid has 1"):
        comparisons.range_shrinks(cells(test[:, :1]), None, None)


def test_reachable_asks_those_inside_and_outside() -> None:
    test = np.array([[0.8, 0.7], [0.79, 0.7], [0.75, 0.78], [0.7, 0.77]])[:, :, None] + np.zeros(2)
    found = comparisons.reachable(cells(test), 2, 4)
    assert values_of(found) == [[0.03, 0.03], [0.02, 0.02], [0.01, 0.01]]  # m = 8, 2, 4, at the η̃ of m = 2
    assert values_of(comparisons.reachable(cells(test), None, None)) == [[0.08, 0.08]]
    with pytest.raises(Undecidable, match="no m above 16"):
        comparisons.reachable(cells(test), 2, 16)


def test_what_is_maintained_is_less_than_2_points_behind() -> None:
    test = np.array([[0.8, 0.7], [0.79, 0.7], [0.75, 0.77], [0.7, 0.6]])[:, :, None] + np.zeros(2)
    found = comparisons.maintained(cells(test), 4, 8)
    assert [one.what for one in found] == [f"m = {m} against 2, short of 2 points" for m in (4, 8)]
    assert values_of(found) == [[0.01, 0.01], [-0.01, -0.01]]
    with pytest.raises(Undecidable, match="0 m within the bounds"):
        comparisons.maintained(cells(test), 32, None)


def test_normalisation_batches_are_compared_at_each_m() -> None:
    k = np.array([2, 2, 2, 2, 4, 4, 2, 4, 8])
    study = cells(np.arange(9.0).reshape(9, 1, 1) + np.zeros(2))
    m = np.array([2, 4, 8, 16, 4, 8, 2, 16, 8])
    study = dataclasses.replace(study, effective_batch_size=m, normalization_batch=k)
    assert values_of(comparisons.best_normalization(study, 4, 4)) == [[3, 3], [-3, -3], [4, 4]]
    assert values_of(comparisons.smaller_normalization(study, 8, None)) == [[-3, -3]]


def test_studies_of_other_rows_are_not_compared() -> None:
    one = cells(np.ones((2, 1, 2)))
    other = dataclasses.replace(one, data="other")
    for attempt in (lambda: comparisons.better(one, other, None, None), lambda: seed_values.pool([one, other])):
        with pytest.raises(Undecidable, match="different rows"):
            attempt()
    found = paper_verdicts.judge(SAID["normalization_5"], {"figure_1": one, "figure_5": other})
    assert found.verdict == CANNOT_TELL and found.left_out.startswith("figure_1<figure_5: ")


@pytest.mark.parametrize("bounds", [(4096, None), (2, 4096)])
def test_a_grid_without_an_m_on_one_side_tells_nothing(bounds: tuple[int, int | None]) -> None:
    with pytest.raises(Undecidable, match="grid has no m"):
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


# The data.

ROW = "a,1,s,t,falls,figure_1,,,x"
HEAD = "id,figures,setting,statement,kind,studies,low,high,source\n"
WRONG = {
    "a,1,s,t,fals,figure_1,,,x": "did you mean 'falls'",
    "a,1,s,t,falls,figure_1,0,,x": "low is '0'",
    "a,1,s,t,falls,figure_1,,many,x": "high is 'many'",
    "a,1,s,t,falls,figure_1,8,4,x": "low 8 is above high 4",
    "a,1,s,t,falls,figure-1,,,x": "studies has 'figure-1'",
    "a,1,s,t,falls,figure_1<figure_2,,,x": "falls takes 1 sides",
    "a,1,s,t,better,figure_1,,,x": "better takes 2 sides",
    "a,1,s": "row 1 does not have the columns",
    f"{ROW},more": "row 1 does not have the columns",
    f"{ROW}\n{ROW}": "same id",
    "": "has no statements",
}


@pytest.mark.parametrize("rows", WRONG)
def test_a_wrong_statement_is_told_in_a_line(rows: str, tmp_path: Path) -> None:
    (tmp_path / "said.csv").write_text(f"{HEAD}{rows}\n", encoding="utf-8")
    with pytest.raises(UserError, match=WRONG[rows]) as error:
        statements.read(tmp_path / "said.csv", SIDES)
    assert "\n" not in str(error.value)


def test_studies_are_found_by_name_or_pattern() -> None:
    names = ["figure_13a_normalization_16", "figure_13a_normalization_4", "figure_8", "figure_13b_normalization_4"]
    found = ["figure_13a_normalization_4", "figure_13a_normalization_16"]
    assert statements.resolve("figure_13a_normalization_*", names) == [[found]]
    assert statements.resolve("figure_8+figure_9<figure_1", names) == [[["figure_8"], []], [[]]]


def test_the_statements_cover_the_paper() -> None:
    assert {figure for said in SAID.values() for figure in said.figures} == {str(number) for number in range(1, 19)}
    assert {said.figures[0] for said in SAID.values()} == {str(number) for number in range(1, 19)}
    assert {said.kind for said in SAID.values()} == {*KINDS}
    assert {name for name, said in SAID.items() if not said.studies} == IMAGENET
