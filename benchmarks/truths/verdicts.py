"""How often the verdicts and answers of a page are false, and how often they tell, of studies with a known truth.

A page has four questions, one of each rule, in four studies of six batch sizes: three small ones that are alike and
three large ones, which are worse by the effect. Five seeds choose, fresh ones confirm, as many as confirmation says.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from batchwise.analysis.confirmation import seeds_for
from batchwise.claims.answers import Agreement, Answer, answer
from batchwise.claims.comparison import Rule, Scale, over_seeds
from batchwise.claims.evidence import Evidence
from batchwise.claims.questions import Question
from batchwise.claims.verdicts import SAYS, Verdict
from batchwise.config.study import LEAST_SEEDS
from benchmarks.truths.rate import Rate

STUDIES, CHOOSING, MOST_SEEDS, HALF_WIDTH = 4, 5, 40, 0.5  # as in params.yaml
SMALL, LARGE = [0, 1, 2], [3, 4, 5]  # rows of values
WORST = 10  # times as many pages where the effect is the margin: from 200 repetitions 5 % are known to half a percent
CLEAR = 5.0  # margins: an effect that is told anyway
SHARED, OF_RUN = 0.3, 0.5  # parts of the variance that all runs of a seed have, and all rows of a run
# What of a page is of each rule, and the sign of the effect in it: that of small batch sizes, of large ones in `not
# less`, which is false where they are behind.
SIGNS = {Rule.MORE: 1, Rule.DIFFERENT: 1, Rule.EQUAL: 1, Rule.NOT_LESS: -1}
QUESTIONS = [Question(rule, rule, rule, 1.0, "points", "", "", "", "", "", "") for rule in SIGNS]


class World(NamedTuple):
    """What is true of the studies of a page, in margins, which are points."""

    effect: float  # by which small batch sizes are better
    spread: float = 0.5  # standard deviation between seeds
    confirmed: bool = True  # whether results are of fresh seeds
    among_clear: bool = False  # whether in half of the studies the effect is clear

    def __str__(self) -> str:
        where = " in two of four studies" if self.among_clear else ""
        seeds = "fresh seeds" if self.confirmed else f"the {CHOOSING} seeds that choose"
        return f"{self.effect:g} margins{where}, spread {self.spread:g} points, {seeds}"

    @property
    def effects(self) -> list[float]:
        """The effect in each study."""
        return [CLEAR if self.among_clear and number % 2 else self.effect for number in range(STUDIES)]


FALSE = [World(effect, 0.5, confirmed) for confirmed in (True, False) for effect in (0, 0.5, 1)]
FALSE += [World(1, 0.5, among_clear=True), World(1, 1.0)]
TELLING = [World(effect, *how) for effect in (2, 0) for how in ((0.5, True), (1.0, True), (0.5, False))]


def rates(repetitions: int) -> list[Rate]:
    """Return how often verdicts and answers are false, and how often they tell; the same for the same number."""
    worlds = dict.fromkeys([*FALSE, *TELLING])
    pages = {world: [*pages_of(world, repetitions * (WORST if world.effect == 1 else 1))] for world in worlds}
    false = [rate for world in FALSE for rate in _false(world, pages[world])]
    return false + [rate for world in TELLING for rate in _telling(world, pages[world])]


def pages_of(world: World, repetitions: int) -> Iterator[list[Answer]]:
    """Yield the answers of as many pages about new studies."""
    generator = np.random.default_rng([round(100 * number) for number in world])
    for _ in range(repetitions):
        page = [one for number, effect in enumerate(world.effects) for one in study(number, effect, world, generator)]
        yield answer(QUESTIONS, page)


def study(number: int, effect: float, world: World, generator: np.random.Generator) -> Iterator[Evidence]:
    """Yield the comparisons of a study."""
    truth = np.repeat([0.0, -effect], len(SMALL))
    validation, test = runs(truth, world.spread, CHOOSING, generator)
    best = validation.mean(axis=1)
    small, large = (max(side, key=best.__getitem__) for side in (SMALL, LARGE))
    if world.confirmed:
        test = confirmed(truth, world.spread, int(best.argmax()), generator)
    pairs = {
        Rule.MORE: [(small, large)],
        Rule.DIFFERENT: [(SMALL[0], LARGE[0])],
        Rule.EQUAL: list(zip(SMALL, LARGE, strict=True)),
        Rule.NOT_LESS: [(large, small)],
    }
    for rule, compared in pairs.items():
        for one, other in compared:
            about = over_seeds(test[one] - test[other])
            yield Evidence(
                *(rule, str(number), "", "", "", about["effect"], "points", 1.0, rule, Scale.DIFFERENCE),
                *(about["degrees"], about["n"], about["sample"], "", np.nan, ""),
            )


def runs(truth: np.ndarray, spread: float, seeds: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return results on validation and on test rows, [batch sizes, seeds] each, of runs that share their seeds."""
    shape = len(truth), seeds
    of_seed, of_run = generator.normal(size=seeds), generator.normal(size=shape)
    common = np.sqrt(SHARED) * of_seed + np.sqrt(OF_RUN) * of_run
    rest = np.sqrt(1 - SHARED - OF_RUN) * generator.normal(size=(2, *shape))
    validation, test = truth[:, None] + spread * (common + rest)
    return validation, test


def confirmed(truth: np.ndarray, spread: float, reference: int, generator: np.random.Generator) -> np.ndarray:
    """Return results of fresh seeds on test rows: more until intervals are narrow, as confirmation.fresh_runs does."""
    _, test = runs(truth, spread, MOST_SEEDS, generator)
    seeds, wanted = 0, LEAST_SEEDS
    while wanted > seeds:
        seeds = wanted
        wanted = min(seeds_for(test[:, :seeds], reference, HALF_WIDTH), MOST_SEEDS)
    return test[:, :seeds]


def true_verdicts(rule: Rule, effect: float) -> set[Verdict]:
    """Return what is true of an effect, in margins, and that it cannot be told; no more of one that is the margin."""
    above, within, below = SAYS[rule]
    holds = {above: effect > 1, within: abs(effect) < 1, below: effect < -1}
    if rule in (Rule.DIFFERENT, Rule.EQUAL):
        holds[above] = abs(effect) > 1
    if rule == Rule.NOT_LESS:
        holds[above] = effect > -1
    return {Verdict.UNKNOWN, *(verdict for verdict, true in holds.items() if true)}


def _false(world: World, pages: list[list[Answer]]) -> Iterator[Rate]:
    """Yield the rates of false verdicts and answers."""
    for number, (rule, sign) in enumerate(SIGNS.items()):
        true, found = true_verdicts(rule, sign * world.effect), [page[number] for page in pages]
        asked = [one for each in found for one in each.judged if world.effects[int(one.evidence.study)] == world.effect]
        yield _at_most(f"false verdict, {rule}", world, [one.verdict not in true for one in asked])
        if not world.among_clear:
            yield _at_most(f"false answer, {rule}", world, [not said(one) <= true for one in found])


def said(one: Answer) -> set[Verdict]:
    """Return what an answer says of all or most studies, or of some of them."""
    if one.agreement in (Agreement.ALL, Agreement.MOSTLY):
        return {one.verdict}
    return {each.verdict for each in one.telling}


def _telling(world: World, pages: list[list[Answer]]) -> Iterator[Rate]:
    """Yield how often what is true is told."""
    what = "equal called equal" if world.effect == 0 else "effect found"
    for number, (rule, sign) in enumerate(SIGNS.items()):
        true = true_verdicts(rule, sign * world.effect) - {Verdict.UNKNOWN}
        rate = float(np.mean([one.verdict in true for page in pages for one in page[number].judged]))
        yield _rate(f"{what}, {rule}", world, rate, "≥ 0.80", holds=rate >= 0.8)


def _at_most(kind: str, world: World, false: list[bool]) -> Rate:
    rate = float(np.mean(false))
    return _rate(kind, world, rate, "≤ 0.05", holds=rate <= 0.05)


def _rate(kind: str, world: World, rate: float, wanted: str, *, holds: bool) -> Rate:
    """Return a rate; without confirmation it is shown for comparison, and nothing is wanted of it."""
    return Rate(kind, str(world), rate, wanted if world.confirmed else "", holds or not world.confirmed)
