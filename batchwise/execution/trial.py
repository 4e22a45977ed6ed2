"""A short trial of a study, before any of its runs: how long they take, in how much memory, and how large they are.

It is made in a process of its own: another study may have the other engine, and its memory is no other study's.
"""

import logging
import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from time import perf_counter

from batchwise.common import plugin_errors
from batchwise.common.errors import UserError
from batchwise.config import grid, phases
from batchwise.config.recipe import Budget
from batchwise.config.study import Study
from batchwise.data import folds
from batchwise.data.dataset import DataSet
from batchwise.data.subset import subset
from batchwise.execution import engine_notes
from batchwise.execution.run_times import Timings, Work
from batchwise.runtime import engine, hardware
from batchwise.runtime.device import gpu
from batchwise.runtime.forkserver import holding_interrupts
from batchwise.runtime.xla_flags import has_nvidia_driver
from batchwise.training import run_result, trainers

# Rows that are trained on, of each class at least one: a part of them stands for an epoch of all. A GPU needs more of
# them, or what the host does beside would seem to be the time of an example; slow lanes need fewer (engine_notes.py).
ROWS, ROWS_ON_GPU = 512, 8192
ENOUGH = 5.0  # seconds of a call, of which compiling is a small part: it is not made again


@dataclass(frozen=True)
class Trial:
    """What a trial tells."""

    timings: Timings
    run_bytes: int  # of the file of a run with the whole budget
    memory_bytes: int  # most of the process, or of the GPU
    batch_size: int  # the largest m that was trained
    notes: tuple[str, ...] = ()  # at which m there was no memory


def of_study(study: Study, data: DataSet) -> Trial:
    """Return what short runs tell: one epoch of a part of the rows, at the smallest and the largest batch size.

    Raises UserError if the study cannot be trained, or the process comes to an end.
    """
    epochs = max(grid.epochs(study.budget, data.rows["train"], m) for m in study.grid.batch_sizes)
    part = _part(folds.of_seed(data, 0), _most_rows(study, on_gpu=has_nvidia_driver()))
    ours, theirs = multiprocessing.Pipe(duplex=False)
    arguments = theirs, study, part, epochs
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments, daemon=True)
    with holding_interrupts():
        process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        process.join()
        raise UserError(
            f"the process of a short trial ended with exit code {process.exitcode}; see whether there is memory for "
            f"{_at_once(study)} at m = {max(study.grid.batch_sizes)}"
        ) from None
    finally:
        process.kill()
        process.join()
    if isinstance(answer, UserError):
        raise answer
    return answer


def _at_once(study: Study) -> str:
    number = study.recipe.runs_at_once
    return f"{number} runs at once" if number > 1 else "a run"


def _serve(pipe: Connection, study: Study, data: DataSet, epochs: int) -> None:
    """Send a Trial, or the UserError that says why there is none. Ends with the process that asks."""
    Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each batch size is a program of its own
    engine.use(study.engine)
    try:
        pipe.send(_tried(study, _part(data, _most_rows(study, on_gpu=bool(gpu()))), epochs))
    except UserError as error:
        pipe.send(error)
    except Exception as error:
        pipe.send(UserError(f"no run can be tried ({plugin_errors.sentence(error)})"))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _tried(study: Study, data: DataSet, epochs: int) -> Trial:
    rows, timings, ended = data.rows["train"], Timings(), []
    trainer = trainers.load(data, study.recipe.model_copy(update={"budget": Budget(epochs=1)}), study.metric)
    sizes = {grid.effective_batch_size(m, rows) for m in (min(study.grid.batch_sizes), max(study.grid.batch_sizes))}
    for m in sorted(sizes):
        for compilations in (1, 0, 0):
            start = perf_counter()
            result = trainer.run(m, study.grid.base_learning_rates[0], seed=0)
            if result.status == "out_of_memory":
                ended.append(f"at m = {m} there is no memory for {_at_once(study)}, which would end out_of_memory")
                break
            seconds = perf_counter() - start
            timings.add(Work(phases.updates_per_epoch(rows, m), rows, compilations), seconds)
            if seconds > ENOUGH:
                break
    bytes_of_evaluation = sum(values[0].nbytes for values in result.metrics.values())
    size = len(run_result.dump(result, {})) + epochs * bytes_of_evaluation
    return Trial(timings, size, hardware.memory_peak(), max(sizes), tuple(ended))


def _most_rows(study: Study, *, on_gpu: bool) -> int:
    if on_gpu:
        return ROWS_ON_GPU
    is_slow = bool(engine_notes.notes(study, on_gpu=False))
    return max(1, ROWS // study.recipe.runs_at_once) if is_slow else ROWS


def _part(data: DataSet, most: int) -> DataSet:
    """Return so many training rows of a data set at most, with as many to evaluate for each of them as all have."""
    share = most / data.rows["train"]
    if share >= 1:
        return data
    rows = {f"{name}_rows": min(number, max(data.strata, round(share * number))) for name, number in data.rows.items()}
    return subset(data, **rows, seed=0)
