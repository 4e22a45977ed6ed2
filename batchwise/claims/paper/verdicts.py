"""Whether what was measured agrees with what the paper says (comparisons.py: how it is measured)."""

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import SeedValues, Undecidable
from batchwise.claims.comparison import Comparison, over_seeds
from batchwise.claims.paper import judging
from batchwise.claims.paper.comparisons import KINDS, SeedEffects
from batchwise.claims.paper.judging import LeftOut, Verdict, all_of
from batchwise.claims.paper.statements import Statement, resolve


def judge(statement: Statement, studies: dict[str, SeedValues]) -> Verdict:
    """Return the verdict on a statement, by itself. `studies` are those that there are; the others are left out."""
    kind = KINDS[statement.kind]
    found, left_out = [], []
    for item in statement.studies:
        try:
            effects = kind.compare(*_pooled(item, studies), statement.low, statement.high)
            found += [comparison(item, each, kind.scale) for each in effects]
        except Undecidable as why:
            left_out.append(LeftOut(item, why.reason, why.numbers))
    return judging.judge(all_of(found), left_out)


def comparison(item: str, effects: SeedEffects, scale: int) -> Comparison:
    """Return the comparison of effects by seed, which have to be above 0, of an entry of Statement.studies."""
    return Comparison(item, effects.quantity, **over_seeds(scale * effects.values), numbers=effects.numbers)


def _pooled(item: str, studies: dict[str, SeedValues]) -> list[SeedValues]:
    """Return the studies of each side of an entry of Statement.studies as one."""
    sides = resolve(item, list(studies))
    if not all(part for side in sides for part in side):
        raise Undecidable("no_such_study")
    return [seed_values.pool([studies[name] for part in side for name in part]) for side in sides]
