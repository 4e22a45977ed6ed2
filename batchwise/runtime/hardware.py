"""The machine that measures: its memory, its cores, and whether it computes in bfloat16."""

import platform
import re
import resource
import subprocess
from pathlib import Path
from typing import Any

import psutil
from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

from batchwise.runtime import nvidia
from batchwise.runtime.device import gpu, gpu_memory_peak
from batchwise.runtime.engine import Engine
from batchwise.runtime.environment import environment, gpu_of

# Processors with these multiply bfloat16 themselves; others convert to float32 and back.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
STATUS = Path("/proc/self/status")  # of Linux
BFLOAT16_CAPABILITY = (8, 0)  # NVIDIA's compute capability from which on GPUs have it


def describe(engine: Engine) -> dict[str, Any]:
    """Return the device, the versions of what trains, and the cores and bytes of the machine or its container."""
    facts = {"python": platform.python_version(), "cores": CPU_COUNT, "memory_total_bytes": MEMORY_LIMIT}
    return {**environment(engine), **facts, "has_bfloat16": has_bfloat16(engine)}


def available_memory() -> int:
    """Return the bytes that are free, or could be."""
    return min(psutil.virtual_memory().available, MEMORY_LIMIT)


def gpu_memory() -> int:
    """Return the bytes of the GPU's memory."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    return 2**20 * int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def memory_peak() -> int:
    """Return the most memory that this process has taken so far, in bytes: on the GPU, else its resident set."""
    if gpu():
        return gpu_memory_peak()
    # Linux would give in ru_maxrss what the process had before its program was replaced, too.
    return status("VmHWM") if STATUS.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def status(name: str) -> int:
    """Return what Linux says of this process's memory, in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return 1024 * int(line.split()[1])


def has_bfloat16(engine: Engine) -> bool:
    """Return whether what an engine trains on, the GPU or else the processor, computes in bfloat16."""
    if gpu_of(engine):
        return any(_capability(card) >= BFLOAT16_CAPABILITY for card in nvidia.find().cards[:1])
    file = Path("/proc/cpuinfo")
    return file.exists() and not BFLOAT16_FLAGS.isdisjoint(file.read_text().split())


def _capability(card: nvidia.Card) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", card.compute_capability)))
