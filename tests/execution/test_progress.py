"""What is written of how far a stage is: never wider than the terminal, never too often, and for tools as JSON."""

import io
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config.grid import Run
from batchwise.execution import progress, progress_text
from batchwise.execution.progress import Progress
from batchwise.execution.progress_text import Moment, duration
from batchwise.execution.worker_states import WorkerState, WorkerStates
from batchwise.training.run_result import STATUSES

FIELDS = ["stage", "study", "runs", "done", *STATUSES]
FIELDS += ["runs_per_second", "seconds_left", "repro_seconds_left", "doing", "workers"]


class Terminal(io.StringIO):
    """A terminal of a width, which shows what can be written in an encoding."""

    def __init__(self, columns: int = 80, encoding: str = "utf-8") -> None:
        super().__init__()
        self.columns, self.shows = columns, encoding

    @property
    def encoding(self) -> str:
        return self.shows

    def isatty(self) -> bool:
        return True

    def shown(self) -> list[str]:
        return self.getvalue().split(progress.CLEAR)[1:]


class Clock:
    """A clock that stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> None:
    for name in (progress.VARIABLE, "LC_ALL", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(progress, "_columns", lambda stream: stream.columns)


def finished(stream: io.StringIO, statuses: list[str], seconds_each: float, asked: list[int]) -> list[str]:
    """Return the texts that were written for runs that end one after the other, each after so many seconds."""
    clock = Clock()

    def seconds_left() -> float:
        asked.append(1)
        return 90.0

    one = Progress(
        "train", "digits_mlp", len(statuses), STATUSES, seconds_left, WorkerStates(lambda: 0.0), stream, clock
    )
    one.begin()
    for number, status in enumerate(statuses):
        clock.now += seconds_each
        one.look(lambda number=number: {"a": [Run(16, 0.25, number)], "b": []})
        one.add(status)
    return stream.getvalue()


STATES = st.lists(
    st.builds(
        WorkerState,
        st.just("tls://127.0.0.1:1234"),
        st.sampled_from(["starts", "compiles", "trains"]),
        st.integers(1, 2**20),
        st.none() | st.floats(1e-9, 1e9),
        st.integers(1, 1000),
    ),
    max_size=40,
)
NUMBER = st.none() | st.floats(0, 1e9) | st.just(float("inf")) | st.just(float("nan"))
MOMENTS = st.builds(
    lambda statuses, others, **given: Moment(
        "train", total=sum(statuses.values()) + others, statuses=statuses, **given
    ),
    st.fixed_dictionaries({status: st.integers(0, 10**7) for status in STATUSES}),
    st.integers(1, 10**7),
    study=st.from_regex("[a-z0-9_]{1,64}", fullmatch=True),
    rate=st.none() | st.floats(0, 1e6),
    seconds_left=st.none() | st.floats(0, 1e9),
    repro_seconds_left=st.none() | st.floats(0, 1e9),
    workers=st.none() | STATES,
)


@given(MOMENTS, st.integers(0, 250), st.sampled_from(["η", "rate"]))
def test_no_line_is_wider_than_its_terminal(moment, width, eta) -> None:
    text = progress_text.line(moment, width, eta)
    assert len(text) <= width and text.isprintable()
    assert text.isascii() or eta == "η"
    if width >= 40 + len(moment.study):
        assert text.startswith(f"train@{moment.study}: {moment.ended:,}/{moment.total:,} runs")


@given(MOMENTS, NUMBER, NUMBER)
def test_facts_are_json_without_nan_and_have_all_fields(moment, rate, seconds) -> None:
    moment = Moment("train", "x", moment.total, moment.statuses, rate, seconds, seconds, moment.workers)
    read = json.loads(json.dumps(progress_text.facts(moment), allow_nan=False))
    assert {*read} == {*FIELDS}
    assert read["done"] == sum(read[status] for status in STATUSES) <= read["runs"]
    assert [*(read["workers"] or [{}])[0]] in ([], ["worker", "state", "batch_size", "learning_rate", "runs"])


def test_a_line_leaves_out_what_matters_less() -> None:
    workers = [WorkerState("a", "trains", 16, 0.25, 1), WorkerState("b", "trains", 32, None, 13)]
    workers += [WorkerState("c", "compiles", 64, 0.5, 1)]
    moment = Moment("train", "digits", 715, {"ok": 310, "diverged": 2}, 41.2, 10, 360, workers)
    texts = list(dict.fromkeys(progress_text.line(moment, width) for width in range(120, -1, -1)))
    assert texts == [
        "train@digits: 312/715 runs, 10 s left, 41/s, dvc repro 6 min 0 s, 2 diverged, m 16 η 0.25; m 32 13 runs; "
        "m 64 compiles",
        "train@digits: 312/715 runs, 10 s left, 41/s, dvc repro 6 min 0 s, 2 diverged, 3 workers",
        "train@digits: 312/715 runs, 10 s left, 41/s, dvc repro 6 min 0 s, 2 diverged",
        "train@digits: 312/715 runs, 10 s left, 41/s, dvc repro 6 min 0 s",
        "train@digits: 312/715 runs, 10 s left, 41/s",
        "train@digits: 312/715 runs, 10 s left",
        "train@digits: 312/715 runs",
        "312/715 runs",
        "43%",
        "",
    ]


def test_a_stage_without_workers_says_what_it_does() -> None:
    moment = Moment("profile", "digits", 14, {"ok": 3}, 0.5, 20, 60, doing="m 4, 32 compile", things="measurements")
    texts = list(dict.fromkeys(progress_text.line(moment, width) for width in range(120, -1, -1)))
    assert texts == [
        "profile@digits: 3/14 measurements, 20 s left, dvc repro 1 min 0 s, m 4, 32 compile",
        "profile@digits: 3/14 measurements, 20 s left, dvc repro 1 min 0 s",
        "profile@digits: 3/14 measurements, 20 s left",
        "profile@digits: 3/14 measurements",
        "3/14 measurements",
        "21%",
        "",
    ]
    assert progress_text.facts(moment)["doing"] == "m 4, 32 compile"


def test_what_is_done_shows_in_its_time_and_not_at_the_end() -> None:
    clock, stream = Clock(), Terminal()
    one = Progress("profile", "x", 2, STATUSES, stream=stream, clock=clock, things="measurements")
    one.begin()
    one.show("m 4 compiles")  # too soon after the first line
    for clock.now in (0.1, 1, 2):
        one.tick()
    one.add("ok")
    clock.now = 3
    one.show("m 4 timed")
    one.add("ok")
    assert [line.rstrip("\n") for line in stream.shown()] == [
        "profile@x: 0/2 measurements",
        *["profile@x: 0/2 measurements, m 4 compiles"] * 2,
        "profile@x: 1/2 measurements, m 4 timed",
        "profile@x: 2/2 measurements",
    ]


def test_where_nobody_knows_the_rate_tells_how_long_it_takes() -> None:
    clock = Clock()
    one = Progress("profile", "x", 10, STATUSES, lambda: None, None, io.StringIO(), clock)
    assert one.moment().seconds_left is None
    for clock.now in (2, 4):
        one.add("ok")
        one.moment()
    clock.now = 5
    assert one.moment().seconds_left == pytest.approx(8 / (1 / 3) - 1)


def test_many_workers_are_counted_by_batch_size() -> None:
    workers = [WorkerState(str(n), "trains", 2, 0.1, 1) for n in range(9)] + [WorkerState("i", "idle")] * 2
    text = progress_text.line(Moment("train", "x", 100, {"ok": 1}, workers=workers))
    assert text == "train@x: 1/100 runs, 11 workers: 9 at m 2, 2 idle"


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=300), st.floats(0, 50), st.integers(1, 100))
def test_a_terminal_has_one_line_in_place_and_counts_never_fall(statuses, seconds_each, columns) -> None:
    stream = Terminal(columns)
    text = finished(stream, statuses, seconds_each, asked := [])
    assert text.count("\n") == 1 and text.endswith("\n") and "\r" not in text.replace(progress.CLEAR, "")
    lines = [line.rstrip("\n") for line in stream.shown()]
    assert all(len(line) < columns for line in lines)
    counts = [int(found[1]) for line in lines if (found := re.search(r"(\d+)/\d+ runs", line))]
    assert counts == sorted(counts) and (not counts or counts[-1] == len(statuses))
    assert len(asked) <= len(lines) <= 2 + len(statuses) * max(1, seconds_each / 0.25)


@given(st.integers(1, 500), st.floats(0.01, 200))
def test_a_log_gets_a_line_a_minute_beside_the_first_and_the_last(runs, seconds_each) -> None:
    lines = finished(io.StringIO(), ["ok"] * runs, seconds_each, []).splitlines()
    assert lines[0].startswith(f"train@digits_mlp: 0/{runs} runs")
    assert lines[-1].startswith(f"train@digits_mlp: {runs}/{runs} runs")
    minutes = runs * seconds_each / 60
    least = minutes / 2 if seconds_each < 60 else runs - 1
    assert 2 + int(min(least, runs - 1)) - 1 <= len(lines) <= 2 + minutes


def test_json_is_written_some_times_a_second_at_most(monkeypatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, "json")
    for stream in (io.StringIO(), Terminal()):
        text = finished(stream, ["ok", "diverged"] * 500, 0.01, [])
        read = [json.loads(line) for line in text.splitlines()]
        assert 10 < len(read) <= 2 + 10 / progress.SECONDS_BETWEEN_LINES["json"]
        assert all([*one] == FIELDS for one in read)
        assert [one["done"] for one in read] == sorted(one["done"] for one in read)
        assert read[-1]["done"] == 1000 and read[-1]["diverged"] == 500 and read[-1]["seconds_left"] == 0
        assert read[5]["runs_per_second"] == pytest.approx(100)


def test_the_page_says_what_each_field_is() -> None:
    page = (ROOT / "docs/progress.md").read_text(encoding="utf-8")
    assert all(f"`{field}`" in page for field in FIELDS)
    assert all(f"`{kind}`" in page for kind in progress.CHOSEN)


def test_quiet_says_nothing_and_asks_nothing(monkeypatch) -> None:
    monkeypatch.setenv(progress.VARIABLE, "quiet")
    assert finished(Terminal(), ["ok"] * 10, 100, asked := []) == "" and not asked


@pytest.mark.parametrize("given", ["JSON", "1", " quiet", "none", "x" * 500, "\n"])
def test_another_value_is_refused_in_a_line(monkeypatch, given) -> None:
    monkeypatch.setenv(progress.VARIABLE, given)
    with pytest.raises(UserError, match=r"allowed are json, an object a line, and quiet, no line$") as caught:
        Progress("train", "x", 1, STATUSES)
    assert str(caught.value).startswith("BATCHWISE_PROGRESS is ") and len(str(caught.value)) < 160


def test_what_a_terminal_cannot_do_is_not_asked_of_it(monkeypatch) -> None:
    for encoding, shown in (("utf-8", "η"), ("latin-1", "rate"), ("ascii", "rate")):
        assert f"m 16 {shown} 0.25" in finished(Terminal(80, encoding), ["ok"] * 2, 1, [])
    monkeypatch.setenv("LC_ALL", "C")
    assert "m 16 rate 0.25" in finished(Terminal(), ["ok"] * 2, 1, [])
    monkeypatch.setenv("TERM", "dumb")
    assert "\033" not in finished(Terminal(), ["ok"] * 2, 1, [])


def test_a_reader_that_left_ends_no_training() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    assert finished(Closed(), ["ok"] * 3, 100, []) == ""


def test_time_left_falls_until_a_run_ends_or_it_is_wrong() -> None:
    clock, estimates = Clock(), iter([100.0, 50.0])
    one = Progress("train", "x", 3, STATUSES, lambda: next(estimates), None, io.StringIO(), clock)
    one.seconds_after = 30.0
    found = []
    for clock.now in (0, 40, 200):
        moment = one.moment()
        found.append((moment.seconds_left, moment.repro_seconds_left))
    one.add("ok")
    clock.now += 10
    moment = one.moment()
    assert [*found, (moment.seconds_left, moment.repro_seconds_left)] == [(100, 130), (60, 90), (None, None), (40, 70)]


def test_the_rate_is_that_of_the_last_while_not_of_the_whole() -> None:
    """A thousand runs a second, then one a second."""
    clock = Clock()
    one = Progress("train", "x", 10**6, STATUSES, stream=Terminal(), clock=clock)
    for number in range(1200):
        clock.now += 0.001 if number < 1000 else 1
        one.add("ok")
    assert one.moment().rate == pytest.approx(1, rel=0.01)
    assert one.moment().seconds_left == pytest.approx(10**6 - 1200, rel=0.01)
    assert len(one.marks) < 200


@pytest.mark.parametrize(
    ("per_second", "words"), [(1234.5, "1,234/s"), (41.4, "41/s"), (2.46, "2.5/s"), (0.2, "12/min"), (1e-3, "3.6/h")]
)
def test_a_rate_has_the_unit_that_reads_well(per_second, words) -> None:
    assert progress_text.rate(per_second) == words


def test_a_worker_starts_then_compiles_then_trains() -> None:
    states = WorkerStates(lambda: 2.0)
    states.start_seconds = 3.0
    first, second, other = Run(8, 0.1, 0), Run(8, 0.1, 1), Run(16, 0.1, 0)
    seen = []
    for now, run in (
        (0, first),
        (2, first),
        (3, first),
        (4.7, first),
        (5, first),
        (6, second),
        (7, other),
        (10, other),
    ):
        assert states.look(lambda run=run: {"a": [run]}, now)
        seen.append(states.now(now)[0].state)
    assert seen == ["starts", "starts", "compiles", "compiles", "trains", "trains", "compiles", "trains"]
    assert states.look(lambda: {"a": []}, 11) and states.now(11)[0].state == "idle"
    assert not states.look(lambda: {"a": [first]}, 11.1)
    assert states.look(lambda: {"b": [second]}, 12) and [one.worker for one in states.now(12)] == ["b"]


def test_a_worker_with_several_runs_of_a_batch_size_has_no_one_rate() -> None:
    states = WorkerStates(lambda: 0.0)
    states.look(lambda: {"a": [Run(8, 0.1, 0), Run(8, 0.2, 0)], "b": [Run(8, 0.1, 0), Run(8, 0.1, 1)]}, 0)
    found = {one.worker: one for one in states.now(0)}
    assert (found["a"].learning_rate, found["a"].runs, found["b"].learning_rate) == (None, 2, 0.1)


def test_the_width_of_a_terminal_is_asked_anew_and_80_where_it_does_not_say(monkeypatch) -> None:
    monkeypatch.undo()
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stream:
        assert progress._columns(stream) == progress.COLUMNS  # a new pseudo-terminal has no size
    os.close(controller)
    assert progress._columns(io.StringIO()) == progress.COLUMNS


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (18720, "5 h 12 min"),
    ],
)
def test_duration(seconds, words) -> None:
    assert duration(seconds) == words
