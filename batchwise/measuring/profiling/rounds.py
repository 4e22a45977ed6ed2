"""Batch sizes are measured in rounds: each in fresh processes, one repetition of one of them at a time.

All points have a first process, then all their others: a process that shares its core with something else can take
twice as long from its start to its end. The processes of several points stay alive and idle, so that repetitions come
in rounds, each in a new random order: a machine that is slow for a while is so for all batch sizes alike. A point whose
end is in doubt (endings.py), also one that found no memory beside the others, is measured once more, alone.
"""

import multiprocessing
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.measuring.profiling import endings, steps
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.process import Process
from batchwise.measuring.profiling.steps import Steps
from batchwise.runtime import forkserver, hardware
from batchwise.runtime.device import gpu

PRELOADED = "batchwise.measuring.profiling.probe", "batchwise.measuring.profiling.profiler", "stages"
PROCESSES = 3  # of each point, of which one may be slow
ROUNDS = 5  # of repetitions in each process: more make its median vary hardly less from one to another
SEED = 0  # of the orders in which points are started and repeated
AT_ONCE = 4  # processes that build and compile at the same time, at most
MEMORY_SHARE = 0.5  # of the available memory, for the processes that are alive


@dataclass(frozen=True)
class Point:
    """A batch size, a number type, and why they are measured: grid, neighbour or dtype."""

    batch_size: int
    dtype: str
    purpose: str


Group = dict[tuple[Point, int], Process]  # of a point the process with a number


class Rounds:
    """Measures points: `measured` has a row of points.csv for each.

    `repetitions` are, in the order of time, (point, part, round, process, seconds). `steps` are told of each of its
    PROCESSES of every point.
    """

    def __init__(self, data: DataSet, recipe: Recipe, cores: int, steps: Steps | None = None) -> None:
        self.data, self.recipe, self.cores, self.steps = data, recipe, cores, steps or Steps()
        self.ended: Counter[Point] = Counter()  # the processes of which the steps were told
        self.available = hardware.available_memory()
        self.on_gpu = bool(gpu())
        copied = forkserver.start_method() == "forkserver"
        self.context = multiprocessing.get_context("forkserver") if copied else multiprocessing.get_context("spawn")
        self.random = np.random.default_rng(SEED)
        self.measured: dict[Point, dict[str, Any]] = {}
        self.repetitions: list[tuple[Point, str, int, int, float]] = []
        self.started: list[Process] = []
        self.beside: Point | None = None
        self.resting: dict[int, Process] = {}  # of `beside`, by their numbers, for measure_side_by_side

    def start(self, dtype: str, memory: int, data: DataSet | None = None, **changes: Any) -> Process:
        """Start a process that builds a trainer; on a CPU it cannot take more memory.

        `data` are others than those of the study, and `changes` those of its recipe.
        """
        with suppress(OSError):  # the process tells
            forkserver.start(*PRELOADED)
        recipe = self.recipe.model_copy(update={"dtype": dtype, **changes})
        self.started.append(Process(self.context, data or self.data, recipe, memory, self.on_gpu, self.steps.tick))
        return self.started[-1]

    def close(self) -> None:
        """End the processes that are alive: of what was interrupted."""
        for process in self.started:
            process.close()

    def measure(
        self, points: list[Point], fitting: Sequence[Mapping[str, Any]] = (), beside: Point | None = None
    ) -> None:
        """Measure every point; what became of it is its status.

        `fitting` are rows of other points that fit. One that the machine is to blame for is failed. The processes of
        `beside` stay alive, to be measured side by side, unless a point has to be measured alone.
        """
        self.beside = beside
        self.measured = {point: {"status": "ok"} for point in points}
        self._measure([points[place] for place in self.random.permutation(len(points))])
        doubtful = [point for point in points if endings.is_doubtful(self.measured[point]["status"], may_fit=True)]
        if doubtful or (beside and not self.is_ok(beside)):
            self.beside = None
            self._end_resting()
        for point in sorted(doubtful, key=lambda one: -one.batch_size):
            self._measure_again(point, fitting)
        for point in points:  # what did not come to its end
            self._end(point, PROCESSES - self.ended[point])

    def _end(self, point: Point, number: int = 1) -> None:
        """Tell that some processes of a point have ended; one that is measured once more has none left to tell of."""
        self.steps.end(self.measured[point]["status"], min(number, PROCESSES - self.ended[point]))
        self.ended[point] = min(PROCESSES, self.ended[point] + number)

    def _measure_again(self, point: Point, fitting: Sequence[Mapping[str, Any]]) -> None:
        self.measured[point] = row = {"status": "ok"}
        self._measure([point])
        if not self.is_ok(point):
            row["status"], row["message"] = endings.second(
                row["status"], row["message"], self._has_room(point, fitting)
            )

    def _has_room(self, point: Point, others: Sequence[Mapping[str, Any]]) -> bool:
        """Return whether a batch size that takes more memory fits: a larger m, or one with a larger peak."""
        peak = self.measured[point].get("memory_peak_bytes", float("inf"))
        fitting = [*others, *(vars(one) | row for one, row in self.measured.items() if row["status"] == "ok")]
        return any(
            (row["dtype"] == point.dtype and row["batch_size"] > point.batch_size) or row["memory_peak_bytes"] > peak
            for row in fitting
        )

    def _measure(self, points: list[Point]) -> None:
        for numbers in (range(1), range(1, PROCESSES)):
            waiting = [(point, number) for point in points if self.is_ok(point) for number in numbers]
            waiting = [waiting[place] for place in self.random.permutation(len(waiting))]
            for group in self._groups(waiting, are_first=0 in numbers):
                self._repeat_in_rounds(group)

    def _repeat_in_rounds(self, group: Group) -> None:
        """Repeat the points of a group, then end their processes, but for those that are measured side by side."""
        self._show(group, "timed")
        for round_number in range(ROUNDS):
            alive = [item for item in group.items() if self.is_ok(item[0][0])]
            for place in self.random.permutation(len(alive)):
                (point, number), process = alive[place]
                self._repeat(round_number, number, point, process)
        for (point, number), process in group.items():
            if self.is_ok(point):
                self._end(point)
            if point == self.beside and self.is_ok(point):
                self.resting[number] = process
            else:
                process.close()

    def _show(self, group: Collection[tuple[Point, int]], what: str) -> None:
        self.steps.show(f"{steps.sizes([point.batch_size for point, _ in group])} {what}")

    def _groups(self, waiting: list[tuple[Point, int]], *, are_first: bool) -> Iterator[Group]:
        """Yield the processes of points, compiled, as many at a time as their share of the memory has room for.

        The first of each point have a core of their own, for what they take to compile is kept; of the others no core
        waits for the slowest.
        """
        group: Group = {}
        number = 1 if self.on_gpu else min(AT_ONCE, self.cores) if are_first else AT_ONCE
        for first in range(0, len(waiting), number):
            these = [key for key in waiting[first : first + number] if self.is_ok(key[0])]
            self._show(these, "compile" if len(these) > 1 else "compiles")
            some = self._built(these)
            self._compile(some, ragged=are_first)
            if are_first:
                self._count(some)
            group |= some
            for key in [key for key in group if not self.is_ok(key[0])]:
                group.pop(key).close()
            alive = [point for point, _ in group] + [self.beside for _ in self.resting]
            taken = [self.measured[point]["memory_peak_bytes"] for point in alive if point]
            if group and (self.on_gpu or sum(taken) + number * max(taken) > MEMORY_SHARE * self.available):
                yield group
                group = {}
        yield group

    def _built(self, some: list[tuple[Point, int]]) -> Group:
        """Return the processes of points, which build at the same time: only what comes then is measured."""
        processes = {key: self.start(key[0].dtype, self.available) for key in some}
        for process in processes.values():
            process.wait()
        return processes

    def _compile(self, some: Group, *, ragged: bool) -> None:
        """Compile in processes at the same time, for that takes most of the time of a study.

        What is kept of a point is of its first process, but the largest peak. `ragged`: the last batch of an epoch too,
        of points of the grid: one update of many, so that it is measured in the first process alone.
        """
        for (point, _), process in some.items():
            with self._recorded(point, process):
                process.built()
                process.tell("compile", point.batch_size, ragged and point.purpose == "grid")
        for (point, _), process in some.items():
            if self.is_ok(point):
                with self._recorded(point, process):
                    found, row = process.answer(), self.measured[point]
                    peak = max(found["memory_peak_bytes"], row.get("memory_peak_bytes", 0))
                    row |= found | row | {"memory_peak_bytes": peak}

    def _count(self, some: Group) -> None:
        """Count the updates of an epoch at the points of the grid, at the same time: no time is measured."""
        counting = {point: some[point, 0] for point, _ in some if point.purpose == "grid" and self.is_ok(point)}
        for point, process in counting.items():
            process.tell("count", point.batch_size)
        for point, process in counting.items():
            with self._recorded(point, process):
                self.measured[point]["updates_per_epoch"] = process.answer()

    def _repeat(self, round_number: int, number: int, point: Point, process: Process) -> None:
        with self._recorded(point, process):
            for part, seconds in process.ask("repeat").items():
                self.repetitions.append((point, part, round_number, number, seconds))

    @contextmanager
    def _recorded(self, point: Point, process: Process) -> Iterator[None]:
        """Let the end of a process be the status of its point, of which nothing else is kept."""
        try:
            yield
        except Ended as end:
            self.measured[point] |= {"status": end.status, "message": end.message}
            self.repetitions = [one for one in self.repetitions if one[0] != point]
            process.close()

    def is_ok(self, point: Point) -> bool:
        """Return whether a point was measured."""
        return self.measured[point]["status"] == "ok"

    def measure_side_by_side(self, point: Point, memory_peak: int) -> str:
        """Repeat a point, which takes so many bytes, in as many processes at a time as there are cores.

        Returns why that could not be, at the second try too; else "".
        """
        message = ""
        self._show([(point, 0)], "side by side")
        for _ in range(2):
            first = len(self.repetitions)
            try:
                self._repeat_side_by_side(point, int(MEMORY_SHARE * self.available / memory_peak))
                return ""
            except Ended as ended:
                message = ended.message
                del self.repetitions[first:]
        return endings.twice(message)

    def _repeat_side_by_side(self, point: Point, room: int) -> None:
        """Repeat a point in `cores` processes at a time, or as many as there is room for, and in PROCESSES at least.

        Those that rest are taken, if all have room; else those of each time are new.
        """
        number, least = min(self.cores, room), max(self.cores, PROCESSES)
        numbers = [*range(least)] * 2 if room >= least else [*range(2 * least)]
        if room < least:
            self._end_resting()
        processes, self.resting = self.resting, {}
        try:
            for first in range(0, least, max(1, number)):
                group = numbers[first : first + number]
                self._start_missing(point, group, processes)
                for round_number in range(ROUNDS):
                    found = _all([processes[place] for place in group], "repeat", "whole")
                    for place, seconds in zip(group, found, strict=True):
                        self.repetitions.append((point, "side_by_side", round_number, place, seconds["whole"]))
                while room < least and processes:
                    processes.popitem()[1].close()
        finally:
            for process in processes.values():
                process.close()

    def _start_missing(self, point: Point, numbers: list[int], processes: dict[int, Process]) -> None:
        """Start and compile the processes of a point with some numbers that are not there."""
        new = {number: self.start(point.dtype, self.available) for number in numbers if number not in processes}
        processes |= new
        for process in new.values():
            process.built()
        _all([*new.values()], "compile", point.batch_size, False)

    def _end_resting(self) -> None:
        while self.resting:
            self.resting.popitem()[1].close()


def _all(processes: list[Process], method: str, *arguments: Any) -> list[Any]:
    """Return what a method returns in processes that work at the same time."""
    for process in processes:
        process.tell(method, *arguments)
    return [process.answer() for process in processes]
