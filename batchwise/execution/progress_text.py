"""What is written of how far a stage is: a line of text for people, facts for tools."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from batchwise.execution.worker_states import WorkerState

EACH_NAMED = 4  # workers at most: more are counted by batch size


@dataclass(frozen=True)
class Moment:
    """How far a stage is at a moment; None is not known. `repro_seconds_left` is of the whole `dvc repro`."""

    stage: str
    study: str
    total: int
    statuses: Mapping[str, int]  # how many ended so, of every status that there is
    rate: float | None = None  # runs a second
    seconds_left: float | None = None
    repro_seconds_left: float | None = None
    workers: list[WorkerState] | None = None  # None where the stage has none, or all is done
    doing: str | None = None  # what a stage without workers does
    things: str = "runs"  # what ends

    @property
    def ended(self) -> int:
        """How many ended."""
        return sum(self.statuses.values())


def facts(moment: Moment) -> dict[str, Any]:
    """Return the fields of a JSON object, whose names docs/progress.md lists; null is not known."""
    return {
        "stage": moment.stage,
        "study": moment.study,
        "runs": moment.total,
        "done": moment.ended,
        **moment.statuses,
        "runs_per_second": _finite(moment.rate),
        "seconds_left": _finite(moment.seconds_left),
        "repro_seconds_left": _finite(moment.repro_seconds_left),
        "doing": moment.doing,
        "workers": [asdict(worker) for worker in moment.workers or ()],
    }


def _finite(number: float | None) -> float | None:
    return round(number, 3) if number is not None and math.isfinite(number) else None


def line(moment: Moment, width: int = 200, eta: str = "η") -> str:
    """Return one line, of so many characters at most: what matters less is left out where there is no room.

    `eta` stands for η where that cannot be shown.
    """
    head = f"{moment.stage}@{moment.study}: "
    count = f"{moment.ended:,}/{moment.total:,} {moment.things}"
    parts = [count, *_others(moment)]
    last = [moment.doing] if moment.doing else _workers(moment, eta)
    lines = [head + ", ".join([*parts, one]) for one in last]
    lines += [head + ", ".join(parts[:number]) for number in range(len(parts), 0, -1)]
    lines += [count, f"{100 * moment.ended // max(1, moment.total)}%", ""]
    return next(one for one in lines if len(one) <= width)


def duration(seconds: float) -> str:
    """Return seconds in words: 8 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def rate(per_second: float) -> str:
    """Return a rate with the unit in which it has a number before the point: 41/s, 2.5/s, 12/min, 3/h."""
    for factor, unit in ((1, "s"), (60, "min")):
        if per_second * factor >= 1:
            return f"{_rounded(per_second * factor)}/{unit}"
    return f"{_rounded(per_second * 3600)}/h"


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 9.95 else f"{number:.1f}"


def _others(moment: Moment) -> list[str]:
    """Return what stands after the count, what matters least last."""
    is_over = moment.ended == moment.total
    parts = [] if moment.seconds_left is None or is_over else [f"{duration(moment.seconds_left)} left"]
    parts += [rate(moment.rate)] if moment.rate and moment.things == "runs" else []  # others are not alike
    if moment.repro_seconds_left is not None:
        parts.append(f"dvc repro {duration(moment.repro_seconds_left)}")
    bad = [(status, count) for status, count in moment.statuses.items() if count and status != "ok"]
    return parts + [f"{count:,} {status.replace('_', ' ')}" for status, count in bad]


def _workers(moment: Moment, eta: str) -> list[str]:
    """Return what the workers do, in words that take less and less room; nothing where there are none."""
    if moment.workers is None:
        return []
    if all(worker.state == "starts" for worker in moment.workers):  # also where none is there yet
        return ["workers start"]
    at_sizes = Counter(worker.batch_size for worker in moment.workers if worker.state == "trains")
    states = Counter(worker.state for worker in moment.workers if worker.state != "trains")
    counted = [f"{number} at m {m}" for m, number in at_sizes.items()]
    counted += [f"{number} {_of_several(state, number)}" for state, number in states.items()]
    named = ["; ".join(_named(worker, eta) for worker in moment.workers)] if len(moment.workers) <= EACH_NAMED else []
    number = len(moment.workers)
    return [*named, f"{number} workers: {', '.join(counted)}", f"{number} worker{'s' if number > 1 else ''}"]


def _of_several(state: str, number: int) -> str:
    return state.removesuffix("s") if number > 1 else state


def _named(worker: WorkerState, eta: str) -> str:
    if worker.state in ("starts", "idle"):
        return worker.state
    at = f"m {worker.batch_size}"
    if worker.state == "compiles":
        return f"{at} compiles"
    if worker.learning_rate is None:
        return f"{at} {worker.runs:,} runs"
    return f"{at} {eta} {worker.learning_rate:.3g}"
