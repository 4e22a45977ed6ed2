"""Keras on the engine of this process, and how that says that there was no memory: what both engines share has it here.

Whoever trains says which one it is (engine.py) before this is imported.
"""

import numpy as np

from batchwise.runtime import engine

if engine.used() == "jax":
    from batchwise.runtime.jax import MAY_BE_OUT_OF_MEMORY, OF_MEMORY, is_out_of_memory, keras
else:
    from batchwise.runtime.tensorflow import MAY_BE_OUT_OF_MEMORY, OF_MEMORY, is_out_of_memory, keras

__all__ = ["MAY_BE_OUT_OF_MEMORY", "OF_MEMORY", "is_out_of_memory", "keras", "size_of_type"]


def size_of_type(dtype: str) -> int:
    """Return the bytes of a number, of which the type is one of Keras's: bfloat16 is none of NumPy's."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
