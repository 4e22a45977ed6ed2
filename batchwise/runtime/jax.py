"""JAX and Keras on it, imported with what they read once, at their import: everything here imports them from here.

A process that imports this computes with JAX from then on (engine.py).

No device is looked at yet, so that a process in which this was imported can be forked.
"""

import os

from batchwise.common.errors import UserError
from batchwise.runtime import engine
from batchwise.runtime.silent_stderr import quiet
from batchwise.runtime.unused_packages import without_unused
from batchwise.runtime.xla_flags import XLA_FLAGS_OF_JAX_ON_GPU, has_nvidia_driver, set_xla_flags

engine.use("jax")
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # of a GPU's memory, which others use too
if not has_nvidia_driver():
    os.environ["PJRT_NPROC"] = "1"  # one thread computes: bits could change with their number
set_xla_flags(XLA_FLAGS_OF_JAX_ON_GPU)
with quiet(), without_unused():
    try:
        import jax
        import jax.extend.core
    except ImportError:
        raise UserError("engine: jax needs JAX, which is not installed; run `make JAX=1 setup`") from None
    import keras

# Studies may compute in float64, of which Keras on JAX makes float32; all others name their types.
jax.config.update("jax_enable_x64", True)
keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"

# Or Keras imports TensorFlow, for seconds, where it is installed: to seed it, and to see whether something is of it.
for module in (keras.src.utils.module_utils.tensorflow, keras.src.utils.module_utils.gfile):
    module._available = False

__all__ = ["MAY_BE_OUT_OF_MEMORY", "OF_MEMORY", "is_out_of_memory", "jax", "keras"]

# What a line of an error has in it that says so.
OF_MEMORY = "[mM]emory|RESOURCE_EXHAUSTED"
MAY_BE_OUT_OF_MEMORY: tuple[type[Exception], ...] = (jax.errors.JaxRuntimeError, MemoryError)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of JAX, or of Python, says that there was no memory."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
