"""The flags of XLA, which it reads once, when TensorFlow is imported."""

import os
from pathlib import Path

# What the engine sets where there is no GPU: no threads within a program, which has one core; and optimisation of the
# loops alone, which compiles faster to programs that are no slower (`python -m benchmarks.speed`).
XLA_FLAGS_ON_CPU = "--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=1"


def set_xla_flags() -> None:
    """Put the engine's flags for XLA before those of the user, who has the last word. Before TensorFlow is imported."""
    given = os.environ.get("XLA_FLAGS", "")
    if not has_nvidia_driver() and XLA_FLAGS_ON_CPU not in given:
        os.environ["XLA_FLAGS"] = f"{XLA_FLAGS_ON_CPU} {given}".strip()


def has_nvidia_driver() -> bool:
    """Return whether this machine could have a GPU that TensorFlow trains on."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/dxg").exists()
