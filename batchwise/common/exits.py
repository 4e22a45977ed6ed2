"""How a process ends: with a status, and with one line for people where something went wrong.

Imported before what takes long to import: an error meanwhile is told in the same way, and Ctrl-C is obeyed after it.
"""

import errno
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from batchwise.common.errors import UserError

OUT_OF_READERS = 141  # the status of a program that SIGPIPE ends
INTERRUPTED = 130
# What a person or the machine can mend; everything else is a fault of the program, whose traceback tells more.
MENDABLE = (UserError, OSError, MemoryError, ImportError, SyntaxError)
REMEDIES = {
    errno.EACCES: "make it readable and writable for you",
    errno.EDQUOT: "free some of your space on the disk",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
    errno.EISDIR: "a file belongs there: rename that folder, or remove it",
    errno.EMFILE: "raise the limit on open files (`ulimit -n`)",
    errno.ENOMEM: "free some memory",
    errno.ENOSPC: "free some space on the disk",
    errno.EPERM: "make it readable and writable for you",
    errno.EROFS: "make its disk writable",
}


def exit_with(main: Callable[[], int | None]) -> None:
    """Run `main` and leave the process: status 1 and one line for what a person can mend, 130 after Ctrl-C.

    Where nobody reads on (`| head`), it ends without a word, with the status of a program that SIGPIPE ends.
    """
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        status = main()
        sys.stdout.flush()
    except BrokenPipeError as error:
        status = _without_a_word() if _nobody_reads() else tell(error)
    except (Exception, KeyboardInterrupt) as error:
        status = tell(error)
    sys.exit(status)


def tell(error: BaseException) -> int:
    """Print what ended a process, in a line, and return its status; a fault of the program has its traceback too."""
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    print(f"error: {_sentence(error)}", file=sys.stderr, flush=True)
    if not isinstance(error, MENDABLE):
        traceback.print_exception(error)
    return 1


def _sentence(error: BaseException) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        remedy = REMEDIES.get(error.errno or 0, "see to that")
        return f"{place}{error.strerror or error}; {remedy}, and type the command again: what was done is kept"
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error}); free some, and type the command again: what was done is kept"
    if isinstance(error, ImportError):
        return f"{error}; `make setup` installs what is needed, which also needs memory when it is imported"
    if isinstance(error, SyntaxError):  # in a file of this program, which was edited or is damaged
        file = os.path.relpath(error.filename or "<string>")
        return f"{file}, line {error.lineno}: {error.msg}; mend it, or type `git restore {file}`"
    return f"this is a fault of batchwise, please report it: {type(error).__name__}: {error}"


def _uncaught(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    tell(error)


def _without_a_word() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes what is left at its end
    return OUT_OF_READERS


def _nobody_reads() -> bool:
    """Return whether standard output is closed at its other end; else it was the pipe of another process."""
    output = select.poll()
    output.register(sys.stdout.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _open_closed_streams() -> None:
    """Open on nothing what was closed before (`2>&-`): the next file opened would be taken for it, and written into.

    The processes of this one find it open too.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # by number: the lowest free one is taken
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode))


_open_closed_streams()
sys.excepthook = _uncaught
if sys.argv[0] == "-m":  # `python -m …`, which has not been found yet; some libraries do not survive Ctrl-C
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
