"""What happens when things fail: `python -m benchmarks.faults`, some ten minutes on two cores.

Each fault is made before, while and after something is written. A row holds if the results are the same bytes after
one more `dvc repro`, if the command that it was made to ended within a minute, without a traceback, and with a line if
it failed by itself, and if it did not go on after what should end it.
"""

import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.fault_project import STUDY, End, Project, below, ended, kill, wait

MOMENTS = ("before", "during", "after")
A_MINUTE = 60
SMALL_FILES = 3000  # bytes: a shard has more
LITTLE_MEMORY = 3 * 2**29
RUNS = ("data/runs", "data/store", ".dvc/cache")  # where runs are kept
ENDING = ("power cut: all processes killed", "Ctrl-C", "the stage killed")  # what should end a command
# What DVC says of each stage and at the end, and what train says of its progress.
USUAL = re.compile(
    r"Running stage|>|Stage '|(Updat|Generat)ing lock|Data and pipelines|Use `dvc push`|To (track|enable)"
    rf"|\s*(git|dvc) |{STUDY}: \d+(/\d+)? runs"
)


@dataclass(frozen=True)
class Row:
    """What came of a fault: whether the results are the same after one rerun, and how the command ended."""

    fault: str
    moment: str
    same: bool
    end: End

    @property
    def holds(self) -> bool:
        """Whether that is what is promised."""
        in_time = self.end.seconds <= A_MINUTE
        obeyed = self.end.status != 0 or self.fault not in ENDING
        said = bool(self.told) or self.end.status <= 0  # a signal that ends DVC itself leaves nobody to tell
        return self.same and in_time and obeyed and said and "Traceback" not in self.end.printed

    @property
    def told(self) -> str:
        """The first line that is about the fault: not what DVC says of each stage, nor of progress."""
        lines = [line for line in self.end.printed.replace("\r", "\n").splitlines() if line.strip()]
        return next((line for line in lines if not USUAL.match(line)), "")


Process = subprocess.Popen[str]
Fault = Callable[[Project, str], End]  # makes it at a moment


def while_training(act: Callable[[Project, Process], object]) -> Fault:
    """Return the fault that something is done to a training: before, while or after a run is kept."""

    def fault(project: Project, moment: str) -> End:
        project.forget(*RUNS)
        process = project.repro()
        reached = {
            "before": lambda: len(below(process, "forkserver")) > 2,
            "during": project.being_written,
            "after": project.stored,
        }
        wait(process, reached[moment])
        act(project, process)
        return ended(process)

    return fault


def killing(words: str, which: slice) -> Fault:
    """Return the fault that some processes are killed, of those whose command line has these words."""

    def act(_: Project, process: Process) -> None:
        for victim in below(process, words)[which]:
            victim.kill()

    return while_training(act)


def first(folder: str, ending: str = "") -> Callable[[Project], Path]:
    """Return what finds the first file of a folder whose name ends so."""
    return lambda project: next(path for path in project.files(folder) if path.name.endswith(ending))


def in_cache(project: Project) -> Path:
    """Return the first shard of runs, as DVC's cache has it."""
    digest = hashlib.md5(first("data/runs", ".zip")(project).read_bytes(), usedforsecurity=False).hexdigest()
    return project.folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]


def damaging(find: Callable[[Project], Path], gone: tuple[str, ...] = ()) -> Fault:
    """Return the fault that a file is damaged: something stands in its place, it is half, or has another bit."""

    def fault(project: Project, moment: str) -> End:
        path = find(project)
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 3] ^= 1
        path.unlink()  # it may be a link to DVC's cache
        path.write_bytes({"before": b"\0" * 100, "during": content[: len(content) // 2], "after": flipped}[moment])
        project.forget(*gone)
        return ended(project.repro())

    return fault


def limited(limit: int, value: int) -> Fault:
    """Return the fault that a limit of the system is too low: from the start, while it trains, or for what is left."""

    def lower() -> None:
        resource.setrlimit(limit, (value, value))

    def fault(project: Project, moment: str) -> End:
        project.forget("data/runs", ".dvc/cache", *(["data/store"] if moment != "after" else []))
        process = project.repro(lower if moment != "during" else None)
        if moment == "during":
            wait(process, project.stored)
            for stage in below(process, "stages.train"):
                with suppress(ProcessLookupError):
                    resource.prlimit(stage.pid, limit, (value, value))
        return ended(process)

    return fault


def full_disk(project: Project, moment: str) -> End:
    """The disk of the store has no room: from the start, after some runs, or when all is kept."""
    store = project.folder / "data/store"
    project.forget("data/runs", ".dvc/cache", *(["data/store"] if moment != "after" else []))
    kept = project.folder / "kept"
    shutil.move(store, kept) if store.exists() else kept.mkdir()
    store.mkdir()
    subprocess.run(
        [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={ {'before': 16, 'during': 64, 'after': 2048}[moment] }k",
            "tmpfs",
            store,
        ],
        check=True,
    )
    try:
        shutil.copytree(kept, store, dirs_exist_ok=True)
        return ended(project.repro())
    finally:
        subprocess.run(["umount", store], check=True)
        store.rmdir()
        shutil.move(kept, store)


def no_folder(project: Project, _: Process) -> None:
    """The user removes data/."""
    shutil.rmtree(project.folder / "data", ignore_errors=True)


def no_store(project: Project, moment: str) -> End:
    """A file stands for a while where the store was, which nobody can write into, root neither."""
    store = project.folder / "data/store"

    def act(_: Project, __: Process) -> None:
        shutil.rmtree(store, ignore_errors=True)
        with suppress(OSError):
            store.write_text("")

    end = while_training(act)(project, moment)
    if store.is_file():
        store.unlink()
    return end


def lock_of_dvc(name: str, content: dict[str, Callable[[bytes], bytes]]) -> Fault:
    """Return the fault that a file of DVC's own was not written to its end."""

    def fault(project: Project, moment: str) -> End:
        path = project.folder / name
        path.write_bytes(content[moment](path.read_bytes() if path.exists() else b"{}"))
        return ended(project.repro())

    return fault


FAULTS: dict[str, Fault] = {
    "power cut: all processes killed": while_training(lambda _, process: kill(process)),
    "Ctrl-C": while_training(lambda _, process: os.killpg(process.pid, signal.SIGINT)),
    "the stage killed": killing("stages.train", slice(1)),
    "the forkserver killed": killing("forkserver", slice(1)),
    "a worker killed": killing("forkserver", slice(1, 2)),
    "all workers killed": killing("forkserver", slice(1, None)),
    "forkserver and workers killed": killing("forkserver", slice(None)),
    "data/ removed": while_training(no_folder),
    "data/store replaced by a file": no_store,
    "file-size limit": limited(resource.RLIMIT_FSIZE, SMALL_FILES),
    "memory limit": limited(resource.RLIMIT_AS, LITTLE_MEMORY),
    "full disk under data/store": full_disk,
    "entry of the store damaged": damaging(first("data/store", ".sqlite"), gone=("data/runs", ".dvc/cache")),
    "shard of runs damaged": damaging(first("data/runs", ".zip")),
    "shard of runs in DVC's cache damaged, no store": damaging(in_cache, gone=("data/store", "data/runs")),
    "prepared arrays damaged": damaging(first("data/prepared", ".npz")),
    "manifest damaged": damaging(first("data/prepared/studies", ".json")),
    "table damaged": damaging(first("data/tables", ".csv")),
    "study damaged": damaging(first("data/studies", ".json")),
    "timings damaged": damaging(first(f"data/timings/{STUDY}", ".csv"), gone=RUNS),
    "dvc.lock damaged": lock_of_dvc(
        "dvc.lock",
        {"before": lambda _: b"", "during": lambda old: old[: len(old) // 2], "after": lambda old: b"\0" + old[1:]},
    ),
    ".dvc/tmp/rwlock damaged": lock_of_dvc(
        ".dvc/tmp/rwlock",
        {"before": lambda _: b"", "during": lambda _: b'{"read": {"da', "after": lambda _: b"\0" * 512},
    ),
}


def rows(folder: Path, faults: dict[str, Fault]) -> Iterator[Row]:
    """Yield what came of each fault at each moment, in a copy of a project whose results are there."""
    whole = Project.new(folder / "whole")
    made = ended(whole.repro())
    wanted = whole.results()
    if made.status:
        raise RuntimeError(f"the tiny study could not be made:\n{made.printed}")
    for name, fault in faults.items():
        for moment in MOMENTS:
            project = whole.copy(folder / "project")
            end = fault(project, moment)
            ended(project.repro())
            yield Row(name, moment, project.results() == wanted, end)
            shutil.rmtree(project.folder)


def main() -> int:
    """Print the table; return 1 if a row does not hold."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in its background
    faults = {name: fault for name, fault in FAULTS.items() if not sys.argv[1:] or name in sys.argv[1:]}
    failed = 0
    print("| fault | write | same bytes after one rerun | seconds to the end | exit status | first line |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for row in rows(Path(folder), faults):
            failed += not row.holds
            same = "yes" if row.same else "**no**"
            ended_so = f"{row.end.seconds:.0f} | {row.end.status}"
            print(f"| {row.fault} | {row.moment} | {same} | {ended_so} | {row.told} |", flush=True)
            if not row.holds:
                print(f"does not hold:\n{row.end.printed}", file=sys.stderr, flush=True)
    print(f"\n{failed} rows do not hold" if failed else "\nall rows hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
