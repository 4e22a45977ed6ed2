"""What each batch size costs in time and memory: each in a fresh process, one repetition of one of them at a time.

The processes of several points stay alive and idle, so that repetitions come in rounds, each in a new random order: a
machine that is slow for a while is so for all batch sizes alike.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from batchwise.common.errors import UserError
from batchwise.config.params import Study
from batchwise.data.dataset import DataSet
from batchwise.measuring.profiling import largest_batch
from batchwise.measuring.profiling.configurations import Point, effective_sizes, points
from batchwise.measuring.profiling.process import Ended, Process
from batchwise.measuring.profiling.profile_files import DOUBLING, POINTS, REPETITIONS, Profile
from batchwise.runtime import hardware
from batchwise.runtime.device import gpu

# What the process has imported of which those that measure are copies
PRELOADED = [
    "batchwise.runtime.forkserver_preload",
    "batchwise.runtime.tensorflow",
    "batchwise.measuring.profiling.profiler",
    "batchwise.data.loading",
]
ROUNDS = 31
SEED = 0  # of the orders in which points are started and repeated
AT_ONCE = 4  # processes that build at the same time, at most, and no more than there are cores
MEMORY_SHARE = 0.5  # of the available memory, for the processes that are alive
DOUBLING_SHARE = 2  # doubling ends at so many times the memory that a point took at most


def profile(data: DataSet, study: Study) -> Profile:
    """Return what the batch sizes of a study cost on this machine, on which nothing else should run.

    A point without memory is a row of the tables. Raises UserError if no point at all could be measured.
    """
    profiler = Profiler(data, study)
    profiler.measure()
    profiler.measure_side_by_side()
    limit, doubled = profiler.double()
    table = pd.DataFrame([vars(point) | row for point, row in profiler.measured.items()])
    facts = {
        **profiler.machine,
        "xla": bool(table["xla"].eq(True).any()),
        "training_rows": profiler.rows,
        "memory_limit_bytes": limit,
    }
    table = table.reindex(columns=list(POINTS)).astype(dict.fromkeys(("updates_per_epoch", "ragged_rows"), "Int64"))
    return Profile(table, pd.DataFrame(profiler.repetitions, columns=list(REPETITIONS)), doubled, facts)


class Profiler:
    """Measures a study: `measured` has a row of points.csv for each point, `repetitions` those of repetitions.csv."""

    def __init__(self, data: DataSet, study: Study) -> None:
        self.data, self.study, self.rows = data, study, data.rows["train"]
        self.machine, self.available = hardware.describe(), hardware.available_memory()
        self.sizes = effective_sizes(study, self.rows)
        self.on_gpu = bool(gpu())
        self.context = multiprocessing.get_context(hardware.start_method())
        if hardware.start_method() == "forkserver":
            self.context.set_forkserver_preload(PRELOADED)
        self.random = np.random.default_rng(SEED)
        self.measured: dict[Point, dict[str, Any]] = {}
        self.repetitions: list[tuple[int, str, str, int, int, float]] = []

    def start(self, dtype: str, memory: int) -> Process:
        """Start a process that builds a trainer; on a CPU it cannot take more memory."""
        recipe = self.study.recipe.model_copy(update={"dtype": dtype})
        return Process(self.context, self.data, recipe, memory, self.on_gpu)

    def measure(self) -> None:
        """Measure every point. Raises UserError if none could be."""
        asked = points(self.study, self.rows, self.machine["has_bfloat16"])
        self.measured = {point: {"status": "ok"} for point in asked}
        for group in self._groups([asked[place] for place in self.random.permutation(len(asked))]):
            for number in range(ROUNDS):
                alive = [item for item in group.items() if self._is_ok(item[0])]
                for place in self.random.permutation(len(alive)):
                    self._repeat(*alive[place], number)
            for process in group.values():
                process.close()
        if not any(map(self._is_ok, asked)):
            message = self.measured[asked[0]]["message"]
            raise UserError(f"no batch size of the study can be trained on this machine: {message}")

    def _groups(self, waiting: list[Point]) -> Iterator[dict[Point, Process]]:
        """Yield the processes of points, compiled, as many at a time as their share of the memory has room for."""
        group: dict[Point, Process] = {}
        number = 1 if self.on_gpu else min(AT_ONCE, self.machine["cores"])
        for first in range(0, len(waiting), number):
            some = self._built(waiting[first : first + number])
            for point, process in some.items():
                self._compile(point, process)
            self._count(some)
            group |= {point: process for point, process in some.items() if self._is_ok(point)}
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
        counting = {point: some[point] for point in some if point.purpose == "grid" and self._is_ok(point)}
        for point, process in counting.items():
            process.tell("count", point.batch_size)
        for point, process in counting.items():
            with self._recorded(point, process):
                self.measured[point]["updates_per_epoch"] = process.answer()

    def _repeat(self, point: Point, process: Process, number: int) -> None:
        with self._recorded(point, process):
            for part, seconds in process.ask("repeat").items():
                self.repetitions.append((point.batch_size, point.dtype, part, number, 0, seconds))

    @contextmanager
    def _recorded(self, point: Point, process: Process) -> Iterator[None]:
        """Let the end of a process be the status of its point."""
        try:
            yield
        except Ended as end:
            self.measured[point] |= {"status": end.status, "message": end.message}
            process.close()

    def _is_ok(self, point: Point) -> bool:
        return self.measured[point]["status"] == "ok"

    def measure_side_by_side(self) -> None:
        """Repeat the smallest m in as many processes at a time as there are cores, on a CPU."""
        point = Point(self.sizes[0], self.study.dtype, "grid")
        if self.on_gpu or self.study.accumulation > 1 or not self._is_ok(point):
            return
        room = int(MEMORY_SHARE * self.available / self.measured[point]["memory_peak_bytes"])
        processes = [self.start(point.dtype, self.available) for _ in range(min(self.machine["cores"], room))]
        with suppress(Ended):
            for process in processes:
                process.built()
            _all(processes, "compile", point.batch_size, False)
            for number in range(ROUNDS):
                for place, seconds in enumerate(_all(processes, "repeat")):
                    row = (point.batch_size, point.dtype, "side_by_side", number, place, seconds["whole"])
                    self.repetitions.append(row)
        for process in processes:
            process.close()

    def double(self) -> tuple[int, pd.DataFrame]:
        """Return how much memory was allowed, bytes, and the rows of doubling.csv: from the largest m measured."""
        most = {}
        for point, row in self.measured.items():
            if self._is_ok(point):
                most[point.batch_size] = max(row["memory_peak_bytes"], most.get(point.batch_size, 0))
        limit = hardware.gpu_memory() if self.on_gpu else min(self.available, DOUBLING_SHARE * max(most.values()))
        rows = largest_batch.double(partial(self.start, self.study.dtype, limit), most, limit)
        return limit, pd.DataFrame(rows, columns=list(DOUBLING))


def _all(processes: list[Process], method: str, *arguments: Any) -> list[Any]:
    """Return what a method returns in processes that work at the same time."""
    for process in processes:
        process.tell(method, *arguments)
    return [process.answer() for process in processes]
