"""What was measured, kept under everything that decides it, as finished runs are. Deleting it costs time alone.

Times are not exact, but those of equal inputs are of the same thing: what seeds, rates and the values of the data do
not decide is not measured again for them.
"""

import json
from typing import Any

from batchwise.common import plugins, source_closure
from batchwise.common.serialization import as_json
from batchwise.config.study import Study
from batchwise.data.dataset import DataSet
from batchwise.execution.run_store import Store, key
from batchwise.training import trainers

FORMAT = 1  # of what is kept
MEASURING = (
    "batchwise/measuring/profiling/rounds.py",
    "batchwise/measuring/profiling/largest_batch.py",
    "batchwise/runtime/forkserver_preload.py",
)
# The system has some kilobytes more or less after each start. How much is free is not part of a key either.
NOT_DECIDING = ("memory_total_bytes",)


def inputs(data: DataSet, part: Study, machine: dict[str, Any]) -> dict[str, Any]:
    """Return what decides every measurement of a study: `part` is its measured_part, `machine` as of hardware.py."""
    model = plugins.file("models", part.model.name)
    return {
        "format": FORMAT,
        "data": shapes(data),
        "code": source_closure.hashes(source_closure.closure(*MEASURING, trainers.FILES[part.engine], model)),
        "recipe": part.recipe.model_dump(exclude={"dtype"}),
        "machine": {name: value for name, value in machine.items() if name not in NOT_DECIDING},
    }


def shapes(data: DataSet) -> dict[str, Any]:
    """Return what a measurement depends on of a data set: task, number of classes, shapes and types, and no values."""
    arrays = {name: [array.dtype.str, *array.shape] for name, array in data.arrays.items()}
    streamed = {"streamed": True} if data.is_streamed else {}
    return {"task": data.description.task, "classes": len(data.class_names), **streamed, **arrays}


class Measurements:
    """The measurements of a study that a store has; each has a name of its own, {fact: value}, among its inputs."""

    def __init__(self, store: Store, shared_inputs: dict[str, Any], anew: bool = False) -> None:
        """`anew`: nothing is found that was there before."""
        self.store, self.shared_inputs, self.anew = store, shared_inputs, anew

    def find(self, **name: Any) -> dict[str, Any] | None:
        """Return what was measured, or None if it was not, or its file is damaged."""
        content = None if self.anew else self.store.get(key(self.shared_inputs | name))
        return json.loads(content) if content else None

    def keep(self, measured: dict[str, Any], **name: Any) -> None:
        """Keep what was measured; whole or not at all."""
        self.store.put(key(self.shared_inputs | name), as_json(measured))
