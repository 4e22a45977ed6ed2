"""A measured process as the one that measures sees it: asked for one thing at a time, and its end is a result."""

from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet

SECONDS_TO_END = 5
# Where there is no memory, TensorFlow waits 10 seconds for someone to free some. A process that is to compute is taken
# to wait for that if all its threads sleep at so many looks in a row, between which it computes next to nothing. One
# that waits for a processor, on a busy machine, or for a disk, does not sleep.
LOOKS, LOOK_SECONDS, BUSY_SECONDS = 6, 0.05, 0.015
SLEEPS = ("S", "I")  # states of threads in /proc


class Ended(Exception):
    """The process is of no more use: `status` is out_of_memory, failed or stopped, `message` says why."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Process:
    """A fresh process with a Probe (probe.py), which it builds from now on, and then answers.

    `on_gpu`: its processor may be idle while it computes.
    """

    def __init__(
        self,
        context: ForkServerContext | SpawnContext,
        data: DataSet,
        recipe: Recipe,
        memory_limit: int,
        on_gpu: bool,
    ) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, data, recipe, memory_limit), daemon=True)
        self.process.start()
        theirs.close()
        self.on_gpu = on_gpu
        self.worked = 0.0  # seconds for its last answer; not those in which others had the processor

    def wait(self) -> None:
        """Wait until the probe is built, or cannot be."""
        self.pipe.poll(None)

    def built(self) -> None:
        """Return once the probe is built. Raises Ended if it cannot be."""
        self.wait()
        self.answer()

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
            self.process.join(SECONDS_TO_END)
            # The system ends a process that takes too much, or the process itself when it gets no more.
            raise Ended("out_of_memory", f"its process ended with exit code {self.process.exitcode}") from None
        if status != "ok":
            raise Ended(status, content)
        return content

    def _wait(self, seconds: float) -> None:
        start, busy, looks = self._clock(), self._computed(), 0
        self.worked = 0.0
        while not self.pipe.poll(LOOK_SECONDS):
            self.worked = max(self.worked, self._clock() - start)
            if self.worked >= seconds:
                raise Ended("stopped", "it took too long")
            looks += 1
            if self.on_gpu or not _asleep(self.process.pid) or self._computed() - busy > BUSY_SECONDS:
                busy, looks = self._computed(), 0
            elif looks == LOOKS:
                raise Ended("out_of_memory", "it waits for memory that nothing will free")
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

    def close(self) -> None:
        """End the process, and wait for it."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _asleep(pid: int | None) -> bool:
    """Return whether no thread of a process computes, is ready to, or waits for a disk; False if it cannot be told.

    Only Linux tells, and only there is memory limited, so that there is something to wait for.
    """
    try:
        threads = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:  # a thread or the process has just ended
        return False
    # "<number> (<name>) <state> …": a name may have brackets and spaces
    return bool(threads) and all(thread.rpartition(")")[2].split()[0] in SLEEPS for thread in threads)


def _serve(pipe: Connection, data: DataSet, recipe: Recipe, memory_limit: int) -> None:
    from batchwise.measuring.profiling import probe  # the process that measures does not import TensorFlow

    probe.serve(pipe, data, recipe, memory_limit)
