"""python -m batchwise machine: what can train here, and what is missing for a GPU to do so."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator

from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

from batchwise.common.messages import shown
from batchwise.runtime import engine_devices, hardware, nvidia
from batchwise.runtime.engine_devices import ENGINES, Engine
from batchwise.runtime.nvidia import Card, Driver

HIDES = "CUDA_VISIBLE_DEVICES"  # names the GPUs that programs may see


def run(arguments: argparse.Namespace) -> int:
    """Print the processor, the driver, the cards, what each engine sees of them, and what is missing."""
    total, free = MEMORY_LIMIT / 1e9, hardware.available_memory() / 1e9
    cores = f"{CPU_COUNT} core{'s' if CPU_COUNT > 1 else ''}"
    print(f"processor: {_processor()}, {cores}, {total:.1f} GB of memory, {free:.1f} GB of it free")
    found = nvidia.find()
    print(f"NVIDIA driver: {found.version or 'none'}")
    for number, card in enumerate(found.cards):
        print(f"GPU {number}: {_card(card)}")
    missing = list(found.missing)
    for engine in ENGINES:
        missing += _of_engine(engine, found)
    for sentence in missing:
        print(f"missing: {sentence}")
    if not found.cards and not missing:
        print("there is no GPU of NVIDIA here: studies train on the processor")
    return 0


def _card(card: Card) -> str:
    memory = (
        "memory that it shares with the processor" if card.memory_bytes is None else f"{card.memory_bytes / 1e9:.1f} GB"
    )
    return f"{card.name}, {memory}, compute capability {card.compute_capability}"


def _of_engine(engine: Engine, found: Driver) -> list[str]:
    """Print what an engine sees, and return what it lacks."""
    version = engine_devices.version(engine.package)
    if version is None:
        make = engine.make if found.cards else engine.make.replace("GPU=1", "")
        print(f"{engine.name}: not installed; `{f'make setup {make}'.strip()}` installs it")
        return []
    seen, cuda = engine_devices.ask(engine), engine_devices.cuda_version(engine)
    what = f"{engine.name} {version}"
    if seen.fault:
        print(f"{what}: cannot be used ({seen.fault})")
        return [f"{engine.name} does not start; remove .venv and type `make setup` again"]
    if seen.gpus:
        print(f"{what}: trains on {', '.join(seen.gpus)}")
        return []
    print(f"{what}: trains on the processor")
    return list(_why_not(engine, found, cuda, seen.said)) if found.version else []


def _why_not(engine: Engine, found: Driver, cuda: int | None, said: str) -> Iterator[str]:
    """Yield why an engine sees no GPU of a machine that has NVIDIA's driver."""
    if cuda is None:
        yield f"{engine.name} has no CUDA; `make setup {engine.make}` installs it"
    elif nvidia.is_too_old(found.version or "", cuda):
        yield (
            f"the driver {found.version} is too old for CUDA {cuda} of {engine.name}; install "
            f"{nvidia.FIRST_DRIVER[cuda]} or later, and start the machine again"
        )
    elif HIDES in os.environ:
        yield f"{HIDES} is {shown(os.environ[HIDES])}, which hides the GPU from {engine.name}; unset it"
    elif not found.missing:
        yield f"{engine.name} does not see the GPU ({said or 'it does not say why'})"


def _processor() -> str:
    """Return the processor's name for people."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or f"{sys.platform} {platform.machine()}"
