"""What each worker does, as far as it is seen from where the runs are handed out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

SECONDS_BETWEEN_LOOKS = 0.25


class Run(Protocol):
    """What is told of a run (config/grid.py)."""

    @property
    def effective_batch_size(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...


AtWork = Mapping[str, Sequence[Run]]  # {worker: the runs that it has}


@dataclass(frozen=True)
class WorkerState:
    """What a worker does; several runs of one batch size have no one learning rate."""

    worker: str
    state: Literal["starts", "compiles", "trains", "idle"]
    batch_size: int | None = None
    learning_rate: float | None = None
    runs: int = 0


class WorkerStates:
    """Which runs each worker had at the last look, and since when it has their batch size.

    No worker tells when it has started or compiled: it is taken to do so for as long as that takes as far as is known,
    or until it has its next run.
    """

    def __init__(self, compile_seconds: Callable[[], float]) -> None:
        self.compile_seconds = compile_seconds
        self.start_seconds = 0.0  # from the first run that a worker is given
        self.at_work: AtWork = {}
        self.looked = float("-inf")
        self.begun: dict[str, float] = {}  # when a worker was first seen with a run
        self.new: dict[str, tuple[Run, float]] = {}  # the first run of a batch size, and since when a worker has it

    def look(self, at_work: Callable[[], AtWork], now: float) -> bool:
        """Take up what workers have now, unless that was done just before; return whether it was not."""
        if now - self.looked < SECONDS_BETWEEN_LOOKS:
            return False
        before, self.at_work, self.looked = self.at_work, at_work(), now
        for worker, runs in self.at_work.items():
            if runs:
                self.begun.setdefault(worker, now)
                if _batch_size(before.get(worker)) != _batch_size(runs):
                    self.new[worker] = runs[0], now
        return True

    def now(self, now: float) -> list[WorkerState]:
        """Return what each worker does, those of small batch sizes first, idle ones last."""
        states = [self._state(worker, runs, now) for worker, runs in self.at_work.items()]
        return sorted(states, key=lambda one: (one.batch_size or math.inf, one.learning_rate or 0, one.worker))

    def _state(self, worker: str, runs: Sequence[Run], now: float) -> WorkerState:
        if not runs:
            return WorkerState(worker, "idle")
        return WorkerState(worker, self._does(worker, runs[0], now), _batch_size(runs), _learning_rate(runs), len(runs))

    def _does(self, worker: str, run: Run, now: float) -> Literal["starts", "compiles", "trains"]:
        first, since = self.new[worker]
        if run != first:
            return "trains"
        started = since + (self.start_seconds if since == self.begun[worker] else 0)
        if now < started:
            return "starts"
        return "compiles" if now < started + self.compile_seconds() else "trains"


def _batch_size(runs: Sequence[Run] | None) -> int | None:
    return runs[0].effective_batch_size if runs else None


def _learning_rate(runs: Sequence[Run]) -> float | None:
    rates = {run.learning_rate for run in runs}
    return rates.pop() if len(rates) == 1 else None
