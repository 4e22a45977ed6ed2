"""Verdicts: in worlds whose truth is known, against SciPy, and how often they err where there is no effect."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import SeedValues
from batchwise.claims.paper import comparisons, statements
from batchwise.claims.paper import verdicts as paper_verdicts
from batchwise.claims.paper.comparisons import KINDS, POINTS, SERVES, SeedEffects
from batchwise.claims.paper.judging import CONTRADICTED, NOT_DECIDED, SUPPORTED, LeftOut, Verdict, all_of, judge
from batchwise.common.repository import ROOT
from tests.claims.paper.cells import cells
from tests.fabricated_paper import FIGURES, NORMALIZATION, World, as_the_paper_says, measured, the_other_way

SIDES = {name: kind.sides for name, kind in KINDS.items()}
SAID = {statement.id: statement for statement in statements.read(ROOT / "paper/statements.csv", SIDES)}
HERE = [*FIGURES, "figure_4", *NORMALIZATION]
IMAGENET = {"best_12", "normalization_batch_14", "falls_14"}


def judged(world: World, names: list[str] = HERE) -> dict[str, Verdict]:
    studies = {name: measured(name, world) for name in names}
    return {name: paper_verdicts.judge(statement, studies) for name, statement in SAID.items()}


def decide(effects: list[SeedEffects]) -> Verdict:
    return judge(all_of([paper_verdicts.comparison("figure", one, scale=1) for one in effects]))


def test_a_world_as_the_paper_says_agrees() -> None:
    verdicts = judged(as_the_paper_says)
    assert {name: verdict.verdict for name, verdict in verdicts.items() if name not in IMAGENET} == {
        name: SUPPORTED for name in SAID if name not in IMAGENET
    }
    assert all(verdicts[name].verdict == NOT_DECIDED and not verdicts[name].decisive for name in IMAGENET)


def test_the_opposite_world_disagrees() -> None:
    verdicts = judged(the_other_way)
    assert {name: verdict.verdict for name, verdict in verdicts.items() if name not in IMAGENET} == {
        name: CONTRADICTED for name in SAID if name not in IMAGENET
    }


def test_a_planted_effect_is_measured() -> None:
    verdicts = judged(as_the_paper_says, ["figure_1", "figure_5"])
    # Without normalisation 70 % − a point for each doubling from m = 2; with it 78 % − half a point from m = 16.
    for name, effect in (("best_1", 5), ("falls_1_2_3", 1.3), ("best_5", 1)):
        one = verdicts[name].decisive
        assert one.effect.low - 0.3 < effect < one.effect.high + 0.3, name
        assert one.n == 3
    absent = tuple(LeftOut(f"figure_{number}", "no_such_study", {}) for number in (2, 3))
    assert verdicts["falls_1_2_3"].left_out == absent
    assert verdicts["best_2"].verdict == NOT_DECIDED and not verdicts["best_2"].decisive


def test_studies_of_other_rows_are_left_out() -> None:
    one = cells(np.ones((2, 1, 2)))
    found = paper_verdicts.judge(SAID["normalization_5"], {"figure_1": one, "figure_5": replace(one, data="other")})
    assert found.verdict == NOT_DECIDED
    assert found.left_out == (LeftOut("figure_1<figure_5", "different_rows", {}),)


# With no effect at all.

WORLDS = 200
MOST = int(stats.binom.ppf(0.999, WORLDS, 0.05))  # false verdicts that a rate of 5 % gives but once in 1000 times


def nothing(
    generator: np.random.Generator, sizes: int = 11, rates: int = 5, seeds: int = 5, **given: object
) -> SeedValues:
    """Return cells with one accuracy, in which a run's luck is that of its validation and its test rows."""
    luck = 0.7 + generator.normal(0, 0.02, (sizes, rates, seeds))
    seen, unseen = (luck + generator.normal(0, 0.005, luck.shape) for _ in range(2))
    return replace(cells(unseen), validation=seen.reshape(-1, seeds), **given)


def normalized(generator: np.random.Generator) -> SeedValues:
    ks = [nothing(generator, sizes=7, rates=1, normalization_batch=np.minimum(k, 2 ** np.arange(1, 8))) for k in (2, 4)]
    return seed_values.pool([*ks, nothing(generator, sizes=7, rates=1)])


def border(generator: np.random.Generator, **grid: int) -> SeedValues:
    """Return cells in which m above 16 lose exactly 2 points."""
    study = nothing(generator, **grid)
    lost = np.where(study.effective_batch_size > 16, SERVES / POINTS, 0)[:, None]
    return replace(study, test=study.test - lost, validation=study.validation - lost)


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


@pytest.mark.no_cover
@pytest.mark.parametrize("name", NULLS)
def test_without_an_effect_verdicts_err_in_5_of_100_worlds_at_most(name: str) -> None:
    counts = Counter(decide(NULLS[name](np.random.default_rng([7, world]))).verdict for world in range(WORLDS))
    assert counts[SUPPORTED] + counts[CONTRADICTED] <= MOST
    assert counts[NOT_DECIDED] < WORLDS or "normalization" in name  # the intervals are not just endless


def test_every_kind_is_tested_without_an_effect() -> None:
    assert {name.partition(",")[0] for name in NULLS} == {*KINDS}


# The rule.

EFFECTS = arrays(float, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.integers(-50, 100).map(float))


@given(EFFECTS)
def test_the_rule_is_that_of_t_tests(values: np.ndarray) -> None:
    values = values + 0.37 * np.linspace(0, 1, values.shape[1]) ** 2  # none is constant
    verdict = decide([SeedEffects(f"{row}", {}, each) for row, each in enumerate(values)])
    above = stats.ttest_1samp(values, 0, axis=1, alternative="greater").pvalue
    below = stats.ttest_1samp(values, 0, axis=1, alternative="less").pvalue
    expected = CONTRADICTED if below.min() < 0.025 / len(values) else SUPPORTED if above.max() < 0.025 else NOT_DECIDED
    assert verdict.verdict == expected
    row, effect = int(verdict.decisive.quantity), verdict.decisive.effect
    shown = values[row]
    assert effect.value == pytest.approx(shown.mean(), abs=1e-9)
    interval = stats.ttest_1samp(shown, 0).confidence_interval(0.95)
    assert (effect.low, effect.high) == pytest.approx(tuple(interval), abs=1e-9)
    assert above[row] == pytest.approx(above.max(), abs=1e-9)


def test_one_seed_or_none_tells_nothing() -> None:
    for values in ([0.5], [np.nan, 0.5], [np.nan, np.nan]):
        verdict = decide([SeedEffects("", {}, np.array(values)), SeedEffects("", {}, np.full(3, 9.0))])
        assert verdict.verdict == NOT_DECIDED


def test_equal_results_tell_nothing() -> None:
    assert decide([SeedEffects("", {}, np.zeros(5))]).verdict == NOT_DECIDED
    assert decide([SeedEffects("", {}, np.full(5, 0.1 + 0.2 - 0.3))]).verdict == NOT_DECIDED
