"""The process of which all that train or measure on this machine are copies: only it has to import TensorFlow."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from unittest import mock

from batchwise.runtime.device import gpu
from batchwise.runtime.engine import used


def start_method() -> str:
    """Return how processes with TensorFlow are started: as copies of one that imported it, where that is safe.

    It is not on macOS, whose system libraries do not survive a copy, nor with a GPU.
    """
    return "forkserver" if sys.platform == "linux" and not gpu() else "spawn"


def start(*modules: str) -> None:
    """Begin to import TensorFlow and some modules in the process that is copied, if there is one; the caller goes on.

    Each copy runs the module with which this program was started once more (multiprocessing): `modules` should name
    what that imports. They come from where this process imports: before Python 3.12.8 and 3.13.1 (cpython#117378) the
    other looks in the working directory alone, and says nothing of what it does not find.
    """
    if start_method() == "forkserver":
        first = ("batchwise.runtime.forkserver_preload", f"batchwise.runtime.{used()}")
        multiprocessing.set_forkserver_preload([*first, *modules])
        with holding_interrupts(), mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):
            forkserver.ensure_running()


@contextmanager
def holding_interrupts() -> Iterator[None]:
    """Leave Ctrl-C to this process alone, which closes the others, and obey it at the end.

    Processes and threads that are started meanwhile inherit the blocked signal. A thread that was there before (NumPy
    has some) still takes it for this process: it is noted.
    """
    resource_tracker.ensure_running()  # its own start would let the signal through again
    seen: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # one that waits comes now
        signal.signal(signal.SIGINT, handler)
        if seen:
            signal.raise_signal(signal.SIGINT)
