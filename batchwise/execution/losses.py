"""Whose fault it was that workers went away: that of the run that they had, or nobody's."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from batchwise.config.grid import Run

DEATHS_ALLOWED = 2  # of workers that had a run, by its fault: it is tried again
LOSSES_ALLOWED = 20  # whosever fault: no machine is taken away so often in the middle of one run


@dataclass(frozen=True)
class Loss:
    """A run whose worker went away, and what would start that worker again, as Answer.nanny."""

    run: Run
    worker: str
    nanny: str | None
    alone: bool = True  # the worker had no other, whose fault it may have been


class Losses:
    """Counts how often a run lost its worker, and how often that was the fault of the run.

    It was if the process alone died: Dask's nanny, which started it, is still there and starts it again. Of a machine
    that was taken away, or cut off, nothing comes back; and a worker that was told to leave says so before
    (`left_in_order`, asked of its address). On this machine (`here`) nobody takes anything away.
    """

    def __init__(self, left_in_order: Callable[[str], bool], *, here: bool) -> None:
        self.left_in_order, self.here = left_in_order, here
        self.deaths: Counter[Run] = Counter()
        self.losses: Counter[Run] = Counter()
        self.open: list[Loss] = []  # whose fault is not known yet

    def add(self, loss: Loss) -> None:
        """Count a loss."""
        self.losses[loss.run] += 1
        if self.here:
            self.deaths[loss.run] += loss.alone
        else:
            self.open.append(loss)

    def look(self, nannies: Iterable[str | None]) -> None:
        """Count a death for each loss whose worker was started again: `nannies` are those of all workers now."""
        there = {nanny for nanny in nannies if nanny}
        for loss in [loss for loss in self.open if loss.nanny in there]:
            self.open.remove(loss)
            self.deaths[loss.run] += loss.alone and not self.left_in_order(loss.worker)

    def are_too_many(self, run: Run) -> bool:
        """Return whether a run is the death of its workers, so that it is not tried again."""
        return self.deaths[run] > DEATHS_ALLOWED
