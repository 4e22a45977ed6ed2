"""Batch sizes are measured in rounds: each in a fresh process, one repetition of one of them at a time.

The processes of several points stay alive and idle, so that repetitions come in rounds, each in a new random order: a
machine that is slow for a while is so for all batch sizes alike.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.measuring.profiling.process import Ended, Process
from batchwise.runtime import forkserver, hardware
from batchwise.runtime.device import gpu

PRELOADED = "batchwise.measuring.profiling.probe", "batchwise.measuring.profiling.profiler", "stages"
ROUNDS = 31
SEED = 0  # of the orders in which points are started and repeated
AT_ONCE = 4  # processes that build at the same time, at most, and no more than there are cores
MEMORY_SHARE = 0.5  # of the available memory, for the processes that are alive


@dataclass(frozen=True)
class Point:
    """A batch size, a number type, and why they are measured: grid, neighbour or dtype."""

    batch_size: int
    dtype: str
    purpose: str


class Rounds:
    """Measures points: `measured` has a row of points.csv for each.

    `repetitions` are, in the order of time, (point, part, round, process, seconds).
    """

    def __init__(self, data: DataSet, recipe: Recipe, cores: int) -> None:
        self.data, self.recipe, self.cores = data, recipe, cores
        self.available = hardware.available_memory()
        self.on_gpu = bool(gpu())
        copied = forkserver.start_method() == "forkserver"
        self.context = multiprocessing.get_context("forkserver") if copied else multiprocessing.get_context("spawn")
        self.random = np.random.default_rng(SEED)
        self.measured: dict[Point, dict[str, Any]] = {}
        self.repetitions: list[tuple[Point, str, int, int, float]] = []

    def start(self, dtype: str, memory: int) -> Process:
        """Start a process that builds a trainer; on a CPU it cannot take more memory."""
        forkserver.start(*PRELOADED)
        recipe = self.recipe.model_copy(update={"dtype": dtype})
        return Process(self.context, self.data, recipe, memory, self.on_gpu)

    def measure(self, points: list[Point]) -> None:
        """Measure every point; what became of it is its status."""
        self.measured = {point: {"status": "ok"} for point in points}
        for group in self._groups([points[place] for place in self.random.permutation(len(points))]):
            for number in range(ROUNDS):
                alive = [item for item in group.items() if self.is_ok(item[0])]
                for place in self.random.permutation(len(alive)):
                    self._repeat(number, *alive[place])
            for process in group.values():
                process.close()

    def _groups(self, waiting: list[Point]) -> Iterator[dict[Point, Process]]:
        """Yield the processes of points, compiled, as many at a time as their share of the memory has room for."""
        group: dict[Point, Process] = {}
        number = 1 if self.on_gpu else min(AT_ONCE, self.cores)
        for first in range(0, len(waiting), number):
            some = self._built(waiting[first : first + number])
            for point, process in some.items():
                self._compile(point, process)
            self._count(some)
            group |= {point: process for point, process in some.items() if self.is_ok(point)}
            taken = [self.measured[point]["memory_peak_bytes"] for point in group]
            if group and (self.on_gpu or sum(taken) + number * max(taken) > MEMORY_SHARE * self.available):
                yield group
                group = {}
        yield group

    def _built(self, some: list[Point]) -> dict[Point, Process]:
        """Return the processes of points, which build at the same time: only what comes then is measured."""
        processes = {point: self.start(point.dtype, self.available) for point in some}
        for process in processes.values():
            process.wait()
        return processes

    def _compile(self, point: Point, process: Process) -> None:
        with self._recorded(point, process):
            process.built()
            self.measured[point] |= process.ask("compile", point.batch_size, point.purpose == "grid")

    def _count(self, some: dict[Point, Process]) -> None:
        """Count the updates of an epoch at the points of the grid, at the same time: no time is measured."""
        counting = {point: some[point] for point in some if point.purpose == "grid" and self.is_ok(point)}
        for point, process in counting.items():
            process.tell("count", point.batch_size)
        for point, process in counting.items():
            with self._recorded(point, process):
                self.measured[point]["updates_per_epoch"] = process.answer()

    def _repeat(self, number: int, point: Point, process: Process) -> None:
        with self._recorded(point, process):
            for part, seconds in process.ask("repeat").items():
                self.repetitions.append((point, part, number, 0, seconds))

    @contextmanager
    def _recorded(self, point: Point, process: Process) -> Iterator[None]:
        """Let the end of a process be the status of its point."""
        try:
            yield
        except Ended as end:
            self.measured[point] |= {"status": end.status, "message": end.message}
            process.close()

    def is_ok(self, point: Point) -> bool:
        """Return whether a point was measured."""
        return self.measured[point]["status"] == "ok"

    def measure_side_by_side(self, point: Point, memory_peak: int) -> None:
        """Repeat a point, which takes so many bytes, in as many processes at a time as there are cores."""
        room = int(MEMORY_SHARE * self.available / memory_peak)
        processes = [self.start(point.dtype, self.available) for _ in range(min(self.cores, room))]
        with suppress(Ended):
            for process in processes:
                process.built()
            _all(processes, "compile", point.batch_size, False)
            for number in range(ROUNDS):
                for place, seconds in enumerate(_all(processes, "repeat")):
                    self.repetitions.append((point, "side_by_side", number, place, seconds["whole"]))
        for process in processes:
            process.close()


def _all(processes: list[Process], method: str, *arguments: Any) -> list[Any]:
    """Return what a method returns in processes that work at the same time."""
    for process in processes:
        process.tell(method, *arguments)
    return [process.answer() for process in processes]
