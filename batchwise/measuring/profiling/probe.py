"""What runs inside a measured process: one trainer, its compiled programs, the clock and the memory."""

import math
import re
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from textwrap import shorten
from time import perf_counter, process_time
from typing import Any

import numpy as np

from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.runtime.device import gpu
from batchwise.runtime.engine import use
from batchwise.runtime.hardware import STATUS, memory_peak, status
from batchwise.runtime.silent_stderr import quiet
from batchwise.training import trainers

# A repetition lasts at least so long, if it has room for its epochs, so that the call of a program costs little of it.
LEAST_SECONDS = 0.004
# An epoch of a repetition has so many rows, or one update: with convolutions a row takes a hundred times longer, and as
# long as it has pixels, and a row of tokens takes as long as it has tokens, of which each waits for the one before in a
# recurrent layer. There is room for few epochs: at the end of each, snapshots are kept, which takes time in proportion
# to the room.
ROWS, IMAGES, PIXELS, TOKENS, RECURRENT_TOKENS, EPOCHS = 4096, 128, 2**17, 2**16, 2**13, 8
# An epoch of training that takes longer is not trained to count its updates. Without XLA a loop over tokens takes up to
# 14 times as long (a language model of 32 units, 64 tokens: 14 at m = 1, 5.4 at m = 8, 1.4 at m = 512).
LONGEST_EPOCH, LOOP_WITHOUT_XLA = 1.0, 14
# An update that is timed alone is repeated so often, or until it took so many seconds.
REPEATED, ENOUGH = 4, 1.0
COLOURS = re.compile("\x1b\\[[0-9;]*m")  # of a terminal, in what Keras says


def serve(pipe: Connection, data: DataSet, recipe: Recipe, memory_limit: int) -> None:
    """Build a trainer, then answer (method, arguments) of a Probe until the other end closes; failures are answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other end's, which then closes
    use(recipe.engine)
    with quiet():
        try:
            probe = Probe(data, recipe)
            _limit_memory(memory_limit)
            pipe.send(("ok", None))
            while True:
                method, arguments = pipe.recv()
                pipe.send(("ok", getattr(probe, method)(*arguments)))
        except (EOFError, ConnectionError):
            return
        except Exception as error:
            pipe.send(ending(error))


def ending(error: Exception) -> tuple[str, str]:
    """Return the status of a process that ends with an error, and a message."""
    from batchwise.runtime.keras import OF_MEMORY, is_out_of_memory

    text, name = COLOURS.sub("", str(error)), type(error).__name__
    if is_out_of_memory(error):
        lines = [line for line in text.splitlines() if re.search(OF_MEMORY, line)]
        return "out_of_memory", shorten(lines[0] if lines else name, 200)
    return "failed", shorten(text if isinstance(error, UserError) else f"{name}: {text}", 200)


def _limit_memory(limit: int) -> None:
    """Let allocations fail, instead of taking the machine down, once the resident set would be larger; on Linux.

    The system counts what is mapped and not yet used too, so the limit is on what is added from now on.
    """
    if STATUS.exists() and not gpu():
        most = status("VmData") + max(0, limit - status("VmRSS"))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


class Probe:
    """Measures one batch size by `compile`, `count` and `repeat`, others by `update`, or `compile_update` and
    `timed_update`."""

    def __init__(self, data: DataSet, recipe: Recipe) -> None:
        self.memory_start = memory_peak()
        self.trainer = trainers.load(data, recipe)
        self.lanes, self.is_recurrent = recipe.runs_at_once, self.trainer.is_recurrent
        self.parts: dict[str, tuple[Callable[[int], float], int]] = {}  # call, the updates of its epochs
        self.epochs: dict[str, int] = {}  # of a repetition

    def compile(self, batch_size: int, ragged: bool) -> dict[str, Any]:
        """Compile the program of whole batches and, if `ragged`, that of the last batch; return a row of points.csv."""
        rest = self.trainer.rows % batch_size
        return {
            "input_shape": " ".join(map(str, (batch_size, *self.trainer.input_shape))),
            "compile_seconds": self._compile("whole", batch_size),
            "ragged_compile_seconds": self._compile("ragged", rest) if ragged and rest else None,
            "ragged_rows": rest,
            "memory_start_bytes": self.memory_start,
            "memory_peak_bytes": memory_peak(),
            "xla": self.trainer.xla,
        }

    def repeat(self, *parts: str) -> dict[str, float]:
        """Return the seconds of an update of a run, of each part or of some, over one repetition: of many in lanes, its
        share."""
        seconds = {}
        for part in parts or self.parts:
            call, updates = self.parts[part]
            first = call(1)  # the caches were others'
            epochs = self.epochs.setdefault(part, int(np.clip(np.ceil(LEAST_SECONDS / first), 1, EPOCHS)))
            seconds[part] = call(epochs) / (epochs * updates * self.lanes)
        return seconds

    def count(self, batch_size: int) -> int | None:
        """Return by how much the optimiser's counter grows in an epoch of training; None if that would take too long.

        XLA would take longer to compile the program, and count the same.
        """
        batches, rest = divmod(self.trainer.rows, batch_size)
        seconds = self._seconds_of_update() * (batches + 1) * (LOOP_WITHOUT_XLA if self.is_recurrent else 1)
        if seconds > LONGEST_EPOCH:
            return None
        before = self.trainer.iterations
        self.trainer.rehearsal(batch_size, batches, rest, room=1, xla=False)(1)
        return self.trainer.iterations - before

    def _seconds_of_update(self) -> float:
        """Return seconds in which others did not have the processor; on a GPU all seconds."""
        clock = perf_counter if gpu() else process_time
        call, updates = self.parts["whole"]
        start = clock()
        call(1)
        return (clock() - start) / updates

    def update(self, batch_size: int) -> int:
        """Make one update of any number of rows, some of them twice if need be, and return the memory's peak."""
        self.trainer.rehearsal(batch_size, 1, 0, room=1)(1)
        return memory_peak()

    def compile_update(self, batch_size: int) -> None:
        """Compile an update of any number of rows, for `timed_update`."""
        self.compiled = self.trainer.rehearsal(batch_size, 1, 0, room=1)
        self.compiled(0)

    def timed_update(self) -> tuple[int, float]:
        """Make the compiled update some times, and return the memory's peak and the median seconds of one, of a run.

        Seconds in which others had the processor are not counted.
        """
        clock = perf_counter if gpu() else process_time
        times: list[float] = []
        while len(times) < REPEATED and sum(times) < ENOUGH:
            start = clock()
            self.compiled(1)
            times.append(clock() - start)
        seconds = float(np.median(times[1:] or times))  # the first touches memory that is new
        return memory_peak(), seconds / self.lanes

    def compile_evaluation(self) -> None:
        """Compile what `evaluation` calls."""
        self.trainer.compile_evaluation()

    def evaluation(self) -> tuple[int, int]:
        """Evaluate all rows once; return how many are evaluated together, and the memory's peak."""
        self.trainer.rehearse_evaluation()
        return self.trainer.evaluate.batch_rows, memory_peak()

    def _compile(self, part: str, batch_size: int) -> float:
        """Add a part, with room for as many epochs as a repetition needs, and return the seconds of its compilation.

        How many it needs is not known before it is alone: others may compile at the same time.
        """
        updates = max(1, self._rows() // batch_size)
        call = _timed(self.trainer.rehearsal(batch_size, updates, 0, room=EPOCHS))
        compiled = call(0)
        call(1)  # the first epoch is slower
        self.parts[part] = call, updates
        return compiled

    def _rows(self) -> int:
        """Return how many rows an epoch of a repetition has at most, if that is an update."""
        if self.trainer.has_convolutions:
            return min(IMAGES, PIXELS // math.prod(self.trainer.input_shape[:-1]))
        if self.trainer.takes_tokens:
            return min(ROWS, (RECURRENT_TOKENS if self.is_recurrent else TOKENS) // self.trainer.input_shape[0])
        return ROWS


def _timed(train: Callable[[int], None]) -> Callable[[int], float]:
    """Return what trains some epochs, and returns the seconds."""

    def call(epochs: int) -> float:
        start = perf_counter()
        train(epochs)
        return perf_counter() - start

    return call
