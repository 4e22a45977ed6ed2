"""The part of a study that decides what its batch sizes cost in time and memory."""

import json
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config.params import Study
from batchwise.config.recipe import Budget, Schedule


def of_study(study: Study) -> Study:
    """Return a study with nothing in it that time and memory do not depend on: those with equal parts cost the same.

    Learning rates and how they are scaled, seeds, how long and with which schedule a run trains, and what is looked at
    after training are at their simplest. Batch sizes are in order.
    """
    grid = {"batch_sizes": sorted(study.grid.batch_sizes), "base_learning_rates": [1.0], "seeds": 1}
    changes = {
        "grid": study.grid.model_copy(update=grid),
        "budget": Budget(epochs=1),
        "schedule": Schedule(),
        "learning_rate_scaling": "none",
        "metric": None,
        "targets": [],
        "landscape": [],
    }
    return study.model_copy(update=changes)


def as_bytes(part: Study) -> bytes:
    """Return a file of a part."""
    return (json.dumps(part.model_dump(), indent=2) + "\n").encode()


def read(path: Path) -> Study:
    """Return the part that a file holds. Raises UserError if it is missing or damaged."""
    try:
        return Study.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run {rerun_command('check')}") from None
    except ValueError:
        raise UserError(f"{path} is damaged; run {rerun_command('check')}") from None
