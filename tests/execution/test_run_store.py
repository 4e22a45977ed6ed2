"""Run files and the store: whole or absent, under a key that changes with what decides a run's bits, and no more."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common import sealed, source_closure
from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.config.recipe import Recipe
from batchwise.data.local_files import LocalFile
from batchwise.execution import run_store
from batchwise.execution.run_store import Store
from batchwise.training import run_result
from batchwise.training.run_result import RunResult
from tests.damage import damaged

KEY = "ab" + "0" * 62
CONTENT = b"content of a run"
BRANCH = Run(4, 0.5, 1, Branch(1, 2, 8, 1.0))
RECIPE = {
    "model": {"name": "mlp", "hidden_units": [5]},
    "optimizer": {"name": "sgd", "momentum": 0.5},
    "budget": {"epochs": 3},
    "dtype": "float32",
}


# The store


@pytest.fixture(params=["in the database", "in a file of its own"])
def size(request, monkeypatch) -> str:
    """Where an entry is kept."""
    if request.param == "in a file of its own":
        monkeypatch.setattr(run_store, "LARGE", -1)
    return request.param


@given(content=st.binary(max_size=200), large=st.integers(0, 200))
def test_what_is_put_is_got(tmp_path_factory, content, large) -> None:
    kept = Store(tmp_path_factory.mktemp("store"))
    assert kept.get(KEY) is None and KEY not in kept and not [*kept.folder.iterdir()]
    with mock.patch.object(run_store, "LARGE", large):
        for one in (content, content + b"more"):
            kept.put(KEY, one)
            assert kept.get(KEY) == Store(kept.folder).get(KEY) == one and KEY in kept
    assert kept.get(KEY.replace("ab", "ac")) is None


@pytest.fixture
def full(tmp_path, size) -> Store:
    kept = Store(tmp_path)
    kept.put(KEY, CONTENT)
    kept.close()
    return kept


def file_of(kept: Store) -> Path:
    (path,) = [path for path in kept.folder.rglob("*") if path.is_file()]
    return path


def test_a_damaged_entry_is_none_until_it_is_put_again(full) -> None:
    path = file_of(full)
    whole = path.read_bytes()
    step = max(1, len(whole) // 50)
    damaged = [whole[:size] for size in range(0, len(whole), step)] + [b"text" * 300]
    for position in range(0, len(whole), step):
        damaged.append(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
    found = []
    for content in damaged:
        path.write_bytes(content)
        again = Store(full.folder)
        found.append(again.get(KEY))
        again.put(KEY, CONTENT)
        assert again.get(KEY) == CONTENT
        again.close()
    assert {*found} <= {None, CONTENT}  # a database has bytes that nothing is read from
    assert None in found


def test_what_a_damaged_database_still_gives_is_known(tmp_path) -> None:
    kept, keys = Store(tmp_path), [f"{number:064x}" for number in range(200)]
    for key in keys:
        kept.put(key, key.encode() * 10)
    kept.close()
    path = file_of(kept)
    whole, lost = path.read_bytes(), set()
    for position in range(100, len(whole), 1001):  # some in each page; a damaged header makes it no database
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 255]) + whole[position + 1 :])
        given_back = {key for key in keys if kept.get(key) is not None}
        assert given_back <= kept.known(keys)
        lost.add(len(keys) - len(given_back))
        kept.close()
    assert {0, 1} < lost


def test_a_content_that_was_damaged_is_none(full) -> None:
    path = file_of(full)
    path.write_bytes(path.read_bytes().replace(CONTENT, CONTENT[:-1] + b"?"))
    assert KEY in full and full.get(KEY) is None


def test_an_entry_under_the_key_of_another_is_none(tmp_path, size) -> None:
    kept, keys = Store(tmp_path), (KEY, KEY.replace("ab", "ac"))
    for key in keys:
        kept.put(key, key.encode() * 20)
    kept.close()
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        for key in keys:
            content = content.replace(key.encode() * 20, bytes(64 * 20))
        path.write_bytes(content.replace(bytes(64 * 20), KEY.encode() * 20))
    assert [kept.get(key) for key in keys] == [KEY.encode() * 20, None]


def test_an_interrupted_write_leaves_the_entry_as_it_was(full, size, monkeypatch) -> None:
    def interrupt(*arguments):
        raise KeyboardInterrupt

    if size == "in the database":
        return
    path = file_of(full)
    for step in ("fsync", "chmod", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"batchwise.common.files.os.{step}", interrupt)
            with pytest.raises(KeyboardInterrupt):
                full.put(KEY, b"other content")
        assert file_of(full) == path, "a temporary file is left"
        assert full.get(KEY) == CONTENT


WRITER = """
import sys
from pathlib import Path

from batchwise.execution.run_store import Store

kept, start = Store(Path(sys.argv[1])), int(sys.argv[2])
for number in range(start, start + 10**6):
    key = f"{number:064x}"
    kept.put(key, key.encode() * 300)
    print(number, flush=True)
"""


def test_what_was_put_before_a_kill_is_whole_also_while_another_process_puts(tmp_path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(start)], stdout=subprocess.PIPE, text=True)
        for start in (0, 10**6)
    ]
    for process in processes:
        for _ in range(50):
            process.stdout.readline()
    for process in processes:
        process.kill()
    last = [[*map(int, process.communicate()[0].split())] for process in processes]
    kept = Store(tmp_path)
    for start, numbers in zip((0, 10**6), last, strict=True):
        end = max(numbers, default=start + 49)
        keys = [f"{number:064x}" for number in range(start, end + 1)]
        assert len(keys) >= 50 and all(kept.get(key) == key.encode() * 300 for key in keys)


def test_a_store_that_was_removed_is_made_again(tmp_path) -> None:
    kept = Store(tmp_path / "store")
    for _ in range(2):
        kept.put(KEY, CONTENT)
        assert Store(kept.folder).get(KEY) == CONTENT
        shutil.rmtree(kept.folder)
        assert kept.get(KEY) is None


def test_what_the_disk_has_no_room_for_names_the_database(tmp_path) -> None:
    kept = Store(tmp_path)
    kept.put(KEY, CONTENT)
    kept._opened().execute("PRAGMA max_page_count = 10")
    with pytest.raises(OSError, match=r"full: '.*runs\.sqlite'") as error:
        kept.put(KEY.replace("ab", "ac"), bytes(10**5))
    assert error.value.errno == errno.ENOSPC
    assert kept.get(KEY) == CONTENT


# Its keys


TASK = "multiclass_classification"


def shared(data="d", task=TASK, start=None, **changes) -> dict:
    weights = LocalFile("start", Path("start.npz"), start) if start else None
    return run_store.inputs(Recipe.model_validate({**RECIPE, **changes}), task, data, weights=weights)


def key(run: Run, inputs: dict | None = None) -> str:
    return run_store.keys([run], inputs or shared())[run]


def test_a_key_is_the_same_whenever_its_inputs_are(monkeypatch) -> None:
    run, environment = Run(4, 0.5, 1), run_store.environment("tensorflow")
    first = key(run)
    assert len(first) == 64
    monkeypatch.setattr(run_store, "environment", lambda engine: dict(reversed(environment.items())))
    assert key(run, dict(reversed(shared().items()))) == first


def test_a_key_changes_with_each_of_its_inputs(monkeypatch) -> None:
    """The imports, of which other tests are, are followed once for each of the plug-ins."""
    run = Run(4, 0.5, 1)
    monkeypatch.setattr(source_closure, "closure", cache(source_closure.closure))
    all_inputs = [
        *((other, shared()) for other in (run, Run(5, 0.5, 1), Run(4, 0.25, 1), Run(4, 0.5, 2), BRANCH)),
        (run, shared("e")),
        (run, shared(task="binary_classification")),
        (run, shared(dtype="float64")),
        (run, shared(budget={"updates": 3})),
        (run, shared(model={"name": "mlp", "hidden_units": [5, 5]})),
        (run, shared(optimizer={"name": "sgd", "momentum": 0.25})),
        (run, shared(optimizer={"name": "rmsprop", "momentum": 0.5})),
        (run, shared(optimizer={"name": "sgd", "momentum_half_life": 5})),
        (run, shared(trainable=["dense"])),
        (run, shared(start="s")),
        (run, shared(start="t")),
    ]
    environment, code = run_store.environment("tensorflow"), shared()["code"]
    monkeypatch.setattr(source_closure, "hashes", lambda files: {path: code[path] for path in files})
    for name in environment:
        monkeypatch.setattr(run_store, "environment", lambda engine, name=name: {**environment, name: "other"})
        all_inputs.append((run, shared()))
    monkeypatch.setattr(run_store, "environment", lambda engine: environment)
    for file in code:
        monkeypatch.setattr(source_closure, "hashes", lambda files, file=file: {**code, file: "other"})
        all_inputs.append((run, shared()))
    keys = [key(*inputs) for inputs in all_inputs]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("before", "now"), [("s", "t"), (None, "t"), ("s", None)])
def test_other_weights_at_the_start_are_told(before, now) -> None:
    assert run_store.changes(shared(start=before), shared(start=now)) == ["the weights at the start changed"]
    assert not run_store.changes(shared(start=before), shared(start=before))


@pytest.mark.parametrize("name", ["TF_ENABLE_ONEDNN_OPTS", "XLA_FLAGS", "ONEDNN_MAX_CPU_ISA"])
def test_variables_that_change_kernels_are_part_of_the_environment(monkeypatch, name) -> None:
    monkeypatch.delenv(name, raising=False)
    without = shared()
    monkeypatch.setenv(name, "7")
    assert shared() != without
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.delenv(name)
    assert shared() == without


# Which code decides a result


@pytest.fixture
def project(tmp_path, monkeypatch) -> Callable[[str], list[str]]:
    """Return a function that writes a project and gives the closure of its file batchwise/models/start.py."""
    monkeypatch.setattr(source_closure, "ROOT", tmp_path)

    def closure(start: str) -> list[str]:
        files = {
            "batchwise/__init__.py": "",
            "batchwise/models/__init__.py": "",
            "batchwise/models/start.py": start,
            "batchwise/models/_blocks.py": "import numpy",
            "batchwise/far.py": "def f():\n    from batchwise import farther",
            "batchwise/farther.py": "import batchwise.far",
            "batchwise/other.py": "",
        }
        for file, text in files.items():
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [
            file for file in source_closure.closure("batchwise/models/start.py") if not file.endswith("__init__.py")
        ]

    return closure


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("import keras, numpy.linalg", []),
        ("import batchwise.far as f", ["batchwise/far.py", "batchwise/farther.py"]),
        ("from batchwise.far import f", ["batchwise/far.py", "batchwise/farther.py"]),
        ("from batchwise import farther", ["batchwise/far.py", "batchwise/farther.py"]),
        ("from batchwise.models._blocks import b", ["batchwise/models/_blocks.py"]),
        ("from batchwise.models import _blocks", ["batchwise/models/_blocks.py"]),
        ("from ._blocks import b", ["batchwise/models/_blocks.py"]),
        ("from . import _blocks", ["batchwise/models/_blocks.py"]),
        ("from .. import far", ["batchwise/far.py", "batchwise/farther.py"]),
    ],
)
def test_the_closure_holds_what_is_imported_directly_or_not(project, start, found) -> None:
    assert project(start) == sorted(["batchwise/models/start.py", *found])


def test_a_run_is_decided_by_the_trainer_its_model_and_its_task() -> None:
    code = shared()["code"]
    decisive = ("training/random_streams", "data/task", "models/mlp", f"tasks/{TASK}", "tasks/_classification")
    assert {f"batchwise/{name}.py" for name in decisive} <= set(code)
    assert "batchwise/tasks/binary_classification.py" not in code
    drawing_and_counting = ("report", "statistics", "execution", "analysis", "claims")
    assert not [file for file in code if file.split("/")[1] in drawing_and_counting]


def test_a_reworded_message_retrains_nothing(monkeypatch) -> None:
    before, hashes = shared(), source_closure.hashes
    for name in ("messages", "errors"):
        file = f"batchwise/common/{name}.py"
        monkeypatch.setattr(source_closure, "hashes", lambda files, file=file: {
            path: "other" if path == file else sha256 for path, sha256 in hashes(files).items()
        })  # fmt: skip
        assert (shared() == before) == (name == "messages")


# Run files

NAMES = st.text("abcdefghijk_/0123456789", min_size=1, max_size=12)
WEIGHTS = arrays.arrays(
    st.sampled_from(["float32", "float64", "int32", "uint32"]), arrays.array_shapes(min_dims=0, max_dims=3)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def a_result(draw: st.DrawFn) -> RunResult:
    curves = arrays.arrays(st.sampled_from(["float32", "float64"]), (draw(st.integers(0, 4)), 3))
    return RunResult(
        draw(st.sampled_from(["ok", "diverged", "out_of_memory", "failed"])),
        draw(st.dictionaries(NAMES, curves, max_size=3)),
        draw(st.dictionaries(NAMES, WEIGHTS, max_size=3)),
        draw(st.integers(0, 10**9)),
        draw(st.none() | st.integers(1, 100)),
        draw(st.booleans()),
        draw(st.text(st.characters(codec="utf-8"))),
    )


def assert_same(one: RunResult, other: RunResult) -> None:
    assert replace(one, metrics=0, weights=0) == replace(other, metrics=0, weights=0)
    assert (list(one.metrics), list(one.weights)) == (list(other.metrics), list(other.weights))
    pairs = zip(one.metrics.values(), other.metrics.values(), strict=True)
    for a, b in [*pairs, *zip(one.weights.values(), other.weights.values(), strict=True)]:
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predictions, other.predictions)


@given(a_result(), st.dictionaries(st.text("abc"), JSON, max_size=3))
def test_a_run_file_gives_back_what_it_was_given(result, facts) -> None:
    content = run_result.dump(result, facts)
    back, back_facts = run_result.load(content)
    assert_same(back, result)
    assert back_facts == facts
    assert_same(run_result.load(content, with_weights=False)[0], replace(result, weights={}))
    assert run_result.dump(back, dict(reversed(back_facts.items()))) == content
    assert run_result.status(content) == result.status


def test_a_run_file_says_of_draws_by_pass_only_where_there_are_some() -> None:
    plain, drawn = (run_result.dump(RunResult("ok", {}, draws_by_pass=draws), {}) for draws in (False, True))
    assert run_result.load(drawn)[0].draws_by_pass and not run_result.load(plain)[0].draws_by_pass
    name = b"draws_by_pass"
    assert name in drawn and name not in plain


WHOLE = run_result.dump(
    RunResult(
        "ok",
        {"accuracy": np.ones((2, 3)), "loss": np.ones((2, 3), "float32")},
        {"000_kernel": np.arange(6.0).reshape(2, 3)},
        6,
        message="é",
    ),
    {"seed": 1},
)


@given(damaged(WHOLE))
def test_a_damaged_run_file_is_refused(content) -> None:
    with pytest.raises(ValueError):
        run_result.load(content)


@pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
def test_a_flipped_bit_is_refused_wherever_it_is(bit) -> None:
    for place in range(len(WHOLE)):
        with pytest.raises(ValueError, match="its checksum is not that of its content"):
            run_result.load(WHOLE[:place] + bytes([WHOLE[place] ^ bit]) + WHOLE[place + 1 :])


@pytest.mark.parametrize("about", [b"[]", b"{}", b"3", b'{"metrics": 3}', b"text", b"\xff"])
def test_another_archive_with_its_checksum_is_refused(about) -> None:
    text = np.frombuffer(about, "uint8")
    for arrays_of_it in ({"about": text}, {"other": text}, {"about": np.array("text")}):
        with pytest.raises(ValueError):
            run_result.load(sealed.archive_bytes(arrays_of_it))
