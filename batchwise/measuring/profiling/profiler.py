"""What each batch size of a study costs in time and memory: what was measured before is kept, the rest is measured.

Points of one occasion are measured in turn (rounds.py), so that their times compare best. With new points one of those
that were kept, the nearest, is measured once more: by how much it is slower than before is told, and nothing is
corrected for it. What is compared directly is of one occasion: two number types, neighbours, one process and several.
"""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.config.study import Study
from batchwise.data import folds
from batchwise.data import lengths as data_lengths
from batchwise.data.dataset import DataSet
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import endings, largest_batch, lengths, measurement_store
from batchwise.measuring.profiling.assembly import Measurement, Occasion, assemble
from batchwise.measuring.profiling.configurations import missing, nearest, points
from batchwise.measuring.profiling.measurement_store import Measurements
from batchwise.measuring.profiling.process import Process
from batchwise.measuring.profiling.profile_files import Profile
from batchwise.measuring.profiling.rounds import PROCESSES, Point, Rounds
from batchwise.measuring.profiling.steps import Steps
from batchwise.measuring.profiling.updates import Kind
from batchwise.runtime import hardware
from batchwise.runtime.device import gpu
from batchwise.runtime.environment import gpu_of

FOLDER = Path("data/measurements")  # of the points that are kept
DOUBLING_SHARE = 2  # doubling ends at so many times the memory that a point took at most


class Profiler:
    """Measures a study on this machine, on which nothing else should run.

    After `profile`, `new` are its new points, and `faults` say what has no result by a fault of the machine.
    """

    def __init__(
        self, data: DataSet, part: Study, store: Store, anew: bool = False, steps: Steps | None = None
    ) -> None:
        """`part` is the measured_part of a study; `anew`: what the store has is measured again."""
        data = folds.of_seed(data, 0)  # all seeds have as many rows
        self.data, self.part = data, part
        self.machine = hardware.describe(part.engine)
        self.kept = Measurements(store, measurement_store.inputs(data, part, self.machine), anew)
        self.steps = steps or Steps()
        self.rounds = Rounds(data, part.recipe, self.machine["cores"], self.steps)
        self.asked = points(part, data.rows["train"], self.machine["has_bfloat16"])
        self.new: list[Point] = []
        self.faults: list[str] = []
        self.occasion = Occasion(datetime.now(UTC).isoformat(timespec="milliseconds"))

    def profile(self) -> Profile:
        """Return the profile; a point without memory is a row of it. Raises UserError if no point can be measured."""
        try:
            return self._profile()
        finally:
            self.rounds.close()

    def _profile(self) -> Profile:
        measured, beside = dict(self._kept_points), self._kept_beside
        self.new, alone = self.unmeasured(), self.asked[0]
        again, is_beside = self._again(measured), self._has_side_by_side and alone in self.new
        self.steps.begin(self._number_of_steps([*self.new, *again], is_beside=is_beside))
        if self.new:
            measured |= self._measure(measured, again)
        if is_beside:
            if measured[alone].ok:
                beside = self._measure_side_by_side(measured[alone])
            self.steps.end(measured[alone].row["status"])
        facts = self.machine | {"training_rows": self.data.rows["train"], "lanes": self.part.recipe.runs_at_once}
        if self.part.memory_by_length:
            facts["length_limit_bytes"] = self.part.memory_by_length.limit_bytes
            facts["length_unit"] = data_lengths.unit(self.data)
        doubled = self._doubled([one.row for one in measured.values() if one.ok])
        self.steps.end("ok")
        return assemble([measured[point] for point in self.asked], beside, doubled, facts, self._lengths())

    def unmeasured(self) -> list[Point]:
        """Return the points that `profile` will measure: those that are not kept, and those they are compared with."""
        compared = [self.asked[0]] if self._has_side_by_side and not self._kept_beside else []
        return missing(self.asked, [*self._kept_points], compared)

    def share(self) -> float:
        """Return the share of its points that `profile` will measure."""
        return len(self.unmeasured()) / len(self.asked)

    def memory_peak(self) -> int | None:
        """Return the most bytes that a process took at a batch size of the grid; None where one was not measured."""
        of_grid = [point for point in self.asked if point.purpose == "grid"]
        kept = [one for point in of_grid if (one := self._kept_points.get(point)) and one.ok]
        return max(one.row["memory_peak_bytes"] for one in kept) if len(kept) == len(of_grid) else None

    @cached_property
    def _kept_points(self) -> dict[Point, Measurement]:
        found = {point: self._kept(**vars(point)) for point in self.asked}
        return {point: kept for point, kept in found.items() if kept}

    @cached_property
    def _kept_beside(self) -> Measurement | None:
        return self._kept(side_by_side=vars(self.asked[0]))

    def _kept(self, **name: Any) -> Measurement | None:
        kept = self.kept.find(**name)
        return Measurement.of(kept) if kept else None

    @property
    def _has_side_by_side(self) -> bool:
        """Whether processes are measured side by side: on a CPU, and not where a batch is in parts."""
        return self.machine["cores"] > 1 and not gpu_of(self.part.engine) and self.part.accumulation == 1

    def _number_of_steps(self, timed: list[Point], *, is_beside: bool) -> int:
        """Return how many steps there are: the processes of points, those side by side, doubling, and lengths."""
        by_length = len(lengths.kinds(self.part, asked)) if (asked := self.part.memory_by_length) else 0
        return PROCESSES * len(timed) + is_beside + 1 + by_length

    def _again(self, before: dict[Point, Measurement]) -> list[Point]:
        """Return the point of those of before that is measured once more with new ones."""
        kept = [one for one in before if one not in self.new and one.purpose == "grid"]
        return nearest(self.new[0], kept) if self.new else []

    def _measure(self, before: dict[Point, Measurement], again: list[Point]) -> dict[Point, Measurement]:
        """Return the new points, measured, and keep those that could be; `again` are measured once more."""
        fitting = [one.row for one in before.values() if one.ok]
        beside = self.asked[0] if self._has_side_by_side and self.asked[0] in self.new else None
        self.rounds.measure([*self.new, *again], fitting, beside)
        for point in again:
            if self.rounds.is_ok(point):
                slowdown = self._measurement(point).median() / before[point].median()
                self.occasion = replace(self.occasion, compared_at=point.batch_size, slowdown=slowdown)
        measured = {point: self._measurement(point) for point in self.new}
        for point, one in measured.items():
            if one.ok:
                self.kept.keep(asdict(one), **vars(point))
            else:
                self._note(f"m = {point.batch_size} in {point.dtype}", one.row["message"])
        if not any(one.ok for one in (before | measured).values()):
            message = measured[self.new[0]].row["message"]
            raise UserError(f"no batch size of the study can be trained on this machine: {message}")
        return measured

    def _note(self, what: str, message: str) -> None:
        if endings.is_fault(message):
            self.faults.append(f"{what} was not measured: {message}")

    def _measurement(self, point: Point, first: int = 0) -> Measurement:
        """Return what was measured of a point, without the repetitions before the first."""
        every = enumerate(self.rounds.repetitions[first:], first)
        repetitions = [[place, *repetition] for place, (of, *repetition) in every if of == point]
        return Measurement(vars(point) | self.rounds.measured[point], repetitions, self.occasion)

    def _measure_side_by_side(self, alone: Measurement) -> Measurement:
        """Return the repetitions of a point in as many processes at a time as there are cores, and keep them."""
        point, first = self.asked[0], len(self.rounds.repetitions)
        message = self.rounds.measure_side_by_side(point, alone.row["memory_peak_bytes"])
        self._note(f"m = {point.batch_size} side by side", message)
        beside = self._measurement(point, first)
        if beside.repetitions:
            self.kept.keep(asdict(beside), side_by_side=vars(point))
        return beside

    def _lengths(self) -> list[dict[str, Any]]:
        """Return the rows of lengths.csv."""
        if not self.part.memory_by_length:
            return []
        available, row_of = (
            hardware.gpu_memory() if gpu() else self.rounds.available,
            partial(data_lengths.row_of, self.data),
        )
        updates = lengths.measure(
            self.part, self.part.memory_by_length, self._start_at_length, self.kept, available, row_of, self.steps
        )
        for update in updates:
            self._note(f"an update of m = {update.batch_size}, T = {update.length}", update.message)
        return [asdict(update) for update in updates]

    def _start_at_length(self, kind: Kind, memory: int, rows: int) -> Process:
        data = data_lengths.of_length(self.data, kind.length, rows)
        return self.rounds.start(kind.dtype, memory, data, accumulation=kind.accumulation)

    def _doubled(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the rows of doubling.csv, from the largest m of `rows`, and how much memory was allowed, bytes."""
        peaks: dict[int, int] = {}
        for row in rows:
            peaks[row["batch_size"]] = max(row["memory_peak_bytes"], peaks.get(row["batch_size"], 0))
        total = round(self.machine["memory_total_bytes"] / 2**30)  # GiB: bytes change with each start of the system
        name = {"doubled_from": max(peaks), "dtype": self.part.dtype, "memory_total": total}
        doubled = self.kept.find(**name)
        if doubled is None:
            most = DOUBLING_SHARE * max(peaks.values())
            limit = hardware.gpu_memory() if gpu() else min(self.rounds.available, most)
            start = partial(self.rounds.start, self.part.dtype, limit)
            self.steps.show("largest m that fits")
            updates = largest_batch.double(start, peaks, limit)
            for update in updates:
                self._note(f"an update of m = {update.batch_size}", update.message)
            doubled = {"memory_limit_bytes": limit, "rows": [update._asdict() for update in updates]}
            if all(update.status in ("fits", "out_of_memory") for update in updates):
                self.kept.keep(doubled, **name)
        return doubled
