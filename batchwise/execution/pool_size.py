"""How many workers a pool has. What plans asks this without the imports of one, which take a while."""

import os
import re

from dask.system import CPU_COUNT

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.runtime.engine import Engine, used
from batchwise.runtime.environment import gpu_of

WORKERS_FOR_EACH_CORE = 8  # at most: more would take the machine's memory, and no run would end sooner


def cluster_address() -> str | None:
    """Return the address of a scheduler of the user's, if one is given."""
    return os.environ.get("DASK_SCHEDULER_ADDRESS")


def number_of_workers(engine: Engine | None = None) -> int:
    """Return how many workers a new pool has, of the engine of this process unless one is given."""
    given = os.environ.get("BATCHWISE_WORKERS", "")
    if not given:
        # The workers would share a GPU's memory; on a CPU each takes one core.
        return 1 if gpu_of(engine or used()) else CPU_COUNT
    most = WORKERS_FOR_EACH_CORE * CPU_COUNT
    if not re.fullmatch("[0-9]{1,9}", given) or not 1 <= int(given) <= most:
        allowed = f"whole numbers from 1 to {most}, {WORKERS_FOR_EACH_CORE} for each core"
        raise UserError(f"BATCHWISE_WORKERS is {shown(given)}; allowed are {allowed}")
    return int(given)
