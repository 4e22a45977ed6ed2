"""python -m batchwise machine, with programs in place of nvidia-smi and of engines: no GPU is needed."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from batchwise.__main__ import _parser
from batchwise.commands import machine
from batchwise.runtime import engine_devices, nvidia
from batchwise.runtime.engine_devices import JAX, MARK, TENSORFLOW, Engine

KERNEL = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version: 12"
OPEN_KERNEL = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build"
H100 = "580.95.05, NVIDIA H100 80GB HBM3, 81559, 9.0"
SEES_H100 = f"print({MARK!r} + '[\"NVIDIA H100 80GB HBM3\"]')"
SEES_NONE = f"print({MARK!r} + '[]')"


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A machine without a driver, whose files can be written."""
    for name in ("bin", "dev", "pci"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(nvidia, "KERNEL_MODULE", tmp_path / "version")
    monkeypatch.setattr(nvidia, "WINDOWS_SUBSYSTEM", tmp_path / "dxg")
    monkeypatch.setattr(nvidia, "DEVICES", tmp_path / "dev")
    monkeypatch.setattr(nvidia, "PCI_DEVICES", tmp_path / "pci")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv(machine.HIDES, raising=False)
    return tmp_path


@pytest.fixture
def with_gpu(files) -> Path:
    """A machine with a driver, a card and its files."""
    (files / "version").write_text(OPEN_KERNEL)
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm"):
        (files / "dev" / name).touch()
    nvidia_smi(files, H100)
    return files


def nvidia_smi(files: Path, printed: str, status: int = 0) -> None:
    """Put a program in the place of nvidia-smi, which is asked for what it prints."""
    program = files / "bin/nvidia-smi"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nassert sys.argv[1:] == {[nvidia.QUERY, '--format=csv,noheader,nounits']}\n"
        f"print({printed!r})\nsys.exit({status})\n"
    )
    program.chmod(0o755)


def engine(program: str, package: str = "numpy", cuda: tuple[str, ...] = ()) -> Engine:
    return Engine("TensorFlow", package, program, cuda, "JAX=1 GPU=1")


@pytest.fixture
def told(monkeypatch, capsys) -> Callable[[Engine], list[str]]:
    """Return the lines of the command, of a machine with one engine."""

    def run(asked: Engine) -> list[str]:
        monkeypatch.setattr(machine, "ENGINES", [asked])
        assert machine.run(argparse.Namespace()) == 0
        return capsys.readouterr().out.splitlines()

    return run


def test_a_machine_without_a_gpu_gets_its_cores_its_memory_and_a_word(files, told) -> None:
    processor, *others = told(engine(SEES_NONE))
    assert processor.startswith("processor: ") and " core" in processor and " GB of memory, " in processor
    assert others == [
        "NVIDIA driver: none",
        f"TensorFlow {engine_devices.version('numpy')}: trains on the processor",
        "there is no GPU of NVIDIA here: studies train on the processor",
    ]


def test_a_card_without_a_driver_is_told(files, told) -> None:
    for number, (vendor, kind) in enumerate([("0x10de", "0x030200"), ("0x8086", "0x030000"), ("0x10de", "0x0c0330")]):
        device = files / "pci" / str(number)
        device.mkdir()
        (device / "vendor").write_text(vendor + "\n")
        (device / "class").write_text(kind + "\n")
    assert told(engine(SEES_NONE))[-1].startswith("missing: a card of NVIDIA is in this machine, and its driver is not")
    (files / "pci/0/vendor").write_text("0x1002\n")
    assert nvidia.find() == nvidia.Driver()


def test_what_is_there_is_said(with_gpu, told) -> None:
    _, *others = told(engine(SEES_H100))
    assert others == [
        "NVIDIA driver: 580.95.05",
        "GPU 0: NVIDIA H100 80GB HBM3, 85.5 GB, compute capability 9.0",
        f"TensorFlow {engine_devices.version('numpy')}: trains on NVIDIA H100 80GB HBM3",
    ]


def test_a_card_without_memory_of_its_own_and_several_cards(with_gpu) -> None:
    nvidia_smi(with_gpu, f"{H100}\n580.95.05, NVIDIA GB10, [N/A], 12.1")
    first, second = nvidia.find().cards
    assert first.memory_bytes == 81559 * 2**20 and second.memory_bytes is None
    assert "shares with the processor" in machine._card(second)


def test_without_nvidia_smi_the_driver_tells_its_version(with_gpu) -> None:
    (with_gpu / "bin/nvidia-smi").unlink()
    for text, version in ((KERNEL, "550.54.14"), (OPEN_KERNEL, "580.95.05"), ("junk", "unknown")):
        (with_gpu / "version").write_text(text)
        found = nvidia.find()
        assert found.version == version and not found.cards
        assert [sentence[:32] for sentence in found.missing] == ["nvidia-smi is not on the PATH, w"]


@pytest.mark.parametrize(
    ("printed", "status", "remedy"),
    [
        (
            "Failed to initialize NVML: Driver/library version mismatch",
            18,
            "was updated while it ran: start the machine",
        ),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
            9,
            "start the machine again, or",
        ),
        ("No devices were found", 6, "start the machine again, or install"),
        ("", 0, "finds no GPU (nothing); "),
    ],
)
def test_what_nvidia_smi_cannot_do_is_told_in_its_words(with_gpu, printed, status, remedy) -> None:
    nvidia_smi(with_gpu, printed, status)
    (sentence,) = nvidia.find().missing
    assert printed in sentence and remedy in sentence and sentence.isprintable()


def test_an_nvidia_smi_that_does_not_answer_is_told(with_gpu, monkeypatch) -> None:
    monkeypatch.setattr(nvidia, "SECONDS_TO_ANSWER", 0.1)
    (with_gpu / "bin/nvidia-smi").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    (sentence,) = nvidia.find().missing
    assert sentence.startswith("nvidia-smi finds no GPU (TimeoutExpired")


def test_a_container_without_the_gpu_and_files_that_may_not_be_opened(with_gpu, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "nvidia0")  # root may open anything
    (sentence,) = nvidia.find().missing
    assert sentence.startswith(f"you may not open {with_gpu}/dev/nvidia0; ")
    for path in (with_gpu / "dev").iterdir():
        path.unlink()
    (sentence,) = nvidia.find().missing
    assert "a container must be given the GPU (`docker run --gpus all`)" in sentence
    (with_gpu / "dxg").touch()
    assert nvidia.find().missing == []


@pytest.mark.parametrize(
    ("driver", "cuda", "is_old"),
    [
        ("470.256.02", 12, True),
        ("525.60.13", 12, False),
        ("525.60", 12, True),
        ("580.95.05", 12, False),
        ("575.64.03", 13, True),
        ("580.65.06", 13, False),
        ("unknown", 12, False),
        ("470.256.02", 99, False),
    ],
)
def test_a_driver_that_is_too_old(driver, cuda, is_old) -> None:
    assert nvidia.is_too_old(driver, cuda) is is_old


def test_an_engine_without_cuda_or_with_an_old_driver_or_that_says_why(with_gpu, told, monkeypatch) -> None:
    assert told(engine(SEES_NONE))[-1] == "missing: TensorFlow has no CUDA; `make setup JAX=1 GPU=1` installs it"
    monkeypatch.setattr(engine_devices, "version", lambda package: "12.9.79")
    with_cuda = engine(SEES_NONE, cuda=("nvidia-cuda-runtime-cu12",))
    assert told(with_cuda)[-1] == "missing: TensorFlow does not see the GPU (it does not say why)"
    why = replace(
        with_cuda, program=f"import sys\nprint('Cannot dlopen some GPU libraries', file=sys.stderr)\n{SEES_NONE}"
    )
    assert told(why)[-1] == "missing: TensorFlow does not see the GPU (Cannot dlopen some GPU libraries)"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert told(why)[-1] == "missing: CUDA_VISIBLE_DEVICES is '-1', which hides the GPU from TensorFlow; unset it"
    nvidia_smi(with_gpu, H100.replace("580.95.05", "470.256.02"))
    assert told(why)[-1] == (
        "missing: the driver 470.256.02 is too old for CUDA 12 of TensorFlow; install 525.60.13 or later, and start "
        "the machine again"
    )


def test_an_engine_that_is_not_installed_or_broken_ends_no_command(with_gpu, told, monkeypatch) -> None:
    assert told(engine("", "not-there"))[-1] == "TensorFlow: not installed; `make setup JAX=1 GPU=1` installs it"
    for program, fault in (
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process was ended by SIGSEGV"),
        (
            "raise ImportError('libcudart.so.12: cannot open shared object file')",
            "ImportError: libcudart.so.12: cannot",
        ),
        ("import sys; sys.exit(3)", "status 3, without a word"),
        ("print('nothing of it')", "status 0, without a word"),
    ):
        line, missing = told(engine(program))[-2:]
        assert f": cannot be used ({fault}" in line and missing.endswith("remove .venv and type `make setup` again")
    monkeypatch.setattr(engine_devices, "SECONDS_TO_ANSWER", 0.1)
    assert "TimeoutExpired" in told(engine("import time; time.sleep(60)"))[-2]


def test_the_engines_here_are_asked(files) -> None:
    """What each program prints is understood: of the real libraries, on a machine that has any devices or none."""
    for one, program in zip(engine_devices.ENGINES, (TENSORFLOW, JAX), strict=True):
        assert one.program == program
        seen = engine_devices.ask(one)
        assert not seen.fault and isinstance(seen.gpus, list)


def test_the_command_is_there() -> None:
    assert _parser().parse_args(["machine"]).command == "machine"
