"""A study in a file of its own, as stage check writes it."""

from pathlib import Path

from batchwise.common import files, sealed
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.study import Study


def as_bytes(study: Study) -> bytes:
    """Return a file of a study."""
    return sealed.as_json(study.model_dump())


def read(path: Path) -> Study:
    """Return the study that a file holds. Raises UserError if it is missing or damaged."""
    try:
        return Study.model_validate(sealed.from_json(files.read(path)))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run {rerun_command('check')}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); run {rerun_command('check')}") from None
    except ValueError:
        raise UserError(f"{path} is damaged; run {rerun_command('check')}") from None
