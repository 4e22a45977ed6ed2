"""The learning rate of each update, against the definition and against the paper's numbers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.config.recipe import Schedule
from batchwise.training.schedule import multiples

FRACTIONS = st.integers(1, 99).map(lambda percent: percent / 100)


def by_hand(schedule: Schedule, updates: int) -> list[float]:
    """Return the multiples in exact arithmetic, from the words of Masters & Luschi 2018, sections 3.1 and 3.4."""
    exact = lambda number: Fraction(str(number))  # noqa: E731
    found = []
    for update in range(updates):
        way = Fraction(update, updates)
        value = Fraction(1, 10) ** sum(way >= exact(drop) for drop in schedule.drops)
        if way < exact(schedule.warm_up):
            value *= Fraction(1, 32) + Fraction(31, 32) * way / exact(schedule.warm_up)
        found.append(float(value))
    return found


@given(updates=st.integers(1, 500), warm_up=FRACTIONS, drops=st.lists(FRACTIONS, max_size=3, unique=True))
def test_multiples_are_those_of_the_definition(updates, warm_up, drops) -> None:
    drops = sorted(drops)
    schedule = Schedule(warm_up=min([warm_up, *drops]), drops=drops)
    np.testing.assert_allclose(multiples(schedule, updates), by_hand(schedule, updates), rtol=1e-12)


@given(updates=st.integers(1, 500))
def test_without_a_schedule_the_rate_is_constant(updates) -> None:
    np.testing.assert_array_equal(multiples(Schedule(), updates), np.ones(updates))


def test_the_schedule_of_the_paper() -> None:
    found = multiples(Schedule(warm_up=0.05, drops=[0.5, 0.75]), 1000)
    assert found[0] == 1 / 32
    assert found[49] < found[50] == found[499] == 1
    assert found[500] == found[749] == pytest.approx(0.1)
    assert found[750] == found[999] == pytest.approx(0.01)


def test_drops_are_at_the_same_epoch_for_every_batch_size() -> None:
    """82 epochs (Masters & Luschi 2018, section 3.1): the 41st epoch is the last at η, for every m that divides N."""
    for steps in (1, 3, 1000):
        found = multiples(Schedule(drops=[0.5, 0.75]), 82 * steps).reshape(82, steps)
        assert (found[:41] == 1).all()
        np.testing.assert_allclose(found[41], 0.1)
