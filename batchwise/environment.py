"""What, beside its inputs, decides the bits of a run: the versions that train, and the kind of machine."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from batchwise.common.errors import UserError

# What trains. A change of another package, one that draws say, does not retrain.
PACKAGES = ("tensorflow", "keras", "numpy")
# Variables with which a user changes the kernels that TensorFlow takes.
FLAGS = (
    "DNNL_MAX_CPU_ISA",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
# What the engine sets where there is no GPU: no threads within a program, which has one core; and optimisation of the
# loops alone, which compiles faster to programs that are no slower (`python -m benchmarks.speed`).
XLA_FLAGS_ON_CPU = "--xla_cpu_multi_thread_eigen=false --xla_backend_optimization_level=1"


def environment() -> dict[str, str]:
    """Return {name: value} of what decides bits. Only a machine with an NVIDIA driver needs TensorFlow to tell."""
    return {
        "engine": "tensorflow",
        **{package: version(package) for package in PACKAGES},
        "device": gpu() or _processor(),
        **{name: value for name in FLAGS if (value := os.environ.get(name, "").replace(XLA_FLAGS_ON_CPU, "").strip())},
    }


def set_xla_flags() -> None:
    """Put the engine's flags for XLA before those of the user, who has the last word. Before TensorFlow is imported."""
    given = os.environ.get("XLA_FLAGS", "")
    if not _has_nvidia_driver() and XLA_FLAGS_ON_CPU not in given:
        os.environ["XLA_FLAGS"] = f"{XLA_FLAGS_ON_CPU} {given}".strip()


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return a line for each name whose value is not the same."""
    return [
        f"{name}: {before.get(name, 'nothing')} → {now.get(name, 'nothing')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def gpu() -> str | None:
    """Return the name of the GPU that runs train on, or None where they train on the CPU."""
    if not _has_nvidia_driver():
        return None
    from batchwise import engine  # TensorFlow takes seconds to import: only where it can tell something

    return engine.gpu()


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/dxg").exists()


def _processor() -> str:
    """Bits depend on the processor's model: its instructions and caches choose the kernels."""
    facts = [platform.system(), platform.machine()]
    if platform.system() == "Darwin":
        brand = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=True)
        return " ".join([*facts, brand.stdout.strip()])
    lines = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()]
    values = {name.strip(): value.strip() for name, _, value in lines}
    wanted = ("vendor_id", "cpu family", "model", "model name", "CPU implementer", "CPU part")
    facts += [values[name] for name in wanted if name in values]
    facts += [f"with {flag}" for flag in ("avx2", "avx512f", "amx_tile") if flag in values.get("flags", "").split()]
    return " ".join(facts)


def check_pins(requirements: str) -> None:
    """Raise UserError if what is installed is not what requirements-train.in pins, on which DVC's cache relies."""
    for line in requirements.splitlines():
        package, separator, pinned = line.partition("==")
        if separator and version(package.strip()) != pinned.strip():
            raise UserError(
                f"{package} {version(package)} is installed, and requirements-train.in names {pinned}; run "
                "`make setup`, or edit requirements-train.in, which retrains"
            )
