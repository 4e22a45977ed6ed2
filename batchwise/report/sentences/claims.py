"""The verdict on a claim in sentences: the answer, the effect, how sure it is, and what would decide it."""

import numpy as np

from batchwise.claims.evidence import Comparison, Right, Rule
from batchwise.claims.judging import ALPHA, CONTRADICTED, MOST_SEEDS, NOT_DECIDED, SUPPORTED, Verdict, seeds_needed
from batchwise.claims.verdicts import Claim
from batchwise.report.number_format import digits, known
from batchwise.report.sentences import comparisons
from batchwise.report.sentences.grammar import count

VERDICTS = {SUPPORTED: "claim supported", CONTRADICTED: "claim contradicted", NOT_DECIDED: "not decided here"}


def answer(claim: Claim, verdict: Verdict) -> str:
    """Return the answer in plain words."""
    if verdict.verdict != NOT_DECIDED:
        return claim.yes if verdict.verdict == SUPPORTED else claim.no
    if not verdict.evidence.comparisons:
        return f"Not decided here: no study measures it. Run {claim.needs}."
    return f"Not decided here: {leaning(verdict)}"


def leaning(verdict: Verdict) -> str:
    """Return how many of the comparisons speak for and against a claim on which nothing is decided."""
    found = verdict.evidence.comparisons
    supporting = sum(one.p_for < ALPHA / 2 for one in found)
    contradicting = sum(one.p_against < ALPHA / 2 for one in found)
    return (
        f"taken by themselves, {supporting} of {count(len(found), 'comparison')} speak for the claim, {contradicting} "
        "against it. A verdict takes all of them, and more certainty among so many claims."
    )


def evidence(verdict: Verdict, decisive: Comparison, claims: int) -> str:
    """Return the comparison on which a verdict rests, its p-value among so many claims, and what would decide it."""
    undecided = needed(decisive, claims) if verdict.verdict == NOT_DECIDED else ""
    return effect(decisive) + adjusted(verdict, decisive) + undecided


def effect(one: Comparison) -> str:
    """Return a comparison in words: the study, what was compared, the effect with its interval and n."""
    name, unit = f"{one.study}: {comparisons.what(one)}", comparisons.unit(one)
    if one.is_counted:
        return f"{name}: {one.effect.value:,.0f} of {one.n} {unit}; counted, so without an interval."
    if not known(one.effect.value):
        return f"{name}: not known, for want of {one.sample}."
    interval = f"95 % interval {interval_of(one)}, " if known(one.effect.low, one.effect.high) else "no interval, "
    return f"{name}: {digits(one.effect.value)} {unit} ({interval}n = {one.n} {one.sample})."


def adjusted(verdict: Verdict, decisive: Comparison) -> str:
    """Return the p-value of the verdict, adjusted for the number of claims; what is counted has none."""
    amount = len(verdict.evidence.comparisons)
    rest = f" It is the one on which the verdict rests, of {amount}." if amount > 1 else ""
    if decisive.is_counted and verdict.verdict != NOT_DECIDED:
        return rest
    p = "< 0.001" if verdict.p < 0.001 else f"= {verdict.p:.3f}"
    return f"{rest} p {p}, adjusted for all claims (Holm)."


def needed(one: Comparison, claims: int) -> str:
    """Return how many seeds would decide a comparison that decides nothing, among so many claims."""
    seeds = seeds_needed(one, claims)
    if np.isnan(seeds):
        return ""
    if np.isinf(seeds):
        return f" The effect is so near to the other answer that {MOST_SEEDS:,} seeds would not tell."
    return f" Were effect and spread as they are here, {seeds:.0f} seeds would decide it, with a probability of 80 %."


def row(one: Comparison) -> list[str]:
    """Return a comparison as a row of a table: study, what, effect, interval, n, right if."""
    return [
        one.study,
        comparisons.what(one),
        f"{digits(one.effect.value)} {comparisons.unit(one)}",
        interval_of(one) if known(one.effect.low) else "–",
        f"{one.n} {one.sample}",
        right(one.right),
    ]


def interval_of(one: Comparison) -> str:
    """Return the interval of an effect."""
    return f"{digits(one.effect.low)} to {digits(one.effect.high)}"


def right(bounds: Right) -> str:
    """Return with which effects a claim is right."""
    match bounds.rule:
        case Rule.ABOVE:
            return f"above {digits(bounds.low)}"
        case Rule.BELOW:
            return f"below {digits(bounds.high)}"
        case Rule.WITHIN:
            return f"{digits(bounds.low)} to {digits(bounds.high)}"
        case Rule.NOT_ZERO:
            return "not 0"
        case Rule.NONE_COUNTED:
            return "0"
