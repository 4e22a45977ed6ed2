"""A measured process as the one that measures sees it: asked for one thing at a time, and its end is a result."""

from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from time import monotonic
from typing import Any

import psutil

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.measuring.profiling import endings, threads
from batchwise.measuring.profiling.endings import Ended
from batchwise.runtime.forkserver import holding_interrupts

SECONDS_TO_END = 5
# The process of which others are copies may have died: the next start begins with a new one.
STARTS = 3
# Where there is no memory, TensorFlow waits 10 seconds for someone to free some. A process that is to compute is taken
# to wait for that if no thread of it ran, or could have, between so many looks. One that waits for a processor, on a
# busy machine, or for a disk, does not sleep.
LOOKS, LOOK_SECONDS = 6, 0.05
# One that rests for so long, a minute, will not go on: it is locked, or was stopped by a signal.
LOOKS_AT_A_DEAD_LOCK = 1200


class Process:
    """A fresh process with a Probe (probe.py), which it builds from now on, and then answers.

    `on_gpu`: its processor may be idle while it computes. `tick` is called some times a second while it works.
    """

    def __init__(
        self,
        context: ForkServerContext | SpawnContext,
        data: DataSet,
        recipe: Recipe,
        memory_limit: int,
        on_gpu: bool,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, data, recipe, memory_limit), daemon=True)
        self.on_gpu, self.kills, self.tick = on_gpu, endings.kills_for_memory(), tick
        self.is_built = False
        self.worked = 0.0  # seconds for its last answer; not those in which others had the processor
        self._start()
        theirs.close()

    def _start(self) -> None:
        for _ in range(STARTS):
            # Ctrl-C meanwhile would leave the new process with half of what it is sent, of which it would tell.
            with suppress(OSError, EOFError), holding_interrupts():
                self.process.start()
                return

    def wait(self) -> None:
        """Wait until the probe is built, or cannot be."""
        if not self.is_built:
            self._wait(memory_is_limited=False)

    def built(self) -> None:
        """Return once the probe is built. Raises Ended if it cannot be."""
        self.wait()
        if not self.is_built:
            self.answer()
        self.is_built = True

    def tell(self, method: str, *arguments: Any) -> None:
        """Ask for a method of the Probe, whose result `answer` returns."""
        with suppress(ConnectionError):  # `answer` tells
            self.pipe.send((method, arguments))

    def ask(self, method: str, *arguments: Any, seconds: float = float("inf")) -> Any:
        """Return what a method of the Probe returns. Raises Ended as `answer` does."""
        self.tell(method, *arguments)
        return self.answer(seconds)

    def answer(self, seconds: float = float("inf")) -> Any:
        """Return the next answer. Raises Ended if there is none: it failed, died, or worked more than some seconds."""
        try:
            self._wait(seconds)
            status, content = self.pipe.recv()
        except (EOFError, ConnectionError):
            raise endings.of_death(self._exit_code(), self.kills) from None
        if status != "ok":
            raise Ended(status, content)
        return content

    def _wait(self, seconds: float = float("inf"), memory_is_limited: bool = True) -> None:
        start, looks, before = self._clock(), 0, None
        self.worked = 0.0
        while not self.pipe.poll(LOOK_SECONDS):
            self.tick()
            self.worked = max(self.worked, self._clock() - start)
            if self.worked >= seconds:
                raise Ended("stopped", "it took too long")
            resting = None if self.on_gpu else threads.at_rest(self.process.pid)
            looks, before = looks + 1 if resting and resting == before else 0, resting
            if looks >= LOOKS and memory_is_limited and resting and threads.asleep(resting):
                raise Ended("out_of_memory", "it waits for memory that nothing will free")
            if looks >= LOOKS_AT_A_DEAD_LOCK:
                self.process.kill()  # of which the pipe tells
        self.worked = max(self.worked, self._clock() - start)

    def _clock(self) -> float:
        """Return the seconds that count as work: those of a GPU pass while the process may be idle."""
        return monotonic() if self.on_gpu else self._computed()

    def _computed(self) -> float:
        """Return the seconds that the process has computed; 0 at its end, of which the pipe tells."""
        try:
            return sum(psutil.Process(self.process.pid).cpu_times()[:2])
        except psutil.Error:
            return 0.0

    @property
    def _started(self) -> bool:
        return self.process.pid is not None

    def _exit_code(self) -> int | None:
        if self._started:
            self.process.join(SECONDS_TO_END)
        return self.process.exitcode

    def close(self) -> None:
        """End the process, and wait for it."""
        if self._started:
            self.process.kill()
            self.process.join()
        self.pipe.close()


def _serve(pipe: Connection, data: DataSet, recipe: Recipe, memory_limit: int) -> None:
    from batchwise.measuring.profiling import probe  # the process that measures does not import TensorFlow

    probe.serve(pipe, data, recipe, memory_limit)
