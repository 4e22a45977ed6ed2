"""A study in a file of its own, as stage check writes it."""

import json
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.params import Study


def as_bytes(study: Study) -> bytes:
    """Return a file of a study."""
    return (json.dumps(study.model_dump(), indent=2) + "\n").encode()


def read(path: Path) -> Study:
    """Return the study that a file holds. Raises UserError if it is missing or damaged."""
    try:
        return Study.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run {rerun_command('check')}") from None
    except ValueError:
        raise UserError(f"{path} is damaged; run {rerun_command('check')}") from None
