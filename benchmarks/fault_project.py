"""A copy of the project with one tiny study, in which things are made to fail."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil
from ruamel.yaml import YAML

from batchwise.execution.run_store import DATABASE

ROOT = Path(__file__).parent.parent
STUDY = "tiny"
TARGET = f"evaluate@{STUDY}"
RESULTS = ("data/runs", "data/confirmed", "data/tables", "reports/checksums")
PARAMS = {
    "data_sets": {"digits": {"test_rows": 297, "validation_rows": 300, "seed": 0}},
    "studies": {
        STUDY: {
            "data_set": "digits",
            "model": {"name": "mlp", "hidden_units": [8]},
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": 150},
            "learning_rate_scaling": "linear",
            "grid": {"batch_sizes": [2, 4], "base_learning_rates": [0.0078125, 0.03125], "seeds": 2},
        }
    },
}
HANG = 600  # seconds after which a command is killed, and has not held


@dataclass(frozen=True)
class End:
    """How a command ended: seconds from the fault on, its exit status, and what it printed."""

    seconds: float
    status: int
    printed: str


class Project:
    """A folder with the project in it, and commands that run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path) -> "Project":
        """Copy what git has of the project, as it is now, with the tiny study and without results."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for name in listed:
            if (ROOT / name).exists() and name != "dvc.lock" and not name.startswith(("paper/", "reports/checksums/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
        with (folder / "params.yaml").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(PARAMS, file)
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        return cls(folder)

    def copy(self, folder: Path) -> "Project":
        """Return a copy of everything, caches too."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def start(self, *command: str, before: Callable[[], object] | None = None) -> subprocess.Popen[str]:
        """Start a command, in a group of its own; `before` is called in its process first."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": ""},
            start_new_session=True,
            preexec_fn=before,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def repro(self, before: Callable[[], object] | None = None) -> subprocess.Popen[str]:
        """Start `dvc repro` of the study's tables, after what `make` does before."""
        return self.start("sh", "-c", f"python -m batchwise repair; exec dvc repro {TARGET}", before=before)

    def forget(self, *folders: str) -> None:
        """Remove folders."""
        for name in folders:
            shutil.rmtree(self.folder / name)

    def results(self) -> dict[str, bytes]:
        """Return {file: its bytes} of all results; what begins with a dot is DVC's."""
        files = [path for name in RESULTS for path in self.files(name)]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files}

    def stored(self) -> int:
        """Return how many entries the store has."""
        path = self.folder / "data/store" / DATABASE
        if not path.exists():
            return 0
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path)) as database:  # it is being made
            return database.execute("SELECT COUNT(*) FROM entries").fetchone()[0]
        return 0

    def files(self, name: str) -> list[Path]:
        """Return the files below a folder that are neither being written nor DVC's."""
        return [path for path in sorted((self.folder / name).rglob("[!.]*")) if path.is_file()]

    def being_written(self) -> bool:
        """Return whether entries of the store are being written: there is a log that is not in its database yet."""
        return (self.folder / "data/store" / f"{DATABASE}-wal").exists()


def ended(process: subprocess.Popen[str]) -> End:
    """Wait for a command to end. One that hangs is killed."""
    start = monotonic()
    try:
        printed, _ = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        kill(process)
        printed = f"it hung: {process.communicate()[0]}"
    return End(monotonic() - start, process.returncode, printed)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and all below it, as a power cut would."""
    everyone = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    for pid in everyone:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()


def below(process: subprocess.Popen[str], words: str) -> list[psutil.Process]:
    """Return the Python processes below a command whose command line has some words, the oldest first."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "python" in child.name() and words in " ".join(child.cmdline()):
                found.append(child)
    return sorted(found, key=lambda child: child.create_time())


def wait(process: subprocess.Popen[str], happened: Callable[[], object]) -> None:
    """Wait until something has happened, or a command has ended."""
    while process.poll() is None and not happened():
        sleep(0.0005)
