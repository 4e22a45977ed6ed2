"""The project on disk: its root, the folder of the pipeline, and the command that runs a stage again."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # the code may be linked into the folder of a pipeline
# Of all pipelines: a run's key has everything that decides its bits, so none is taken for another.
STORE = ROOT / "data/store"


def folder() -> str:
    """Return the folder of the pipeline, relative to the project's root: stages run in it. "" for the root itself."""
    here = Path.cwd()
    return here.relative_to(ROOT).as_posix() if here != ROOT and here.is_relative_to(ROOT) else ""


def rerun_command(stage: str) -> str:
    """Return the command that runs a stage again, and the folder to type it in if that is not the project's root."""
    return f"`dvc repro --force {stage}`{f' in {folder()}' if folder() else ''}"
