"""The device that an engine computes on, and the settings with which its bits repeat.

TensorFlow takes seconds to import: only a call that needs it does so.
"""

from functools import cache
from typing import Any

from batchwise.runtime.engine import Engine, used
from batchwise.runtime.silent_stderr import quiet
from batchwise.runtime.xla_flags import has_nvidia_driver


def gpu(engine: Engine | None = None) -> str | None:
    """Return the name of the GPU that runs of an engine train on, or None where they train on the CPU.

    The engine is that of this process, unless one is given.
    """
    engine = engine or used()
    if not has_nvidia_driver() or not gpus(engine):
        return None
    if engine == "jax":
        return str(gpus(engine)[0].device_kind)
    from batchwise.runtime.tensorflow import tf

    return tf.config.experimental.get_device_details(gpus(engine)[0]).get("device_name", "GPU")


@cache
def gpus(engine: Engine) -> list[Any]:
    """Return the GPUs that an engine sees, as its devices."""
    with quiet():
        if engine == "jax":
            from batchwise.runtime.jax import jax

            return [device for device in jax.devices() if device.platform == "gpu"]
        from batchwise.runtime.tensorflow import tf

        return tf.config.list_physical_devices("GPU")


def gpu_memory_peak() -> int:
    """Return the most bytes of the GPU that this process has taken so far."""
    if used() == "jax":
        return int(gpus("jax")[0].memory_stats()["peak_bytes_in_use"])
    from batchwise.runtime.tensorflow import tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


@cache
def configure() -> None:
    """Make the bits of the engine repeatable, once in a process. Must come before its first operation.

    One thread each: bits change with the number of threads, and as many runs as cores are faster than threads. JAX has
    its settings from its import (jax.py).
    """
    if used() == "jax":
        gpus("jax")
        return
    from batchwise.runtime.tensorflow import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for device in gpus("tensorflow"):
        tf.config.experimental.set_memory_growth(device, True)
