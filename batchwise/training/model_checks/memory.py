"""How many weights a model would have, counted before they are made."""

import math
from collections.abc import Callable
from copy import copy
from unittest import mock

from batchwise.common.errors import UserError
from batchwise.runtime.keras import keras, size_of_type

# Of the weights, at least: themselves, their gradient, their start, and as they are before and after an epoch.
COPIES = 5
# So many bytes fit: to ask for the memory of the machine takes a while, and memory, which a profile would count.
SMALL = 2**31


def check(name: str, build: Callable[[], keras.Model]) -> None:
    """Raise UserError if what training keeps of the variables is more than the machine's memory.

    A model that cannot be built so tells when it is built.
    """
    try:
        shapes = _variables(build)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return
    count, size = (sum(sizes) for sizes in zip((0, 0), *shapes, strict=True))
    if COPIES * size <= SMALL:
        return
    from distributed.system import MEMORY_LIMIT  # of the machine or its container

    if COPIES * size > MEMORY_LIMIT:
        raise UserError(
            f"model {name} would have {count:,} weights ({_gigabytes(size)}); training keeps {COPIES} copies of them "
            f"or more, and this machine has {_gigabytes(MEMORY_LIMIT)} of memory: choose smaller layers"
        )


def _variables(build: Callable[[], keras.Model]) -> list[tuple[int, int]]:
    """Return the numbers and the bytes of each variable of a model that is built without them.

    Nothing of it remains: neither variables to be made later, nor the numbers in the names that Keras gives.
    """
    names, state = keras.src.backend.common.variables, keras.src.backend.common.global_state.GLOBAL_STATE_TRACKER
    counted = copy(getattr(state, "object_name_uids", None))
    with (
        mock.patch.object(names, "register_uninitialized_variable", lambda variable: None),
        mock.patch.object(state, "object_name_uids", counted, create=True),
        keras.StatelessScope(initialize_variables=False),
    ):
        variables = build().variables
    numbers = [math.prod(variable.shape) for variable in variables]
    return [
        (number, number * size_of_type(variable.dtype)) for number, variable in zip(numbers, variables, strict=True)
    ]


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
