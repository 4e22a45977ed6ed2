"""Which GPUs each engine sees: asked in a process of its own, so that a library that is broken ends no other."""

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from batchwise.common.messages import cut

SECONDS_TO_ANSWER = 300  # the first start of CUDA on a machine that is busy
MARK = "batchwise sees "  # before the answer: libraries print, too
# Each prints the names of its GPUs.
TENSORFLOW = f"""
import json
import tensorflow as tf
gpus = tf.config.list_physical_devices("GPU")
names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
print({MARK!r} + json.dumps(names))
"""
JAX = f"""
import json
import jax
print({MARK!r} + json.dumps([device.device_kind for device in jax.devices() if device.platform == "gpu"]))
"""
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "0", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # all that it says, in no room
# How TensorFlow and JAX say why they see no GPU, among much else.
REASON = re.compile(
    "dlopen|cuinit|cuda_error|cuda drivers|driver version|cuda-enabled|unable to (load|initialize)", re.I
)


@dataclass(frozen=True)
class Engine:
    """What can train; `cuda` are the packages with which it uses a GPU."""

    name: str
    package: str
    program: str
    cuda: tuple[str, ...]
    make: str  # what installs it with `cuda`


ENGINES = (
    Engine("TensorFlow", "tensorflow", TENSORFLOW, ("nvidia-cuda-runtime-cu12",), "GPU=1"),
    Engine("JAX", "jax", JAX, ("jax-cuda12-plugin", "jax-cuda13-plugin"), "JAX=1 GPU=1"),
)


@dataclass(frozen=True)
class Seen:
    """What an engine sees: the names of GPUs, or why it could not be asked; `said` is why it may see none."""

    gpus: list[str] = field(default_factory=list)
    fault: str = ""
    said: str = ""


def version(package: str) -> str | None:
    """Return the version of a package that is installed, else None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def cuda_version(engine: Engine) -> int | None:
    """Return the major version of CUDA that is installed for an engine, None for none."""
    installed = [package for package in engine.cuda if version(package)]
    return int(re.sub(r"\D", "", installed[0])[:2]) if installed else None


def ask(engine: Engine) -> Seen:
    """Return what an engine that is installed sees."""
    command = [sys.executable, "-c", engine.program]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS_TO_ANSWER,
            env={**os.environ, **ENVIRONMENT},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Seen(fault=cut(f"{type(error).__name__} after at most {SECONDS_TO_ANSWER} s", 200))
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    answers = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode == 0 and answers:
        reasons = [cut(line, 200) for line in said if REASON.search(line)]
        return Seen(json.loads(answers[-1]), said="".join(reasons[-1:]))
    if done.returncode < 0:
        return Seen(fault=f"its process was ended by {signal.Signals(-done.returncode).name}")
    return Seen(fault=cut(said[-1] if said else f"status {done.returncode}, without a word", 200))
