"""What is written once params.yaml was checked: files of which each changes with what it names alone."""

from pathlib import Path
from typing import Any

from batchwise.common import plugins, sealed, source_closure
from batchwise.common.errors import UserError
from batchwise.common.files import opened
from batchwise.common.repository import rerun_command
from batchwise.config import measured_part, study_files
from batchwise.config.params import Params
from batchwise.config.study import Study

FILES = Path("data/files/all-paths.json")  # beside what stage file writes of each: no name has a hyphen
STUDIES, PARTS, MODELS = Path("data/studies"), Path("data/measured_parts"), Path("data/models")
NAMES, DATA_SETS = Path("data/study_names.json"), Path("data/data_sets.json")


def files(params: Params) -> dict[str, bytes]:
    """Return {file: its bytes}.

    One is always the same. The others are the paths of the user's files, the names of the studies in their order, the
    data sets and what each study takes of which, and for each study a file of all of it, of the part that decides time
    and memory, and of the code that is its own.
    """
    found = {
        Path("data/checked.txt"): b"params.yaml is valid\n",
        FILES: sealed.as_json({"files": params.files}),
        NAMES: sealed.as_json({"studies": [*params.studies]}),
        DATA_SETS: sealed.as_json(_data_sets(params)),
    }
    for name, study in params.studies.items():
        found[STUDIES / f"{name}.json"] = study_files.as_bytes(study)
        found[PARTS / f"{name}.json"] = study_files.as_bytes(measured_part.of_study(study))
        found[MODELS / f"{name}.txt"] = _code(study)
    return {path.as_posix(): content for path, content in found.items()}


def read(path: Path) -> dict[str, Any]:
    """Return what FILES, NAMES or DATA_SETS holds. Raises UserError if the file is missing or damaged."""
    try:
        with opened(path) as file:
            return sealed.from_json(file.read())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); run {rerun_command('check')}") from None


def _data_sets(params: Params) -> dict[str, Any]:
    return {"data_sets": params.data_sets, "studies": {name: _taken(study) for name, study in params.studies.items()}}


def _taken(study: Study) -> dict[str, Any]:
    asked = {"weights": study.weights, "folds": study.folds, "of_tokens": study.memory_by_length is not None}
    return study.model_dump(include={"data_set", "subset", "task"}) | {key: it for key, it in asked.items() if it}


def _code(study: Study) -> bytes:
    """Return the SHA-256 of what the file of a study's model does, and what the files of JAX if it trains with that.

    They are as `code` lists the files of a stage, where these are not.
    """
    of_engine = source_closure.of_jax() if study.engine == "jax" else []
    files = [plugins.file("models", study.model.name), *of_engine]
    return "".join(f"{sha256}  {name}\n" for name, sha256 in source_closure.hashes(files).items()).encode()
