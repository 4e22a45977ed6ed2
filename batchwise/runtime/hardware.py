"""The machine that measures: its memory, its cores, and whether it computes in bfloat16."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil
from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

from batchwise.runtime.device import gpu, gpus
from batchwise.runtime.engine import used
from batchwise.runtime.environment import environment

# Processors with these multiply bfloat16 themselves; others convert to float32 and back.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
BFLOAT16_CAPABILITY = (8, 0)  # NVIDIA's compute capability from which on GPUs have it


def describe() -> dict[str, Any]:
    """Return the device, the versions of what trains, and the cores and bytes of the machine or its container."""
    facts = {"python": platform.python_version(), "cores": CPU_COUNT, "memory_total_bytes": MEMORY_LIMIT}
    return {**environment(used()), **facts, "has_bfloat16": has_bfloat16()}


def available_memory() -> int:
    """Return the bytes that are free, or could be."""
    return min(psutil.virtual_memory().available, MEMORY_LIMIT)


def gpu_memory() -> int:
    """Return the bytes of the GPU's memory."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    return 2**20 * int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def has_bfloat16() -> bool:
    """Return whether what trains, the GPU or else the processor, computes in bfloat16."""
    if gpu():
        return _capability() >= BFLOAT16_CAPABILITY
    file = Path("/proc/cpuinfo")
    return file.exists() and not BFLOAT16_FLAGS.isdisjoint(file.read_text().split())


def _capability() -> tuple[int, int]:
    """Return NVIDIA's compute capability of the GPU."""
    device = gpus(used())[0]
    if used() == "jax":
        major, minor = map(int, device.compute_capability.split("."))
        return major, minor
    from batchwise.runtime.tensorflow import tf  # takes seconds to import

    return tf.config.experimental.get_device_details(device).get("compute_capability", (0, 0))
