"""In which order a pool trains the runs of a study."""

from collections import defaultdict
from collections.abc import Callable, Collection

from batchwise.config.grid import Run


class Queue:
    """Hands out runs: the longest first, and those of one batch size to one worker, which compiles them once.

    `seconds` says how long a run takes, `compile_seconds` how much longer the first run of a batch size; both are asked
    anew each time, since what they say gets better while runs are measured.
    """

    def __init__(self, runs: list[Run], seconds: Callable[[Run], float], compile_seconds: Callable[[], float]) -> None:
        self.seconds, self.compile_seconds = seconds, compile_seconds
        self.waiting: dict[int, list[Run]] = defaultdict(list)
        for run in sorted(runs, reverse=True):
            self.waiting[run.effective_batch_size].append(run)
        self.current: dict[str, int] = {}

    def take(self, worker: str, workers: Collection[str]) -> Run | None:
        """Return the next run for a worker, one of `workers`: of its batch size, else of one with much to do.

        None if the rest is done sooner without it: by the workers that have compiled it.
        """
        batch_size = self.current.get(worker)
        if batch_size not in self.waiting:
            batch_size = self._next_batch_size({self.current[other] for other in workers if other in self.current})
        if batch_size is None:
            return None
        self.current[worker] = batch_size
        run = self.waiting[batch_size].pop()
        if not self.waiting[batch_size]:
            del self.waiting[batch_size]
        return run

    def _next_batch_size(self, taken: set[int]) -> int | None:
        free = self.waiting.keys() - taken
        worth_sharing = [m for m in self.waiting if self._seconds_left(m) > 2 * self.compile_seconds()]
        return max(free or worth_sharing, key=self._seconds_left, default=None)

    def _seconds_left(self, batch_size: int) -> float:
        return sum(map(self.seconds, self.waiting[batch_size]))
