"""A run is the death of its workers only where what started them is still there, and starts them again."""

import os
from types import SimpleNamespace

import pytest

from batchwise.config.grid import Run
from batchwise.execution import workers
from batchwise.execution.losses import DEATHS_ALLOWED, Loss, Losses

RUN = Run(4, 0.5, 0)


def lost(times: int, *, back: bool, in_order: bool = False, here: bool = False) -> Losses:
    """Return what is counted of a run whose workers went away so many times, and came back or not."""
    losses = Losses(lambda worker: in_order, here=here)
    for number in range(times):
        losses.add(Loss(RUN, f"worker {number}", f"nanny {number}"))
        losses.look({"another", None, *([f"nanny {number}"] if back else [])})
    return losses


@pytest.mark.parametrize("case", ["taken away", "sent away", "died", "of this machine"])
def test_only_deaths_count_against_a_run(case) -> None:
    times = DEATHS_ALLOWED + 1
    losses = {
        "taken away": lost(times, back=False),
        "sent away": lost(times, back=True, in_order=True),
        "died": lost(times, back=True),
        "of this machine": lost(times, back=False, here=True),
    }[case]
    assert losses.losses[RUN] == times
    assert losses.are_too_many(RUN) == (case in ("died", "of this machine"))


def test_one_that_comes_back_late_counts_once() -> None:
    losses = lost(1, back=False)
    losses.look({"nanny 1"})
    assert losses.deaths[RUN] == 0
    for _ in range(2):
        losses.look({"nanny 0"})
        assert losses.deaths[RUN] == 1


def test_what_gets_the_port_of_a_machine_that_was_taken_away_does_not_start_its_worker_again(monkeypatch) -> None:
    monkeypatch.setattr(workers, "get_worker", lambda: SimpleNamespace(nanny="tls://node:9100"))
    first, again = workers.nanny(), workers.nanny()
    monkeypatch.setattr(os, "getppid", os.getpid)
    later = workers.nanny()
    assert first == again != later
    losses = Losses(lambda worker: False, here=False)
    for there, deaths in ((later, 0), (first, 1)):
        losses.add(Loss(RUN, "tls://node:9000", first))
        losses.look({there})
        assert losses.deaths[RUN] == deaths * 2
