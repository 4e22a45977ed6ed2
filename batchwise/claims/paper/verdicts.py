"""Whether what was measured agrees with what the paper says (comparisons.py: how it is measured)."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from batchwise.analysis import seed_values
from batchwise.analysis.seed_values import SeedValues, Undecidable
from batchwise.analysis.selection import DIGITS
from batchwise.claims.paper.comparisons import KINDS, SeedEffects
from batchwise.claims.paper.statements import Statement, resolve
from batchwise.statistics.intervals import CONFIDENCE, Interval, mean_interval

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """What was measured of a statement; of several comparisons it shows the one that speaks for it least."""

    verdict: str
    what: str = ""  # that comparison; empty if there is none
    left_out: str = ""  # what could not be compared, and why
    unit: str = ""
    comparisons: int = 0
    effect: float = np.nan  # positive where the statement is right
    low: float = np.nan  # of the 95 % interval
    high: float = np.nan
    n: int = 0  # seeds


def judge(statement: Statement, studies: dict[str, SeedValues]) -> Verdict:
    """Return the verdict on a statement. `studies` are those that there are; the others are left out."""
    if not statement.studies:
        return Verdict(CANNOT_TELL, left_out="not decided here: ImageNet")
    kind = KINDS[statement.kind]
    comparisons, left_out = [], []
    for item in statement.studies:
        try:
            found = kind.compare(*_pooled(item, studies), statement.low, statement.high)
            comparisons += [SeedEffects(f"{item}: {what}", kind.scale * values) for what, values in found]
        except Undecidable as reason:
            left_out.append(f"{item}: {reason}")
    verdict = decide(comparisons) if comparisons else Verdict(CANNOT_TELL)
    return replace(verdict, unit=kind.unit, left_out="; ".join(left_out))


def _pooled(item: str, studies: dict[str, SeedValues]) -> list[SeedValues]:
    """Return the studies of each side of an entry of Statement.studies as one."""
    sides = resolve(item, list(studies))
    if not all(part for side in sides for part in side):
        raise Undecidable("not in this folder")
    return [seed_values.pool([studies[name] for part in side for name in part]) for side in sides]


def decide(comparisons: list[SeedEffects]) -> Verdict:
    """Return the verdict of comparisons that must all be positive.

    It agrees if the 95 % interval of each lies above 0: as all have to, that errs at most as often as one of them
    (intersection–union test; Berger 1982, Technometrics 24(4)), and needs no correction. It disagrees if one interval
    lies below 0 with Bonferroni's correction for the number of comparisons. Otherwise nothing can be told.
    """
    intervals = [mean_interval(comparison.values[None]) for comparison in comparisons]
    plain = [Interval(*(values.item() for values in interval)) for interval in intervals]
    factor = np.array([_bonferroni(len(plain), interval.n) for interval in plain])
    mean, low, high = (np.array([getattr(one, end) for one in plain]).round(DIGITS) for end in ("mean", "low", "high"))
    against = mean + (high - mean) * factor < 0
    # In units of its interval's half; a comparison without an interval supports nothing.
    weakest = np.nan_to_num(mean / np.maximum(high - mean, 10.0**-DIGITS)).argmin()
    verdict = DISAGREES if against.any() else AGREES if (low > 0).all() else CANNOT_TELL
    one = plain[weakest]
    return Verdict(
        verdict,
        what=comparisons[weakest].what,
        comparisons=len(plain),
        effect=one.mean,
        low=one.low,
        high=one.high,
        n=one.n,
    )


def results(judged: dict[Statement, Verdict]) -> pd.DataFrame:
    """Return a row for each statement with its verdict: the results table, of rounded numbers."""
    rows = [
        {
            "id": statement.id,
            "figures": " ".join(statement.figures),
            "statement": statement.statement,
            "measured": verdict.what,
            "left_out": verdict.left_out,
            "comparisons": verdict.comparisons,
            "unit": verdict.unit,
            **{name: round(getattr(verdict, name), 4) for name in ("effect", "low", "high")},
            "n": verdict.n,
            "verdict": verdict.verdict,
        }
        for statement, verdict in judged.items()
    ]
    return pd.DataFrame(rows)


def _bonferroni(comparisons: int, n: int) -> float:
    """Return by how much an interval of n seeds widens when it is one of several; NaN for fewer than two seeds."""
    tail = (1 - CONFIDENCE) / 2
    return stats.t.ppf(1 - tail / comparisons, n - 1) / stats.t.ppf(1 - tail, n - 1)
