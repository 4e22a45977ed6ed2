"""Which framework computes in this process: TensorFlow, unless it was told otherwise before Keras was imported."""

import sys
from typing import Literal

from batchwise.common.errors import UserError

Engine = Literal["tensorflow", "jax"]
_used: list[Engine] = []


def use(engine: Engine) -> None:
    """Let Keras compute with an engine in this process. Raises UserError if it computes with the other already."""
    if engine != used() and "keras" in sys.modules:
        raise UserError(
            f"this process computes with {used()}, and a study asks for {engine}; Keras takes one of the two when it "
            "is imported: start another process for this study"
        )
    _used[:] = [engine]


def used() -> Engine:
    """Return the engine of this process."""
    return _used[0] if _used else "tensorflow"
