"""How measured processes end, and which of their ends are results.

What a batch size needs ends its process again. What else goes on on the machine does not: beside others there was no
memory, or something ended the process from outside. So it is measured once more, alone, and what a larger batch size
shows to be possible, and ends so again, has no result.
"""

import re
import signal
from pathlib import Path

OUT_OF_MEMORY, FAILED = "out_of_memory", "failed"
# Ends that are measured once more, and are then one of those above. ABORTED: by itself, as programs do to which memory
# is refused, and others.
ABORTED, DIED = "aborted", "died"
FAULT = "a fault of the machine, not a result"
# The C library ends a thread for whose own variables there is no memory, and its process, with 127 (glibc, dl-tls.c).
ABORTING = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGTRAP, 127}


class Ended(Exception):
    """The process is of no more use: `status` says how it ended, `message` why.

    It is out_of_memory, failed, stopped, aborted or died.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def kills_for_memory() -> int | None:
    """Return how many processes the system has ended for want of memory since its start; None if it does not tell."""
    try:
        found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def of_death(exit_code: int | None, kills_before: int | None) -> Ended:
    """Return the end of a process that died without a word.

    `kills_before` are the kills_for_memory at its start. `exit_code` is None if it is not known.
    """
    message = f"its process ended with exit code {exit_code}"
    if exit_code == -signal.SIGKILL:
        kills = kills_for_memory()
        by_system = kills is None or kills_before is None or kills > kills_before
        return Ended(OUT_OF_MEMORY if by_system else DIED, message)
    return Ended(ABORTED if exit_code in ABORTING else DIED, message)


def is_doubtful(status: str, may_fit: bool) -> bool:
    """Return whether what ended so is to be tried once more; `may_fit`: alone, there may be memory for it."""
    return status in (ABORTED, DIED) or (status == OUT_OF_MEMORY and may_fit)


def second(status: str, message: str, has_room: bool) -> tuple[str, str]:
    """Return the status and message of what was tried once more: a result, or failed by a fault of the machine.

    `has_room`: what takes more memory fits.
    """
    if status == DIED or (status in (OUT_OF_MEMORY, ABORTED) and has_room):
        return FAILED, twice(message)
    return OUT_OF_MEMORY if status == ABORTED else status, message


def twice(message: str) -> str:
    """Return the message of what ended so at the second try too, and has no result."""
    return f"{message}, twice: {FAULT}"


def is_fault(message: str) -> bool:
    """Return whether a message is one of `twice`."""
    return message.endswith(FAULT)
