"""The project on disk: its root, the folder of the pipeline, and the command that runs a stage again."""

import shlex
from pathlib import Path

from batchwise.common import files
from batchwise.common.errors import UserError

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


def command(*words: str) -> str:
    """Return the command of this project that does what the words say to the pipeline in this folder."""
    within = folder()
    return shlex.join(["python", "-m", "batchwise", *(["--folder", within] if within else []), *words])


def text_of(path: Path) -> str:
    """Return the text of a file of the project. Raises UserError if it cannot be read, or is no text any more."""
    try:
        return files.read(path).decode()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); `git restore {path}` brings it back") from None
    except UnicodeDecodeError as error:
        raise damaged(path, f"byte {error.start} is not UTF-8") from None


def damaged(path: Path, why: str) -> UserError:
    """Return what is said of a file of the project that is not what it was."""
    return UserError(f"{path} is damaged ({why}); `git restore {path}` brings it back")
