"""Planted truths: verdicts and answers are as seldom false, and tell as often, as they should."""

import sys

import pytest

from batchwise.claims.comparison import Rule
from batchwise.claims.verdicts import Verdict
from benchmarks import truth
from benchmarks.truths import intervals, times, verdicts
from benchmarks.truths.rate import Rate

REPETITIONS = 40
YES, NO, SAME, UNKNOWN = Verdict
BAD = Rate("kind", "what", 0.2, "≤ 0.05", holds=False)


def test_few_verdicts_and_answers_are_false_and_what_is_true_is_told() -> None:
    found = verdicts.rates(REPETITIONS)
    assert [rate for rate in found if not rate.holds] == []
    for what in ("false verdict", "false answer", "effect found", "equal called equal"):
        assert {rate.kind for rate in found if rate.kind.startswith(what)} == {
            f"{what}, {rule}" for rule in verdicts.SIGNS
        }


def test_fresh_seeds_tell_more_than_those_that_choose() -> None:
    by_kind: dict[str, dict[str, float]] = {}
    for rate in verdicts.rates(5):
        if "found" in rate.kind or "called" in rate.kind:
            by_kind.setdefault(rate.kind, {})[rate.what.rpartition(", ")[2]] = rate.rate
    assert all(rates["fresh seeds"] > rates["the 5 seeds that choose"] for rates in by_kind.values()) and by_kind


@pytest.mark.parametrize(
    ("rule", "effect", "true"),
    [
        (Rule.MORE, 2, {YES}),
        (Rule.MORE, 1, set()),
        (Rule.MORE, 0, {SAME}),
        (Rule.MORE, -2, {NO}),
        (Rule.DIFFERENT, -2, {YES}),
        (Rule.DIFFERENT, 0.5, {SAME}),
        (Rule.EQUAL, 2, {NO}),
        (Rule.EQUAL, -2, {NO}),
        (Rule.EQUAL, 0, {YES}),
        (Rule.EQUAL, -1, set()),
        (Rule.NOT_LESS, 2, {YES}),
        (Rule.NOT_LESS, 1, {YES}),
        (Rule.NOT_LESS, 0, {YES}),
        (Rule.NOT_LESS, -1, set()),
        (Rule.NOT_LESS, -2, {NO}),
    ],
)
def test_what_is_true_of_an_effect(rule: Rule, effect: float, true: set[Verdict]) -> None:
    assert verdicts.true_verdicts(rule, effect) == {UNKNOWN, *true}


def test_the_table_is_of_every_file_that_plants_truths(monkeypatch, capsys) -> None:
    assert {"intervals", "times", "verdicts"} <= {*truth.names()}
    monkeypatch.setattr(sys, "argv", ["truth", "--repetitions", "1"])
    monkeypatch.setattr(truth, "names", lambda: ["intervals", "times", "verdicts"])
    status, printed = truth.main(), capsys.readouterr().out.splitlines()
    expected = [rate for each in (intervals, times, verdicts) for rate in each.rates(1)]
    assert printed[:-1] == [truth.line(rate) for rate in expected]
    assert status == int(not all(rate.holds for rate in expected))


@pytest.mark.parametrize(("rates", "status"), [([BAD], 1), ([BAD._replace(holds=True)], 0)])
def test_a_rate_that_is_not_as_wanted_is_told(monkeypatch, capsys, rates: list[Rate], status: int) -> None:
    monkeypatch.setattr(sys, "argv", ["truth"])
    monkeypatch.setattr(truth, "rates", lambda repetitions: rates)
    assert truth.main() == status
    printed = capsys.readouterr().out
    assert ("not as wanted" in printed) == bool(status) and f"{1 - status} of 1 rates are as wanted" in printed
