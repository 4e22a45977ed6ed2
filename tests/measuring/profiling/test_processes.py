"""Measured processes, real ones: how they end, and which of their ends are results."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config.study import Study
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import endings, threads
from batchwise.measuring.profiling import process as process_module
from batchwise.measuring.profiling import rounds as rounds_module
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.process import LOOK_SECONDS, LOOKS, Process
from batchwise.measuring.profiling.profiler import Profiler
from batchwise.measuring.profiling.rounds import PROCESSES, ROUNDS, Point, Rounds
from batchwise.measuring.profiling.steps import Steps
from batchwise.runtime import forkserver
from tests.project import of_engine


def study(**changes) -> Study:
    given = {
        "data_set": "digits",
        "model": {"name": "mlp", "hidden_units": [256]},
        "optimizer": {"name": "sgd"},
        "budget": {"epochs": 1},
        "learning_rate_scaling": "none",
        "grid": {"batch_sizes": [4], "base_learning_rates": [0.1], "seeds": 1},
        **of_engine(lanes=2),
    }
    return Study.model_validate({**given, **changes})


@pytest.mark.tensorflow
def test_errors_that_mean_that_memory_ended() -> None:
    code = """if True:
        from batchwise.measuring.profiling.probe import ending
        from batchwise.runtime.tensorflow import tf
        from batchwise.common.errors import UserError
        status = "Operation received an exception:Status: {}, message: could not create a primitive"
        onednn, other = "Graph execution error:\\n" + status.format(1), status.format(3)
        print(*ending(tf.errors.AbortedError(None, None, onednn)), sep=": ")
        print(*ending(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")), sep=": ")
        print(*ending(MemoryError()), sep=": ")
        called = "Exception encountered when calling Embedding.call().\\n"
        print(*ending(SystemError(called + "error return without exception set")), sep=": ")
        print(*ending(SystemError("bad call")), sep=": ")
        print(*ending(tf.errors.AbortedError(None, None, other)), sep=": ")
        print(*ending(UserError("no such model")), sep=": ")
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "out_of_memory: Operation received an exception:Status: 1, message: could not create a primitive",
        "out_of_memory: OOM when allocating",
        "out_of_memory: MemoryError",
        "out_of_memory: error return without exception set",
        "failed: SystemError: bad call",
        "failed: AbortedError: Operation received an exception:Status: 3, message: could not create a primitive",
        "failed: no such model",
    ]


@pytest.mark.jax
def test_errors_of_jax_that_mean_that_memory_ended() -> None:
    from batchwise.measuring.profiling.probe import ending
    from batchwise.runtime.jax import jax

    words = "Out of memory allocating 16000000000 bytes."
    error = jax.errors.JaxRuntimeError
    assert ending(error(f"RESOURCE_EXHAUSTED: {words}\nand more")) == ("out_of_memory", f"RESOURCE_EXHAUSTED: {words}")
    assert ending(MemoryError()) == ("out_of_memory", "MemoryError")
    assert ending(error("INTERNAL: no")) == ("failed", "JaxRuntimeError: INTERNAL: no")
    assert ending(UserError("no such model")) == ("failed", "no such model")


def data_set(rows: int) -> DataSet:
    random = np.random.default_rng(0)
    parts = [
        Split(random.normal(size=(size, 4)).astype("float32"), np.arange(size, dtype="int32") % 2)
        for size in (rows, 10, 10)
    ]
    return DataSet(Description("random", "binary_classification", "none", "none"), ("no", "yes"), *parts)


def rounds_of(rows: int, **changes) -> Rounds:
    return Rounds(data_set(rows), study(**changes).recipe, cores=2)


@pytest.fixture
def rounds() -> Rounds:
    return rounds_of(100)


@pytest.fixture
def process(rounds) -> Iterator[Process]:
    started = rounds.start("float32", rounds.available)
    started.built()
    yield started
    started.close()


def test_without_memory_a_batch_size_is_a_result_and_the_others_are_measured(monkeypatch) -> None:
    monkeypatch.setattr(rounds_module, "ROUNDS", 5)
    large = rounds_of(400_000, model={"name": "mlp", "hidden_units": [512]})
    alone = large.start("float32", large.available)
    alone.built()
    taken = alone.ask("compile", 4, True)["memory_peak_bytes"]
    alone.close()
    large.available = taken + 400 * 10**6  # bytes; the hidden units alone take 800 million in an update of all rows
    large.measure([Point(m, "float32", "grid") for m in (4, 400_000)])
    small, all_rows = large.measured.values()
    assert small["status"] == "ok", small["message"]
    assert small["compile_seconds"] > 0
    assert all_rows["message"] and all_rows["status"] == "out_of_memory", all_rows["message"]
    assert {point.batch_size for point, *_ in large.repetitions} == {4}


@pytest.mark.parametrize("kills", [0, 1])
def test_a_process_that_is_killed_is_out_of_memory_if_it_was_the_system(kills, process, monkeypatch) -> None:
    monkeypatch.setattr(endings, "kills_for_memory", lambda: process.kills + kills)
    os.kill(process.process.pid, signal.SIGKILL)
    with pytest.raises(Ended, match="exit code -9") as ended:
        process.ask("compile", 4, True)
    assert ended.value.status == ("out_of_memory" if kills else "died")


def test_a_process_that_ends_by_itself_may_have_had_no_memory() -> None:
    for itself, status in {"os.abort()": "aborted", "os._exit(127)": "aborted", "os._exit(1)": "died"}.items():
        exit_code = subprocess.run([sys.executable, "-c", "import os; " + itself]).returncode
        assert endings.of_death(exit_code, endings.kills_for_memory()).status == status


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the threads of a process do")
@pytest.mark.parametrize("built", [True, False], ids=["at work", "at its start"])
def test_a_process_that_is_stopped_by_a_signal_has_died(built, rounds, monkeypatch) -> None:
    monkeypatch.setattr(process_module, "LOOKS_AT_A_DEAD_LOCK", 2 * LOOKS)
    started = rounds.start("float32", rounds.available)
    if built:
        started.built()
    os.kill(started.process.pid, signal.SIGSTOP)
    with pytest.raises(Ended, match="exit code -9") as ended:
        started.ask("compile", 4, True) if built else started.built()
    started.close()
    assert ended.value.status == "died"


@pytest.mark.skipif(forkserver.start_method() != "forkserver", reason="no process is a copy of another here")
def test_a_forkserver_that_dies_is_replaced(rounds, process) -> None:
    server = psutil.Process(process.process.pid).parent()
    server.kill()
    while server.status() != psutil.STATUS_ZOMBIE:  # multiprocessing will see that it has ended
        time.sleep(LOOK_SECONDS)
    assert process.ask("compile", 4, True)["memory_peak_bytes"] > 0  # of those that there are none is lost
    other = rounds.start("float32", rounds.available)
    other.built()
    assert psutil.Process(other.process.pid).parent() != server
    other.close()


def test_a_process_that_cannot_be_started_has_died(rounds, monkeypatch) -> None:
    def no_room(_: object) -> None:
        raise BlockingIOError("no room for another process")

    monkeypatch.setattr(type(rounds.context.Process()), "start", no_room)
    never = rounds.start("float32", rounds.available)
    with pytest.raises(Ended, match="exit code None") as ended:
        never.built()
    never.close()
    assert ended.value.status == "died"


def test_ctrl_c_while_a_process_starts_is_obeyed_when_it_has_started(rounds, monkeypatch) -> None:
    reached, kind = [], type(rounds.context.Process())
    start = kind.start

    def interrupted(process: BaseProcess) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        start(process)
        reached.append(process)

    monkeypatch.setattr(kind, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rounds.start("float32", rounds.available)
    [process] = reached
    assert process.is_alive()
    process.kill()


class Told(Steps):
    """Counts what is told of processes."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: Counter[str] = Counter()

    def end(self, status: str, number: int = 1) -> None:
        self.ended[status] += number


class Endings(Rounds):
    """Measures nothing: each point ends, at each try, as was said; `tried` are those of one measurement."""

    def __init__(self, ends: dict[Point, list[str]]) -> None:
        super().__init__(data_set(100), study().recipe, cores=2, steps=Told())
        self.ends, self.tried = ends, []

    def _measure(self, some: list[Point]) -> None:
        self.tried.append({*some})
        for point in some:
            status = self.ends[point].pop(0) if self.ends[point] else "ok"
            row = {"memory_peak_bytes": 10**6 * point.batch_size} if status == "ok" else {"message": "so it ended"}
            self.measured[point] |= {"status": status, **row}


ENDS = st.lists(st.sampled_from(["ok", "out_of_memory", "failed", "aborted", "died"]), max_size=3)


@given(st.dictionaries(st.integers(1, 9), ENDS, min_size=1), st.integers(0, 9))
def test_a_point_that_ends_in_doubt_is_measured_once_more_alone(ends, largest_kept) -> None:
    asked = {Point(m, "float32", "grid"): list(statuses) for m, statuses in ends.items()}
    rounds = Endings({point: list(statuses) for point, statuses in asked.items()})
    kept = {"batch_size": largest_kept, "dtype": "float32", "memory_peak_bytes": 10**6 * largest_kept}
    rounds.measure([*asked], [kept])
    first, *again = rounds.tried
    assert first == {*asked} and all(len(some) == 1 for some in again)
    assert rounds.steps.ended == Counter(rounds.measured[point]["status"] for point in [*asked] * PROCESSES)
    fits = max([largest_kept, *(point.batch_size for point in asked if rounds.is_ok(point))])
    for point, statuses in asked.items():
        row, ended = rounds.measured[point], [*statuses, "ok", "ok"]
        tries = 1 + again.count({point})
        assert row["status"] in ("ok", "out_of_memory", "failed")
        assert tries == (1 if ended[0] in ("ok", "failed") else 2)
        if row["status"] == "out_of_memory":
            assert point.batch_size >= fits
        assert (row["status"] == "ok") == (ended[tries - 1] == "ok")
        if row["status"] == "failed":
            assert endings.is_fault(row["message"]) == (ended[tries - 1] != "failed")


@pytest.mark.parametrize("in_process", [0, PROCESSES - 1])
def test_a_small_batch_size_that_ends_for_want_of_memory_is_measured_again(in_process, monkeypatch) -> None:
    """Really: a process of the smaller of two points dies in a round as if the system had ended it."""
    rounds, killed = rounds_of(100), []
    rounds.steps, repeat = Told(), Rounds._repeat

    def killing(self: Rounds, round_number: int, number: int, point: Point, process: Process) -> None:
        if point.batch_size == 4 and (round_number, number) == (3, in_process) and not killed:
            killed.append(point)
            os.kill(process.process.pid, signal.SIGKILL)
        repeat(self, round_number, number, point, process)

    monkeypatch.setattr(rounds_module, "ROUNDS", 5)
    monkeypatch.setattr(Rounds, "_repeat", killing)
    monkeypatch.setattr(endings, "kills_for_memory", lambda: len(killed))
    rounds.measure([Point(m, "float32", "grid") for m in (4, 8)])
    assert killed and [row["status"] for row in rounds.measured.values()] == ["ok"] * 2
    assert rounds.steps.ended == {"ok": 2 * PROCESSES}  # each is told of once
    for m in (4, 8):
        numbers = [rest[:2] for point, part, *rest in rounds.repetitions if (point.batch_size, part) == (m, "whole")]
        assert sorted(numbers) == [[number, process] for number in range(5) for process in range(PROCESSES)]


class MadeUp:
    """A process that answers at once, up to so many times."""

    def __init__(self, answers: float) -> None:
        self.answers = answers

    def built(self) -> None:
        """Be ready at once."""

    close = built

    def tell(self, *_: object) -> None:
        """Be told."""

    def answer(self) -> dict[str, float]:
        """Return seconds, or end."""
        self.answers -= 1
        if self.answers < 0:
            raise Ended("died", "no reason")
        return {"whole": 1.0}


ENOUGH = [1 + 2 * ROUNDS, 1 + ROUNDS, 1 + ROUNDS]  # each compiles, and the first is beside both others


@given(st.lists(st.sampled_from([0, 1, *[ROUNDS * times + more for times in (1, 2) for more in (0, 1)]]), min_size=6))
def test_half_of_what_is_measured_side_by_side_is_not_kept(answers) -> None:
    """Two of three processes at a time, and all again if one ends."""
    rounds, left = rounds_of(100), iter(answers)
    rounds.start = lambda *_: MadeUp(next(left))
    message = rounds.measure_side_by_side(Point(4, "float32", "grid"), 10**6)
    started = 2 if min(answers[:2]) < ROUNDS + 1 else 3  # of the first try
    tries = [
        all(had >= need for had, need in zip(some, ENOUGH, strict=True))
        for some in (answers[:3], answers[started : started + 3])
    ]
    processes = [process for *_, process, _ in rounds.repetitions]
    assert sorted(processes) == sorted([0, 0, 1, 2] * ROUNDS if any(tries) else [])
    assert endings.is_fault(message) is not any(tries)


@pytest.mark.parametrize(("room", "expected"), [(0, []), (1, [0, 1, 2]), (2, [0, 1, 2, 3]), (3, [0, 0, 1, 2])])
def test_side_by_side_are_as_many_as_have_room_and_three_in_all(room, expected, rounds) -> None:
    alive, most = [], []

    class Counted(MadeUp):
        def close(self) -> None:
            if self in alive:
                alive.remove(self)

    def start(*_: object) -> MadeUp:
        alive.append(Counted(1 + 2 * ROUNDS))
        most.append(len(alive))
        return alive[-1]

    rounds.start = start
    peak = int(rounds_module.MEMORY_SHARE * rounds.available / (room + 0.5))
    assert rounds.measure_side_by_side(Point(4, "float32", "grid"), peak) == ""
    assert sorted(process for *_, process, _ in rounds.repetitions) == sorted(expected * ROUNDS)
    assert max(most, default=0) <= room and not alive


@pytest.mark.parametrize("dies", [False, True])
def test_processes_that_have_measured_a_point_measure_it_side_by_side(dies, rounds, monkeypatch) -> None:
    """Those of the others have ended; where one of them died meanwhile all are new."""
    monkeypatch.setattr(rounds_module, "ROUNDS", 1)
    small, large = (Point(m, "float32", "grid") for m in (4, 8))
    rounds.measure([small, large], beside=small)
    assert sorted(rounds.resting) == [*range(PROCESSES)]
    started = len(rounds.started)
    assert started == 2 * PROCESSES
    if dies:
        os.kill(rounds.resting[1].process.pid, signal.SIGKILL)
    assert rounds.measure_side_by_side(small, 10**6) == ""
    assert len(rounds.started) == started + PROCESSES * dies
    assert not any(process.process.is_alive() for process in rounds.started)
    assert sorted(row[3] for row in rounds.repetitions if row[1] == "side_by_side") == [0, 0, 1, 2]


def test_no_process_of_a_point_outlives_its_other_that_ended(rounds, monkeypatch) -> None:
    """Really: the second process dies before it compiles, beside the third, and the point is measured again, alone."""
    alive, compile_all, measure = [], Rounds._compile, Rounds._measure

    def killing(self: Rounds, some: rounds_module.Group, *, ragged: bool) -> None:
        if not ragged and len(alive) == 1:
            os.kill(some[large, 1].process.pid, signal.SIGKILL)
        compile_all(self, some, ragged=ragged)

    def noting(self: Rounds, some: list[Point]) -> None:
        alive.append([process for process in self.started if process.process.is_alive()])
        measure(self, some)

    monkeypatch.setattr(rounds_module, "ROUNDS", 1)
    monkeypatch.setattr(Rounds, "_compile", killing)
    monkeypatch.setattr(Rounds, "_measure", noting)
    small, large = (Point(m, "float32", "grid") for m in (4, 8))
    rounds.measure([small, large], beside=small)
    assert alive == [[], []] and rounds.is_ok(large) and not rounds.resting
    assert not any(process.process.is_alive() for process in rounds.started)


def test_what_takes_too_long_is_stopped(process) -> None:
    with pytest.raises(Ended, match="too long") as ended:
        process.ask("compile", 4, True, seconds=0.01)
    assert ended.value.status == "stopped"


@contextmanager
def starved(process: Process) -> Iterator[psutil.Process]:
    """Let a process have next to nothing of a core, on which others compute all the time."""
    one = psutil.Process(process.process.pid)
    core = one.cpu_affinity()[:1]
    others = [psutil.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(6)]
    for each in (*others, one):
        each.cpu_affinity(core)
    one.nice(19)
    try:
        yield one
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds a process to a core, and limits its memory")
def test_a_process_that_gets_no_processor_does_not_wait_for_memory(process) -> None:
    process.ask("compile", 4, False)
    longest = 0
    with starved(process) as one:
        while longest < 2 * LOOKS * LOOK_SECONDS:  # later than the answer of one that waits for memory
            before, start = sum(one.cpu_times()[:2]), time.monotonic()
            process.ask("repeat")
            longest = max(longest, time.monotonic() - start)
        assert sum(one.cpu_times()[:2]) - before < 0.1 * longest


def test_a_process_that_sleeps_is_asleep() -> None:
    tells = sys.platform == "linux"  # elsewhere none is said to be
    script = "import sys, time; sys.stdout.write('.'); sys.stdout.flush(); {}"
    for work, expected in {"time.sleep(60)": True, "[0 for _ in iter(int, 1)]": False}.items():
        with subprocess.Popen([sys.executable, "-c", script.format(work)], stdout=subprocess.PIPE) as other:
            other.stdout.read(1)
            rests = [_rests(other.pid) for _ in range(20)]
            while expected and tells and not rests[-1]:  # on a busy machine it may not sleep yet
                rests.append(_rests(other.pid))
            assert any(rests) is (expected and tells)
            other.kill()
    assert threads.at_rest(other.pid) is None  # it has ended


def _rests(pid: int) -> bool:
    """Return whether no thread runs in a twentieth of a second."""
    before = threads.at_rest(pid)
    time.sleep(LOOK_SECONDS)
    return before is not None and before == threads.at_rest(pid)


def test_a_number_type_that_cannot_be_trained_fails(rounds, capfd) -> None:
    started = rounds.start("float7", rounds.available)
    with pytest.raises(Ended, match="float7") as ended:
        started.built()
    started.close()
    assert ended.value.status == "failed"
    assert capfd.readouterr().err == ""


def test_a_model_that_cannot_be_trained_is_an_error_of_the_user(tmp_path) -> None:
    bad = Profiler(data_set(100), study(augmentation={"pad": 1, "flip": False}), Store(tmp_path))
    with pytest.raises(UserError, match="can be trained on this machine: augmentation needs images"):
        bad.profile()
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_not_asked_does_not_compute(rounds, process) -> None:
    other = rounds.start("float32", rounds.available)
    other.built()
    for one in (process, other):
        one.ask("compile", 50, False)
    idle, busy = (psutil.Process(one.process.pid) for one in (process, other))
    before = sum(idle.cpu_times()[:2]), sum(busy.cpu_times()[:2])
    while sum(busy.cpu_times()[:2]) < before[1] + 0.2:  # seconds
        other.ask("repeat")
    other.close()
    assert sum(idle.cpu_times()[:2]) - before[0] <= 0.02
