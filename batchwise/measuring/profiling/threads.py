"""Whether the threads of another process rest: only Linux tells."""

from pathlib import Path

ASLEEP, STOPPED = ("S", "I"), ("T", "t")  # states in /proc; stopped by a signal, or by a debugger

Threads = tuple[tuple[str, str, str, str], ...]  # number, state, how often it gave the processor up, or lost it


def at_rest(pid: int | None) -> Threads | None:
    """Return the threads of a process; None if one computes, is ready to, or waits for a disk, or if it is not known.

    They are not read at one instant, but each that runs in between gives the processor up once more: all rested
    together, from a look to the next, if both are equal.
    """
    found = []
    try:
        for status in sorted(Path(f"/proc/{pid}/task").glob("*/status")):
            facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
            state = facts["State"].split()[0]
            if state not in ASLEEP + STOPPED:
                return None
            switches = facts["voluntary_ctxt_switches"], facts["nonvoluntary_ctxt_switches"]
            found.append((facts["Pid"], state, *switches))
    except OSError:  # a thread or the process has just ended
        return None
    return tuple(found) or None


def asleep(threads: Threads) -> bool:
    """Return whether threads at rest all wait for something; else one was stopped."""
    return all(state in ASLEEP for _, state, *_ in threads)
