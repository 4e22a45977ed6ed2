"""A copy of the project in a folder of its own, with small studies, for tests that run real pipelines."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

from ruamel.yaml import YAML

from batchwise.common.repository import ROOT
from batchwise.execution.run_store import DATABASE
from batchwise.runtime import engine

COPIED = (
    *("batchwise", "stages", "reports", "paper", "gallery", "dvc.yaml", "requirements-train.in"),
    *(".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "data/.gitignore"),
)
MADE = ("__pycache__", "html")
MADE_BESIDE = (*MADE, "data", "tmp", "cache", "config.local", "dvc.lock", "results.*")
# Seconds after which a test takes what it waits for to hang: no measure of speed, for the machine may be busy.
HANG = 3600
MEASURING = ("profile", "costs", "report", "summary")


def of_engine(lanes: int) -> dict[str, str | int]:
    """Return what a study says of the engine that is tested: on JAX so many lanes, since idle ones take as long."""
    return {"engine": "jax", "lanes": lanes} if engine.used() == "jax" else {}


STUDY = {
    "data_set": "digits",
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 40},
    "learning_rate_scaling": "linear",
    "grid": {"batch_sizes": [4, 64, 2048], "base_learning_rates": [0.0078125, 0.5], "seeds": 3},
    **of_engine(lanes=2),
}
PARAMS = {
    "data_sets": {"digits": {"test_rows": 297, "validation_rows": 300, "seed": 0}},
    "studies": {"small": STUDY},
}


class Project:
    """A folder with the project in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path, params: dict = PARAMS) -> "Project":
        """Copy the project's files and initialise git, which DVC needs."""
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                ignore = shutil.ignore_patterns(*(MADE_BESIDE if name in ("paper", "gallery") else MADE))
                shutil.copytree(source, target, symlinks=True, ignore=ignore)
            else:
                shutil.copy(source, target)
        project = cls(folder)
        project.run("git", "init", "--quiet")
        for setting in ("user.name=tests", "user.email=tests@localhost"):
            project.run("git", "config", *setting.split("="))
        project.write_params(params)
        return project

    def copy(self, folder: Path) -> "Project":
        """Return a copy of everything, caches too."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def write_params(self, params: dict, folder: str = ".") -> None:
        """Write the params.yaml of a folder."""
        with (self.folder / folder / "params.yaml").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(params, file)

    def append(self, file: str, text: str) -> None:
        """Add text to a file."""
        with (self.folder / file).open("a", encoding="utf-8") as stream:
            stream.write(text)

    def start(
        self, *command: str, folder: str = ".", terminal: int | None = None, **environment: str
    ) -> subprocess.Popen:
        """Start a command of the environment that the tests run in, in a folder of the project.

        What it prints goes to a pipe, or to a terminal, which is open under a number.
        """
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ours = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # JAX sets it
        variables = {**ours, "PATH": path, "PYTHONPATH": "", **environment}
        output = {"stdout": subprocess.PIPE if terminal is None else terminal, "stderr": subprocess.STDOUT}
        options = {**output, "text": True, "start_new_session": True}
        return subprocess.Popen(command, cwd=self.folder / folder, env=variables, **options)

    def run(self, *command: str, status: int = 0, **environment: str) -> str:
        """Run a command and return what it printed; the exit status must be the given one."""
        process = self.start(*command, **environment)
        printed, _ = process.communicate(timeout=HANG)
        assert process.returncode == status, printed
        return printed

    def repro(self, *arguments: str, **options) -> str:
        """Run `dvc repro`."""
        return self.run("dvc", "repro", *arguments, **options)

    def commit(self) -> None:
        """Commit everything that git does not ignore."""
        self.run("git", "add", "--all")
        self.run("git", "-c", "user.name=tests", "-c", "user.email=tests@localhost", "commit", "--quiet", "-m", "now")

    def lock(self) -> dict[str, dict]:
        """Return the stages of dvc.lock, but for those that measure time and those that show it."""
        stages = YAML(typ="safe").load((self.folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
        return {name: stage for name, stage in stages.items() if name.split("@")[0] not in MEASURING}

    def bytes_of(self, folder: str) -> dict[str, bytes]:
        """Return {file: its bytes} of a folder."""
        base = self.folder / folder
        return {str(path.relative_to(base)): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()}

    def stored(self) -> int:
        """Return how many runs the store has."""
        path = self.folder / "data/store" / DATABASE
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):  # it is being made
            return database.execute("SELECT COUNT(*) FROM entries").fetchone()[0]
        return 0
