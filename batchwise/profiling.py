"""What each batch size costs in time and memory: each in a fresh process, one repetition of one of them at a time.

The processes of several points stay alive and idle, so that repetitions come in rounds, each in a new random order: a
machine that is slow for a while is so for all batch sizes alike.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from batchwise import machine
from batchwise.data import DataSet
from batchwise.environment import gpu
from batchwise.errors import UserError
from batchwise.params import Study
from batchwise.points import Point, effective_sizes, points
from batchwise.processes import Ended, Process
from batchwise.profiles import DOUBLING, POINTS, REPETITIONS, Profile

ROUNDS = 31
SEED = 0  # of the orders in which points are started and repeated
BUILT_AT_ONCE = 4  # at most, and no more than there are cores
MEMORY_SHARE = 0.5  # of the available memory, for the processes that are alive
# Doubling ends at so many times the memory that a point took at most, and after so many seconds: a small network comes
# to its end in that time.
DOUBLING_SHARE, DOUBLING_SECONDS = 2, 12.0
# By so many bytes do peaks of equal processes differ; and what a row takes is measured no better.
PEAK_NOISE = 16 * 2**20


def profile(data: DataSet, study: Study) -> Profile:
    """Return what the batch sizes of a study cost on this machine, on which nothing else should run.

    A point without memory is a row of the tables. Raises UserError if no point at all could be measured.
    """
    profiler = Profiler(data, study)
    profiler.measure()
    profiler.measure_side_by_side()
    limit, doubling = profiler.double()
    table = pd.DataFrame([vars(point) | row for point, row in profiler.measured.items()])
    facts = {
        **profiler.machine,
        "xla": bool(table["xla"].eq(True).any()),
        "training_rows": profiler.rows,
        "memory_limit_bytes": limit,
    }
    table = table.reindex(columns=list(POINTS)).astype(dict.fromkeys(("updates_per_epoch", "ragged_rows"), "Int64"))
    return Profile(table, pd.DataFrame(profiler.repetitions, columns=list(REPETITIONS)), doubling, facts)


class Profiler:
    """Measures a study: `measured` has a row of points.csv for each point, `repetitions` those of repetitions.csv."""

    def __init__(self, data: DataSet, study: Study) -> None:
        self.data, self.study, self.rows = data, study, data.rows["train"]
        self.machine, self.available = machine.describe(), machine.available_memory()
        self.sizes = effective_sizes(study, self.rows)
        self.on_gpu = bool(gpu())
        self.context = multiprocessing.get_context(machine.start_method())
        if machine.start_method() == "forkserver":
            self.context.set_forkserver_preload(["batchwise.backend", "batchwise.profiling", "batchwise.study_data"])
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
        for point, process in self._built(waiting):
            self._compile(point, process)
            if self._is_ok(point):
                group[point] = process
                taken = [self.measured[one]["memory_peak_bytes"] for one in group]
                if self.on_gpu or sum(taken) + max(taken) > MEMORY_SHARE * self.available:
                    yield group
                    group = {}
        yield group

    def _built(self, waiting: list[Point]) -> Iterator[tuple[Point, Process]]:
        """Yield the processes of points. Some build at the same time, since only what comes then is measured."""
        number = 1 if self.on_gpu else min(BUILT_AT_ONCE, self.machine["cores"])
        for first in range(0, len(waiting), number):
            some = {point: self.start(point.dtype, self.available) for point in waiting[first : first + number]}
            for process in some.values():
                process.wait()
            yield from some.items()

    def _compile(self, point: Point, process: Process) -> None:
        in_grid = point.purpose == "grid"
        with self._recorded(point, process):
            process.built()
            self.measured[point] |= process.ask("compile", point.batch_size, in_grid)
            if in_grid:
                self.measured[point]["updates_per_epoch"] = process.ask("count", point.batch_size)

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
        """Repeat the smallest m in as many processes at a time as there are cores (SCIENCE.md, P1), on a CPU."""
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
        """Return how much memory was allowed, bytes, and the rows of doubling.csv, by batch size.

        m is doubled from the largest of the grid up to the end of memory, past sizes that fit by what is known of those
        before: the largest m that fits is known to within 2.
        """
        peaks = [row["memory_peak_bytes"] for point, row in self.measured.items() if self._is_ok(point)]
        limit = machine.gpu_memory() if self.on_gpu else min(self.available, DOUBLING_SHARE * max(peaks))
        rows = self._updates(self.sizes[-1], max(peaks), limit)
        m, status, *_ = rows[-1]
        fits = max([m for m, status, *_ in rows if status == "fits"], default=self.sizes[-1])
        if status == "out_of_memory" and m > 2 * fits:  # a row takes more than was known: now step by step
            rows += self._updates(fits, 0, limit)
        return limit, pd.DataFrame(sorted(rows), columns=list(DOUBLING))

    def _updates(self, m: int, peak: int, limit: int) -> list[tuple]:
        """Return rows of doubling.csv for one update of each size after m, which has a peak, in one process."""
        process = self.start(self.study.dtype, limit)
        process.wait()
        rows, row_bytes, before = [], np.inf, monotonic()
        last = before + DOUBLING_SECONDS
        try:
            process.built()
            while True:
                before = monotonic()
                m_before, peak_before, m = m, peak, m * doublings(m, limit - peak, row_bytes)
                peak = process.ask("update", m, seconds=last - before)
                if peak > limit:  # macOS does not hold a process to its limit
                    raise Ended("out_of_memory", f"an update takes more than {limit:,} bytes")
                rows.append((m, "fits", "", peak, monotonic() - before))
                row_bytes = (max(0, peak - peak_before) + PEAK_NOISE) / (m - m_before)
        except Ended as end:
            rows.append((m, end.status, end.message, None, monotonic() - before))
        process.close()
        return rows


def doublings(m: int, room: float, row_bytes: float) -> int:
    """Return the power of 2, from 2 up, by which m rows can be multiplied for a last size that surely fits.

    `room` are the bytes that are left beside m rows, `row_bytes` what a row takes at most; infinite if not known.
    """
    return 2 ** max(1, int(np.log2(1 + max(0, room) / (m * row_bytes))))


def _all(processes: list[Process], method: str, *arguments: Any) -> list[Any]:
    """Return what a method returns in processes that work at the same time."""
    for process in processes:
        process.tell(method, *arguments)
    return [process.answer() for process in processes]
