"""TensorFlow and Keras, imported with what they read once, at their import: everything here imports them from here.

A process that imports this computes with TensorFlow from then on (engine.py).

No device is looked at yet, so that a process in which this was imported can be forked.
"""

import os

from batchwise.runtime import engine
from batchwise.runtime.silent_stderr import quiet
from batchwise.runtime.unused_packages import without_unused
from batchwise.runtime.xla_flags import set_xla_flags

# How TensorFlow's convolutions and normalisations on a CPU report dnnl_out_of_memory, as an AbortedError.
ONEDNN_OUT_OF_MEMORY = "Status: 1, message: could not"
# What Python says where code in C got no memory, and did not say so.
NO_WORD = "error return without exception set"

engine.use("tensorflow")
os.environ["KERAS_BACKEND"] = "tensorflow"
set_xla_flags()
with quiet(), without_unused("scipy"):
    import keras
    import tensorflow as tf
    from tensorflow.python.eager import context

__all__ = ["MAY_BE_OUT_OF_MEMORY", "OF_MEMORY", "context", "is_out_of_memory", "keras", "tf"]

# What a line of an error has in it that says so.
OF_MEMORY = f"[mM]emory|OOM|{NO_WORD}|{ONEDNN_OUT_OF_MEMORY}"
MAY_BE_OUT_OF_MEMORY: tuple[type[Exception], ...] = (tf.errors.OpError, MemoryError, SystemError)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error of TensorFlow, or of Python, says that there was no memory."""
    if isinstance(error, tf.errors.AbortedError | SystemError):
        return (ONEDNN_OUT_OF_MEMORY if isinstance(error, tf.errors.AbortedError) else NO_WORD) in str(error)
    return isinstance(error, tf.errors.ResourceExhaustedError | MemoryError)
