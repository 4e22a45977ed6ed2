"""The project on disk: its root, the folder of the pipeline, and the command that runs a stage again."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def folder() -> str:
    """Return the folder of the pipeline, relative to the project's root: stages run in it. "" for the root itself."""
    here = Path.cwd()
    return here.relative_to(ROOT).as_posix() if here != ROOT and here.is_relative_to(ROOT) else ""


def rerun_command(stage: str) -> str:
    """Return the command that runs a stage again, to be typed in the project's root."""
    return f"`dvc repro --force {f'{folder()}/dvc.yaml:' if folder() else ''}{stage}`"
