"""In which order a pool trains the runs of a study."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable
from itertools import islice
from operator import attrgetter

from batchwise.config.grid import Run


class Queue:
    """Hands out runs: the longest first, and those of one batch size to one worker, which compiles them once.

    `seconds` says how long a worker takes for a run, and for those that it trains together with it; `compile_seconds`
    how much longer the first time at a batch size. Both are asked anew each time, since what they say gets better while
    runs are measured. `all_begin`: no worker has trained yet, and each has a core, so that a second one of a batch size
    costs no time as long as the first has not trained either.
    `at_once` is how many runs a worker trains together, if they are of one `kind`.
    """

    def __init__(
        self,
        runs: list[Run],
        seconds: Callable[[Run], float],
        compile_seconds: Callable[[], float],
        *,
        all_begin: bool = False,
        at_once: int = 1,
        kind: Callable[[Run], Hashable] = attrgetter("branch"),
    ) -> None:
        self.seconds, self.compile_seconds = seconds, compile_seconds
        self.all_begin, self.at_once, self.kind = all_begin, at_once, kind
        self.waiting: dict[int, list[Run]] = defaultdict(list)
        for run in sorted(runs, reverse=True):
            self.waiting[run.effective_batch_size].append(run)
        self.current: dict[str, int] = {}
        self.sharing: set[str] = set()  # workers whose batch size was another's when they took it up

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def take(self, worker: str, workers: Collection[str]) -> tuple[Run, ...]:
        """Return the next runs for a worker, one of `workers`: of its batch size, else of one with much to do.

        None of them if the rest is done sooner without it: by the workers that have compiled it.
        """
        batch_size = self.current.get(worker)
        self.all_begin &= batch_size is None  # one that asks again has trained
        if batch_size not in self.waiting:
            others = {self.current[other] for other in workers if other in self.current}
            batch_size = self._next_batch_size(others)
            self.sharing = self.sharing | {worker} if batch_size in others else self.sharing - {worker}
        if batch_size is None:
            return ()
        self.current[worker] = batch_size
        runs = self.waiting[batch_size]
        places = self._places(runs, _first_of_last(runs) if worker in self.sharing else len(runs) - 1)
        taken = tuple(runs[place] for place in places)
        for place in sorted(places, reverse=True):
            del runs[place]
        if not runs:
            del self.waiting[batch_size]
        return taken

    def _next_batch_size(self, taken: set[int]) -> int | None:
        free = self.waiting.keys() - taken
        worth_sharing = [
            m for m in self.waiting if self.all_begin or self._seconds_left(m) > 2 * self.compile_seconds()
        ]
        return max(free or worth_sharing, key=self._seconds_left, default=None)

    def _seconds_left(self, batch_size: int) -> float:
        return sum(map(self.seconds, self.waiting[batch_size])) / self.at_once

    def _places(self, runs: list[Run], first: int) -> list[int]:
        """Return the place of a run, and of others of its kind, from the end on, as many as are trained together."""
        if self.at_once == 1:
            return [first]
        kind = self.kind(runs[first])
        alike = (place for place in reversed(range(len(runs))) if place != first and self.kind(runs[place]) == kind)
        return [first, *islice(alike, self.at_once - 1)]


def _first_of_last(runs: list[Run]) -> int:
    """Return the place of the first run of the last rate and seed, of runs from the last to the first.

    A worker that shares a batch size begins there: branches of a run, which have its beginning in common, stay with one
    worker, in their order.
    """
    last = runs[0]
    return max(
        place for place, run in enumerate(runs) if (run.learning_rate, run.seed) == (last.learning_rate, last.seed)
    )
