"""Run files and the store: whole or absent, under a key that changes with what decides a run's bits, and no more."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common import sealed, source_closure
from batchwise.config.grid import Run
from batchwise.config.recipe import Recipe
from batchwise.data.local_files import LocalFile
from batchwise.execution import run_store
from batchwise.execution.run_store import Store
from batchwise.training import run_result
from batchwise.training.run_result import RunResult
from tests.damage import damaged

KEY = "ab" + "0" * 62
RECIPE = {
    "model": {"name": "mlp", "hidden_units": [5]},
    "optimizer": {"name": "sgd", "momentum": 0.5},
    "budget": {"epochs": 3},
    "dtype": "float32",
}


# The store


@given(content=st.binary(max_size=200))
def test_what_is_put_is_got(tmp_path_factory, content) -> None:
    kept = Store(tmp_path_factory.mktemp("store"))
    assert kept.get(KEY) is None
    kept.put(KEY, content)
    assert kept.get(KEY) == content
    assert kept.get(KEY.replace("ab", "ac")) is None
    kept.put(KEY, content + b"more")
    assert kept.get(KEY) == content + b"more"


@pytest.fixture
def full(tmp_path) -> Store:
    kept = Store(tmp_path)
    kept.put(KEY, b"content of a run")
    return kept


def file_of(kept: Store) -> Path:
    (path,) = [path for path in kept.folder.rglob("*") if path.is_file()]
    return path


def test_a_damaged_entry_is_none_until_it_is_put_again(full) -> None:
    path = file_of(full)
    whole = path.read_bytes()
    damaged = [whole[:size] for size in range(len(whole))] + [whole + b"\0"]
    for position in range(len(whole)):
        damaged.append(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
    for content in damaged:
        path.write_bytes(content)
        assert full.get(KEY) is None
    full.put(KEY, b"content of a run")
    assert full.get(KEY) == b"content of a run"


@given(contents=st.tuples(st.binary(max_size=50), st.binary(max_size=50)))
def test_an_entry_under_the_key_of_another_is_none(tmp_path_factory, contents) -> None:
    kept, keys = Store(tmp_path_factory.mktemp("store")), (KEY, KEY.replace("ab", "ac"))
    for key, content in zip(keys, contents, strict=True):
        kept.put(key, content)
    one, other = (kept.folder / key[:2] / key[2:] for key in keys)
    swapped = other.read_bytes(), one.read_bytes()
    one.write_bytes(swapped[0])
    other.write_bytes(swapped[1])
    assert [kept.get(key) for key in keys] == [None, None]


def test_an_interrupted_write_leaves_the_entry_as_it_was(full, monkeypatch) -> None:
    def interrupt(*arguments):
        raise KeyboardInterrupt

    path = file_of(full)
    for step in ("fsync", "chmod", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"batchwise.common.files.os.{step}", interrupt)
            with pytest.raises(KeyboardInterrupt):
                full.put(KEY, b"other content")
        assert file_of(full) == path, "a temporary file is left"
        assert full.get(KEY) == b"content of a run"


# Its keys


TASK = "multiclass_classification"


def shared(data="d", task=TASK, start=None, **changes) -> dict:
    weights = LocalFile("start", Path("start.npz"), start) if start else None
    return run_store.inputs(Recipe.model_validate({**RECIPE, **changes}), task, data, weights=weights)


def test_a_key_is_the_same_whenever_its_inputs_are(monkeypatch) -> None:
    run, environment = Run(4, 0.5, 1), run_store.environment()
    first = run_store.key(run_store.inputs_of(run, shared()))
    assert len(first) == 64
    monkeypatch.setattr(run_store, "environment", lambda: dict(reversed(environment.items())))
    assert run_store.key(dict(reversed(run_store.inputs_of(run, shared()).items()))) == first


def test_a_key_changes_with_each_of_its_inputs(monkeypatch) -> None:
    """The imports, of which other tests are, are followed once for each of the plug-ins."""
    run = Run(4, 0.5, 1)
    monkeypatch.setattr(source_closure, "closure", cache(source_closure.closure))
    all_inputs = [
        *(run_store.inputs_of(other, shared()) for other in (run, Run(5, 0.5, 1), Run(4, 0.25, 1), Run(4, 0.5, 2))),
        run_store.inputs_of(run, shared("e")),
        run_store.inputs_of(run, shared(task="binary_classification")),
        run_store.inputs_of(run, shared(dtype="float64")),
        run_store.inputs_of(run, shared(budget={"updates": 3})),
        run_store.inputs_of(run, shared(model={"name": "mlp", "hidden_units": [5, 5]})),
        run_store.inputs_of(run, shared(optimizer={"name": "sgd", "momentum": 0.25})),
        run_store.inputs_of(run, shared(optimizer={"name": "rmsprop", "momentum": 0.5})),
        run_store.inputs_of(run, shared(optimizer={"name": "sgd", "momentum_half_life": 5})),
        run_store.inputs_of(run, shared(trainable=["dense"])),
        run_store.inputs_of(run, shared(start="s")),
        run_store.inputs_of(run, shared(start="t")),
    ]
    environment, code = run_store.environment(), shared()["code"]
    monkeypatch.setattr(source_closure, "hashes", lambda files: {path: code[path] for path in files})
    for name in environment:
        monkeypatch.setattr(run_store, "environment", lambda name=name: {**environment, name: "other"})
        all_inputs.append(run_store.inputs_of(run, shared()))
    monkeypatch.setattr(run_store, "environment", lambda: environment)
    for file in code:
        monkeypatch.setattr(source_closure, "hashes", lambda files, file=file: {**code, file: "other"})
        all_inputs.append(run_store.inputs_of(run, shared()))
    keys = [run_store.key(inputs) for inputs in all_inputs]
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
def test_a_run_file_gives_back_what_it_was_given(result, inputs) -> None:
    content = run_result.dump(result, inputs)
    back, back_inputs = run_result.load(content)
    assert_same(back, result)
    assert back_inputs == inputs
    assert_same(run_result.load(content, with_weights=False)[0], replace(result, weights={}))
    assert run_result.dump(back, dict(reversed(back_inputs.items()))) == content


def test_a_run_file_says_of_draws_by_pass_only_where_there_are_some() -> None:
    plain, drawn = (run_result.dump(RunResult("ok", {}, draws_by_pass=draws), {}) for draws in (False, True))
    assert run_result.load(drawn)[0].draws_by_pass and not run_result.load(plain)[0].draws_by_pass
    name = "draws_by_pass".encode("utf-32-le")  # as NumPy holds texts
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


@pytest.mark.parametrize("about", ["[]", "{}", "3", '{"metrics": 3}', "text"])
def test_another_archive_with_its_checksum_is_refused(about) -> None:
    for arrays_of_it in ({"about": np.array(about)}, {"other": np.array(about)}):
        with pytest.raises(ValueError):
            run_result.load(sealed.archive_bytes(arrays_of_it))
