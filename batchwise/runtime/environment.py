"""What, beside its inputs, decides the bits of a run: the versions that train, and the kind of machine."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from batchwise.common.errors import UserError
from batchwise.runtime import engine_devices
from batchwise.runtime.device import gpu
from batchwise.runtime.engine import Engine, used
from batchwise.runtime.xla_flags import has_nvidia_driver, without_ours

# What trains. A change of another package, one that draws say, does not retrain.
PACKAGES: dict[Engine, tuple[str, ...]] = {
    "tensorflow": ("tensorflow", "keras", "numpy"),
    "jax": ("jax", "jaxlib", "keras", "numpy"),
}
# Variables with which a user changes the kernels that an engine takes.
FLAGS = (
    "DNNL_MAX_CPU_ISA",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)


def environment(engine: Engine) -> dict[str, str]:
    """Return {name: value} of what decides the bits of an engine.

    Only a machine with an NVIDIA driver needs the engine to tell. Raises UserError if it is not installed.
    """
    return {
        "engine": engine,
        **{package: _required(package) for package in PACKAGES[engine]},
        "device": gpu_of(engine) or _processor(),
        **{name: value for name in FLAGS if (value := without_ours(os.environ.get(name, "")))},
    }


def gpu_of(engine: Engine) -> str | None:
    """Return the name of the GPU that runs of an engine train on, or None where they train on the CPU.

    Another engine than that of this process is asked in a process of its own: `plan` looks at studies of both.
    """
    if engine == used():
        return gpu()
    return _asked(engine) if has_nvidia_driver() else None


@cache
def _asked(engine: Engine) -> str | None:
    (about,) = [one for one in engine_devices.ENGINES if one.package == engine]
    return next(iter(engine_devices.ask(about).gpus), None)


def _required(package: str) -> str:
    """Return the version of a package of an engine: JAX is an extra."""
    if found := _installed(package):
        return found
    raise UserError(f"engine: jax needs the package {package}, which is not installed; run `make JAX=1 setup`")


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return a line for each name whose value is not the same."""
    return [
        f"{name}: {before.get(name, 'nothing')} → {now.get(name, 'nothing')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


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
        package, separator, pinned = (part.strip() for part in line.partition("=="))
        if separator and (installed := _installed(package)) != pinned:
            raise UserError(
                f"{installed or 'no version'} of {package} is installed, and requirements-train.in names {pinned}; run "
                "`make setup`, or edit requirements-train.in, which retrains"
            )


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
