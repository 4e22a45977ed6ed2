"""Imported first in the process of which every process that trains or measures is a copy (multiprocessing, forkserver).

Garbage collection is off in that process: it would run many times while TensorFlow is imported, and find nothing. What
is in memory when a copy is made is frozen: to look through it would take each copy a fifth of a second and, since
looking writes to each page, memory of its own. A copy whose maker has ended meanwhile ends too, without a word.
"""

import gc
import os
import sys
from pickle import UnpicklingError
from types import TracebackType

gc.disable()
os.register_at_fork(before=gc.freeze, after_in_child=gc.enable)


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Write an exception to standard error, but for those of one whose maker told it half of what to do, or nothing."""
    if not issubclass(kind, EOFError | UnpicklingError):
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _tell
