"""What is measured at several lengths: on a machine that is made up, and once on this one."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from batchwise.config import measured_part
from batchwise.config.memory_by_length import MemoryByLength
from batchwise.config.study import Study
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.lengths import PIXEL, TOKEN, Row
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import lengths, updates
from batchwise.measuring.profiling.endings import Ended
from batchwise.measuring.profiling.measurement_store import Measurements
from batchwise.measuring.profiling.profile_files import END, EVALUATION, POINT
from batchwise.measuring.profiling.profiler import Profiler
from batchwise.measuring.profiling.updates import Kind, Update
from tests.project import of_engine

STUDY = {
    "data_set": "texts",
    "model": {"name": "mlp", "hidden_units": [8]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 1},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [4], "base_learning_rates": [0.1], "seeds": 1},
    **of_engine(lanes=2),
}
ASKED = {"lengths": [100, 20, 400], "limit": 2.0, "dtypes": ["mixed_bfloat16"], "accumulation": [4]}


def study(**changes) -> Study:
    return measured_part.of_study(Study.model_validate({**STUDY, "memory_by_length": ASKED, **changes}))


class MadeUp:
    """A process in which tokens take `token_bytes` each, divided by the parts, and which may take `memory`."""

    def __init__(self, kind: Kind, memory: int, token_bytes: float, started: list) -> None:
        self.kind, self.memory, self.token_bytes, self.started = kind, memory, token_bytes, started

    def built(self) -> None:
        """Be ready at once."""

    wait = close = built

    def tell(self, method: str, *batch_size: int) -> None:
        """Note what is compiled."""
        assert method == ("compile_update" if batch_size else "compile_evaluation")
        (self.m,) = batch_size or [updates.EVALUATED]

    def answer(self, seconds: float) -> None:
        """Have compiled it."""
        assert seconds > 0

    def ask(self, method: str, *, seconds: float) -> tuple[int, float]:
        """Return the peak of an update of m rows and its seconds, or end for want of memory."""
        self.started.append((self.kind, m := self.m))
        if method == "evaluation":
            return m, 7e8
        assert method == "timed_update" and seconds > 0
        peak = int(5e8 + self.token_bytes * m * self.kind.length / self.kind.accumulation)
        if peak > self.memory:
            raise Ended("out_of_memory", "no room")
        return peak, 1e-6 * m


def measured(
    folder: Path,
    made: Study,
    token_bytes: float = 3000.0,
    available: int = 10**10,
    row_of: Callable[[int], Row] = lambda length: Row(length, TOKEN),
) -> tuple[list, list]:
    """Return all updates of a study, and what was tried for them."""
    tried: list = []
    kept = Measurements(Store(folder), {"key": "k"})

    def start(kind: Kind, memory: int, rows: int) -> MadeUp:
        assert rows in (updates.ROWS, updates.EVALUATED)
        return MadeUp(kind, memory, token_bytes * row_of(kind.length).length / kind.length, tried)

    assert made.memory_by_length
    found = lengths.measure(made, made.memory_by_length, start, kept, available, row_of)
    return found, tried


def test_the_study_is_measured_at_each_length_and_the_others_at_two() -> None:
    made = study()
    found = lengths.kinds(made, made.memory_by_length)
    own = [Kind(tokens, "float32", 1) for tokens in (20, 100, 400)]
    others = [Kind(tokens, *other) for other in (("mixed_bfloat16", 1), ("float32", 4)) for tokens in (20, 400)]
    assert found == own + others
    same = lengths.kinds(study(dtype="mixed_bfloat16", accumulation=4), made.memory_by_length)
    assert [kind for kind in same if kind.length == 100] == [Kind(100, "mixed_bfloat16", 4)] and len(same) == 3


@given(st.integers(1, 10**6), st.sampled_from([TOKEN, PIXEL]))
def test_updates_have_about_as_many_tokens_or_pixels_at_each_length(length, unit) -> None:
    sizes, most = lengths.sizes(Row(length, unit)), max(lengths.SPENT[unit])
    assert sizes == sorted({*sizes}) and min(sizes) >= 1
    assert all(m == 1 or m * length <= most < 2 * max(sizes) * length for m in sizes[-1:])


@pytest.mark.parametrize("token_bytes", [500.0, 3000.0, 20_000.0])
def test_the_end_is_found_closely_at_each_length(tmp_path, token_bytes) -> None:
    rows, _ = measured(tmp_path, study(), token_bytes)
    for tokens in ASKED["lengths"]:
        own = [row for row in rows if row.length == tokens and row.purpose in (POINT, END) and row.accumulation == 1]
        ends = [row for row in own if row.purpose == END]
        is_over = [row.status != "fits" or row.memory_peak_bytes > 2e9 for row in own]
        fits = max(row.batch_size for row, over in zip(own, is_over, strict=True) if not over)
        ended = min(row.batch_size for row, over in zip(own, is_over, strict=True) if over)
        truth = 1.5e9 / token_bytes / tokens
        assert fits <= truth < ended <= lengths.CLOSE * fits
        assert len(ends) <= 3
    assert {row.purpose for row in rows if row.accumulation > 1} == {POINT}
    evaluated = [row for row in rows if row.purpose == EVALUATION]
    assert [row.length for row in evaluated] == sorted(ASKED["lengths"])
    assert {(row.batch_size, row.memory_peak_bytes) for row in evaluated} == {(updates.EVALUATED, 7e8)}


@given(st.floats(0.6, 1.3))
def test_an_end_is_found_where_a_line_misleads(share) -> None:
    """A process comes to its end before, or after, a line through the peaks of m = 16, 64 and 128 would put it."""
    points = [updates.Update(100, "float32", 1, m, POINT, "fits", "", 10**8 + 10**6 * m, 0.1) for m in (16, 64, 128)]
    true, tried = share * 300, []
    search = lengths._search(points, 4 * 10**8)  # which a line reaches at m = 300
    m = next(search)
    while m:
        tried.append(m)
        m = lengths._next(search, "fits" if m <= true else "out_of_memory")
    fits, ended = max(m for m in [128, *tried] if m <= true), min(m for m in tried if m > true)
    assert ended <= lengths.CLOSE * fits and len(tried) <= 5


def test_what_is_measured_is_kept(tmp_path, monkeypatch) -> None:
    rows, tried = measured(tmp_path, study())
    assert len(tried) == len(rows)
    again, retried = measured(tmp_path, study())
    assert again == rows and not retried
    more = study(memory_by_length={**ASKED, "lengths": [*ASKED["lengths"], 800]})
    assert {kind.length for kind, _ in measured(tmp_path, more)[1]} == {800}
    monkeypatch.setattr(lengths.source_closure, "hashes", lambda _: {"lengths.py": "as edited"})
    assert len(measured(tmp_path, study())[1]) == len(rows)


def test_an_image_is_asked_for_by_its_width_and_measured_by_its_pixels(tmp_path) -> None:
    """Three quarters as high as wide: 300 to 120,000 pixels, of 20 bytes."""

    def row_of(width: int) -> Row:
        return Row(width * width * 3 // 4, PIXEL)

    rows, tried = measured(tmp_path, study(), 20.0, row_of=row_of)
    assert {row.length for row in rows} == {row_of(width).length for width in ASKED["lengths"]}
    assert {kind.length for kind, _ in tried} == {*ASKED["lengths"]}
    points = [row for row in rows if row.purpose == POINT and row.accumulation == 1]
    assert {row.batch_size for row in points if row.length == 7500} == {32, 128, 256}
    for width in ASKED["lengths"]:
        ends = [row for row in rows if row.length == row_of(width).length and row.purpose == END]
        fits = max(row.batch_size for row in ends if row.status == "fits")
        assert fits <= 1.5e9 / 20 / row_of(width).length < min(row.batch_size for row in ends if row.status != "fits")
    again, retried = measured(tmp_path, study(), 20.0, row_of=row_of)
    assert again == rows and not retried


def test_without_memory_larger_ones_are_not_tried(tmp_path) -> None:
    rows, tried = measured(tmp_path, study(), token_bytes=2 * 10**4, available=15 * 10**8)
    own = [
        row.status
        for row in rows
        if (row.length, row.dtype, row.accumulation, row.purpose) == (20, "float32", 1, POINT)
    ]
    assert own == ["fits", "out_of_memory"]
    assert max(m * kind.length / kind.accumulation for kind, m in tried if m != updates.EVALUATED) < 2**18


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lengths": [50]}, "at least 2 items"),
        ({"lengths": [50, 50]}, "more than once"),
        ({"lengths": [1, 50]}, "greater than or equal to 2"),
        ({"limit": 0}, "greater than 0"),
        ({"dtypes": ["float16"]}, "'float32' or 'mixed_bfloat16'"),
        ({"accumulation": [1]}, "greater than or equal to 2"),
    ],
)
def test_what_is_not_allowed_is_told(changes, says) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        MemoryByLength.model_validate({**ASKED, **changes})


def _nearest_the_limit(rows: list[Update], limit: int) -> tuple[int, int]:
    """Return the largest m that kept below a limit and the smallest that did not.

    Each may be of the points: a line through those can lead to an m too large each time.
    """
    ends = [row.batch_size for row in rows if row.purpose == END and row.status == "out_of_memory"]
    fits = [row.batch_size for row in rows if row.status == "fits" and row.memory_peak_bytes <= limit]
    return max(fits), min(ends)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_on_this_machine_memory_grows_with_tokens_and_ends_at_the_limit(tmp_path, monkeypatch) -> None:
    """A perceptron of tokens: its rows take more, the longer they are."""
    monkeypatch.setattr(lengths, "SPENT", {TOKEN: (2**15, 2**21)})
    monkeypatch.setattr(lengths, "kinds", lambda *_: [Kind(64, "float32", 1)])
    inputs = np.random.default_rng(0).integers(2, 50, (40, 30), dtype="int32")
    part = Split(inputs, np.resize([0, 1], 40))
    data = DataSet(Description("Texts", "binary_classification", "", ""), ("a", "b"), part, part, part)
    made = study(memory_by_length={"lengths": [16, 64], "limit": 1.0}, model={"name": "mlp", "hidden_units": [1024]})
    profiler = Profiler(data, made, Store(tmp_path))
    try:
        rows = [Update(**row) for row in profiler._lengths()]
    finally:
        profiler.rounds.close()
    assert all(row.length == 64 for row in rows)
    made = [row for row in rows if row.status == "fits" and row.purpose != EVALUATION]
    assert all(row.seconds and row.seconds > 0 for row in made)
    peaks = [row.memory_peak_bytes for row in rows if row.purpose == POINT]
    assert peaks[1] > peaks[0] + 2**25
    fits, ends = _nearest_the_limit([row for row in rows if row.purpose != EVALUATION], 2**30)
    tries = sum(row.purpose == END for row in rows)
    assert fits < ends and (ends <= lengths.CLOSE * fits or tries == lengths.MOST_TRIES)
    (evaluated,) = [row for row in rows if row.purpose == EVALUATION]
    assert evaluated.status == "fits" and evaluated.memory_peak_bytes > 2**26
