"""The flags of XLA, which it reads once, when TensorFlow or JAX is imported."""

import os
from pathlib import Path

# What the engine sets where there is no GPU: no threads within a program, which has one core; and optimisation of the
# loops alone, which compiles faster to programs that are no slower (`python -m benchmarks.speed`).
XLA_FLAGS_ON_CPU = "--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=1"
# What makes the bits of JAX on a GPU repeat, as TensorFlow's do by a setting of its own.
XLA_FLAGS_OF_JAX_ON_GPU = "--xla_gpu_deterministic_ops=true"


def set_xla_flags(on_gpu: str = "") -> None:
    """Put the engine's flags for XLA before those of the user, who has the last word. Before the engine is imported."""
    given, ours = os.environ.get("XLA_FLAGS", ""), on_gpu if has_nvidia_driver() else XLA_FLAGS_ON_CPU
    if ours and ours not in given:
        os.environ["XLA_FLAGS"] = f"{ours} {given}".strip()


def without_ours(flags: str) -> str:
    """Return the flags that a user gave, of those in XLA_FLAGS."""
    for ours in (XLA_FLAGS_ON_CPU, XLA_FLAGS_OF_JAX_ON_GPU):
        flags = flags.replace(ours, "")
    return flags.strip()


def has_nvidia_driver() -> bool:
    """Return whether this machine could have a GPU that TensorFlow trains on."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/dxg").exists()
