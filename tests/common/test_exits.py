"""People get one line and a status; a traceback is for faults of the program alone."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from batchwise.common.errors import UserError
from batchwise.common.exits import REMEDIES, exit_with
from batchwise.common.repository import ROOT

AGAIN = "and type the command again: what was done is kept"


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


def ended(capfd, main) -> tuple[object, str]:
    """Return the status with which `main` ends a process, and what is printed as an error."""
    with pytest.raises(SystemExit) as left:
        exit_with(main)
    return left.value.code, capfd.readouterr().err


def full(file: str | None) -> OSError:
    error = OSError(errno.ENOSPC, "No space left on device")
    error.filename = file
    return error


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (UserError("m is 0; 1 or more"), "m is 0; 1 or more"),
        (full("a.npz"), f"a.npz: No space left on device; free some space on the disk, {AGAIN}"),
        (full(None), f"No space left on device; free some space on the disk, {AGAIN}"),
        (OSError("nobody answers"), f"nobody answers; see to that, {AGAIN}"),
        (MemoryError("8 GB"), f"there is not enough memory (8 GB); free some, {AGAIN}"),
        (
            ImportError("no module named keras"),
            "no module named keras; `make setup` installs what is needed, which also needs memory when it is imported",
        ),
        (
            SyntaxError("invalid syntax", (f"{ROOT}/batchwise/a.py", 3, 1, "a b", 3, 2)),
            "batchwise/a.py, line 3: invalid syntax; mend it, or type `git restore batchwise/a.py`",
        ),
        (BrokenPipeError("a worker has died"), f"a worker has died; see to that, {AGAIN}"),
    ],
)
def test_what_a_person_can_mend_is_a_line(capfd, monkeypatch, error, printed) -> None:
    monkeypatch.chdir(ROOT)
    assert ended(capfd, raising(error)) == (1, f"error: {printed}\n")


@pytest.mark.parametrize("number", sorted(REMEDIES))
def test_what_the_system_refuses_names_the_file_and_what_to_do(capfd, number) -> None:
    status, printed = ended(capfd, raising(OSError(number, os.strerror(number), "data/a.npz")))
    assert (status, printed) == (1, f"error: data/a.npz: {os.strerror(number)}; {REMEDIES[number]}, {AGAIN}\n")


def test_an_interruption_is_a_line(capfd) -> None:
    assert ended(capfd, raising(KeyboardInterrupt())) == (130, "interrupted\n")


@pytest.mark.parametrize("status", [None, 0, 1])
def test_the_status_of_a_command_is_that_of_the_process(capfd, status) -> None:
    assert ended(capfd, lambda: status) == (status, "")


def test_a_fault_of_the_program_is_said_first_and_has_its_traceback(capfd) -> None:
    status, printed = ended(capfd, lambda: 1 // 0)
    first, *others = printed.splitlines()
    assert (status, others[0]) == (1, "Traceback (most recent call last):")
    assert first == (
        "error: this is a fault of batchwise, please report it: ZeroDivisionError: integer division or modulo by zero"
    )


# In a process of its own


def run(*words: str, status: int) -> str:
    """Return what a process prints as an error."""
    process = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == status, process.stderr
    return process.stderr


def test_an_error_while_something_is_imported_is_a_line_too(tmp_path) -> None:
    (tmp_path / "damaged.py").write_text("a = 1\nb = \n")
    start = f"import sys; sys.path.append({str(tmp_path)!r}); import stages; "
    printed = run("-c", f"{start} import damaged", status=1)
    file = os.path.relpath(tmp_path / "damaged.py", ROOT)
    assert printed == f"error: {file}, line 2: invalid syntax; mend it, or type `git restore {file}`\n"
    printed = run("-c", f"{start} import nothing_of_this_name", status=1)
    assert printed.startswith("error: No module named 'nothing_of_this_name'; `make setup` ")
    assert printed.count("\n") == 1


def test_a_file_that_is_damaged_in_its_letters_is_named(tmp_path) -> None:
    (tmp_path / "damaged.py").write_bytes(b'"""A module."""\na = "\xff"\n')
    printed = run("-c", f"import sys; sys.path.append({str(tmp_path)!r}); import stages; import damaged", status=1)
    assert printed.startswith("error: ") and "damaged.py" in printed and printed.count("\n") == 1


@pytest.mark.parametrize("imported", ["stages", "batchwise.commands"])
def test_an_interruption_while_something_is_imported_is_a_line(imported) -> None:
    script = f"import os, signal, {imported}; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(60)"
    assert run("-c", script, status=-signal.SIGINT) == "interrupted\n"


@pytest.mark.parametrize("module", ["batchwise", "stages.train"])
def test_how_a_process_ends_is_known_before_what_takes_long_is_imported(module) -> None:
    """Ctrl-C meanwhile is a line: exits.py comes before all that is not of Python itself."""
    printed = run("-X", "importtime", "-m", module, "a name", status=2 if module == "batchwise" else 1)
    names = [line.rpartition("|")[2].strip() for line in printed.splitlines() if line.startswith("import time:")]
    before = names[: names.index("batchwise.common.exits")]
    assert "batchwise.config.params" in names
    assert not {"numpy", "pandas", "pydantic", "ruamel.yaml", "batchwise.config.params"} & {*before}


@pytest.mark.parametrize("lines", [1, 100_000], ids=["written at the end", "written before"])
def test_where_nobody_reads_on_a_command_ends_without_a_word(lines) -> None:
    script = f"""
from batchwise.common.exits import exit_with
exit_with(lambda: print(*range({lines}), sep="\\n"))
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_command_whose_output_is_closed_runs_all_the_same() -> None:
    script = "from batchwise.common.exits import exit_with; exit_with(lambda: print('all is well'))"
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, script]
    process = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE)
    assert (process.returncode, process.stderr) == (0, b"")


CLOSED = """
import os, subprocess, sys
from batchwise.common.exits import exit_with

def main():
    kept = os.environ["KEPT"]
    with open(kept, "w") as file:
        for descriptor in range(3):
            os.fstat(descriptor)
        assert file.fileno() > 2 and not sys.stderr.isatty()
        os.write(2, b"a greeting of a library")
        subprocess.run([sys.executable, "-c", "import os; os.write(1, b'of a child'); os.write(2, b'of a child')"])
        file.write("data")
    assert open(kept).read() == "data"
    raise SystemExit(7)

exit_with(main)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_was_closed_is_no_file_that_is_opened_later(tmp_path, closed) -> None:
    """Else what libraries write to standard error would stand in the next file, a run say."""
    environment = {**os.environ, "KEPT": str(tmp_path / "kept")}
    command = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, CLOSED]
    assert subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode == 7


def test_an_error_is_not_printed_among_the_results_where_errors_are_closed() -> None:
    script = "from batchwise.common.exits import exit_with; exit_with(lambda: open('/nothing'))"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, script]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert (process.returncode, process.stdout) == (1, b"")
