"""What NVIDIA's driver says of this machine: its version, the cards, and what is missing for programs to use them."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from batchwise.common.messages import cut

KERNEL_MODULE = Path("/proc/driver/nvidia/version")
WINDOWS_SUBSYSTEM = Path("/dev/dxg")  # where Windows has the driver
DEVICES = Path("/dev")
PCI_DEVICES = Path("/sys/bus/pci/devices")
VENDOR, DISPLAY = "0x10de", "0x03"  # of NVIDIA, and how the classes of cards begin
QUERY = "--query-gpu=driver_version,name,memory.total,compute_cap"
SECONDS_TO_ANSWER = 60  # the driver may have to start
# The first driver of each major version of CUDA, which runs the programs of all its minor versions (NVIDIA, "CUDA
# Compatibility", on minor versions).
FIRST_DRIVER = {12: "525.60.13", 13: "580.65.06"}


@dataclass(frozen=True)
class Card:
    """A GPU; what nvidia-smi does not know is None."""

    name: str
    memory_bytes: int | None
    compute_capability: str


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver; `version` is None where there is none. `missing` are sentences with what to do."""

    version: str | None = None
    cards: list[Card] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def find() -> Driver:
    """Return what there is."""
    if not KERNEL_MODULE.exists() and not WINDOWS_SUBSYSTEM.exists():
        return Driver(missing=[_without_driver()] if _has_card() else [])
    version = _version_of_kernel_module()
    if not shutil.which("nvidia-smi"):
        return Driver(version or "unknown", [], [*_unopened(), _without_smi()])
    printed, fault = _ask("nvidia-smi", QUERY, "--format=csv,noheader,nounits")
    rows = [[cell.strip() for cell in line.split(",")] for line in printed.splitlines()]
    cards = [Card(row[1], _bytes(row[2]), row[3]) for row in rows if len(row) == 4]
    if cards:
        return Driver(rows[0][0], cards, _unopened())
    said = cut(fault or printed.strip() or "nothing", 200)
    return Driver(version or "unknown", [], [*_unopened(), f"nvidia-smi finds no GPU ({said}); {_remedy(said)}"])


def is_too_old(driver: str, cuda: int) -> bool:
    """Return whether a driver cannot run programs of a major version of CUDA."""
    first = FIRST_DRIVER.get(cuda)
    return bool(first and re.match(r"\d+\.", driver)) and _numbers(driver) < _numbers(first or "")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _version_of_kernel_module() -> str | None:
    try:
        found = re.search(r"Module.*?(\d+\.\d+(\.\d+)?)", KERNEL_MODULE.read_text(errors="replace"))
    except OSError:
        return None
    return found[1] if found else None


def _ask(*command: str) -> tuple[str, str]:
    """Return what a program printed, and what was wrong with it if it did not end well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS_TO_ANSWER)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"{type(error).__name__}: {error}"
    fault = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}") if done.returncode else ""
    return ("" if fault else done.stdout), " ".join(fault.split())


def _bytes(mebibytes: str) -> int | None:
    """Return the bytes of a card's memory; one that shares the machine's has none of its own."""
    return 2**20 * int(mebibytes) if mebibytes.isdecimal() else None


def _has_card() -> bool:
    return any(
        _text(device / "vendor") == VENDOR and _text(device / "class").startswith(DISPLAY)
        for device in PCI_DEVICES.glob("*")
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _unopened() -> list[str]:
    """Return a sentence if a GPU's files are not there, or may not be opened."""
    if WINDOWS_SUBSYSTEM.exists():
        return []
    files = sorted(path for path in DEVICES.glob("nvidia*") if re.fullmatch(r"nvidia(\d+|ctl|-uvm)", path.name))
    if not files:
        return [
            f"the driver is loaded, and there is no {DEVICES}/nvidia0; a container must be given the GPU (`docker run "
            "--gpus all`), and elsewhere `sudo nvidia-modprobe -u -c 0` makes the file"
        ]
    closed = [str(path) for path in files if not os.access(path, os.R_OK | os.W_OK)]
    groups = sorted({path.group() for path in files if str(path) in closed and path.stat().st_gid}) if closed else []
    remedy = f"`sudo usermod -aG {groups[0]} $USER` and a new login let you" if groups else "ask who runs this machine"
    return [f"you may not open {', '.join(closed)}; {remedy}"] if closed else []


def _without_driver() -> str:
    return (
        "a card of NVIDIA is in this machine, and its driver is not loaded; install it (Ubuntu: `sudo ubuntu-drivers "
        "install`; Debian: the package nvidia-driver) and start the machine again"
    )


def _without_smi() -> str:
    return (
        "nvidia-smi is not on the PATH, which says how much memory a GPU has; install the driver's tools (Ubuntu: "
        "nvidia-utils; Debian: nvidia-smi), in a container give it the capability utility"
    )


def _remedy(said: str) -> str:
    if "mismatch" in said:
        return "the driver was updated while it ran: start the machine again"
    return "start the machine again, or install its driver again"
