"""The device that TensorFlow computes on, and the settings with which its bits repeat.

TensorFlow takes seconds to import: only a call that needs it does so.
"""

from functools import cache
from typing import Any

from batchwise.runtime.silent_stderr import quiet
from batchwise.runtime.xla_flags import has_nvidia_driver


def gpu() -> str | None:
    """Return the name of the GPU that runs train on, or None where they train on the CPU."""
    if not has_nvidia_driver() or not gpus():
        return None
    from batchwise.runtime.tensorflow import tf

    return tf.config.experimental.get_device_details(gpus()[0]).get("device_name", "GPU")


@cache
def gpus() -> list[Any]:
    """Return the GPUs that TensorFlow sees, as its physical devices."""
    from batchwise.runtime.tensorflow import tf

    with quiet():
        return tf.config.list_physical_devices("GPU")


@cache
def configure() -> None:
    """Make TensorFlow's bits repeatable, once in a process. Must come before its first operation.

    One thread each: bits change with the number of threads, and as many runs as cores are faster than threads.
    """
    from batchwise.runtime.tensorflow import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for device in gpus():
        tf.config.experimental.set_memory_growth(device, True)
