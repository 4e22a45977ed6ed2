"""The process that is copied has imported what each copy would import otherwise, and leaves Ctrl-C to this one."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from batchwise.common.repository import ROOT
from batchwise.execution import study_runs
from batchwise.measuring.profiling import rounds
from batchwise.runtime import forkserver
from batchwise.runtime.forkserver import holding_interrupts
from tests.project import HANG


@pytest.mark.parametrize(
    ("stage", "preloaded"), [("train", study_runs.PRELOADED), ("profile", rounds.PRELOADED)], ids=["train", "profile"]
)
def test_a_copy_imports_no_library_anew(stage: str, preloaded: tuple[str, ...]) -> None:
    """It runs the module with which the program was started once more (multiprocessing)."""
    script = f"""
import importlib, sys
for name in {("batchwise.runtime.tensorflow", *preloaded)}:
    importlib.import_module(name)
before = {{*sys.modules}}
importlib.import_module("stages.{stage}")
print(*{{name.partition(".")[0] for name in {{*sys.modules}} - before}} - {{"batchwise", "stages"}})
"""
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == ""


@pytest.mark.skipif(forkserver.start_method() != "forkserver", reason="no process is a copy of another here")
def test_a_copy_has_tensorflow_whatever_the_working_directory(tmp_path) -> None:
    """Each would import it anew, in seconds and 400 MB of its own."""
    script = f"""
import multiprocessing, sys
sys.path[:] = [{str(ROOT)!r}, *filter(None, sys.path)]
from batchwise.runtime import forkserver
forkserver.start("stages")
here = "import sys; sys.exit('batchwise.runtime.tensorflow' not in sys.modules or 'stages' not in sys.modules)"
copy = multiprocessing.get_context("forkserver").Process(target=exec, args=(here,))
copy.start()
copy.join()
sys.exit(copy.exitcode)
"""
    without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=without, timeout=HANG).returncode == 0


@pytest.fixture(params=[0, 2], ids=["alone", "with other threads"])
def threads(request) -> Iterator[None]:
    """Threads that were there before, and may take a signal of this process, as those of NumPy do."""
    end = threading.Event()
    started = [threading.Thread(target=end.wait) for _ in range(request.param)]
    for thread in started:
        thread.start()
    yield
    end.set()
    for thread in started:
        thread.join()


@pytest.mark.usefixtures("threads")
def test_ctrl_c_while_processes_start_is_obeyed_at_the_end() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt):
        with holding_interrupts():
            for _ in range(3):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.001)
            reached.append("the end")
        reached.append("what follows")
    assert reached == ["the end"]
    with holding_interrupts():  # it was delivered once
        pass


@pytest.mark.usefixtures("threads")
def test_ctrl_c_is_held_until_the_outermost_end() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), holding_interrupts():
        with holding_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
        reached.append("between the ends")
    assert reached == ["between the ends"]


def test_what_is_started_meanwhile_does_not_see_ctrl_c() -> None:
    script = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"

    def blocked_in_a_new_process() -> str:
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    with holding_interrupts():
        assert blocked_in_a_new_process() == "True\n"
    assert blocked_in_a_new_process() == "False\n"


def test_an_error_while_processes_start_leaves_the_signal_as_it_was() -> None:
    with pytest.raises(OSError), holding_interrupts():
        raise OSError
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
