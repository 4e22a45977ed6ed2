"""The files of runs, read: what is said of those that are missing, damaged, or of another run."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.config.grid import Run
from batchwise.training import run_files, run_result, run_shard
from batchwise.training.run_result import RunResult
from tests import shards

RUN = Run(16, 0.125, 0)
WANTED = {"data": "d" * 64, "recipe": {"budget": {"epochs": 2}}}
INPUTS = {**RUN.facts, **WANTED, "code": {}, "environment": {}}
RESULT = RunResult("ok", {"loss": np.ones((2, 3), "float32")}, {"000_kernel": np.ones(2)}, 2)


def write(folder: Path, result: RunResult = RESULT, **changes: object) -> None:
    given = {name: value for name, value in {**INPUTS, **changes}.items() if value is not None}
    facts, shared = shards.split(given)
    shards.write(folder, {RUN.name: run_result.dump(result, facts)}, shared)


def test_a_file_is_read_whole_or_without_its_weights(tmp_path) -> None:
    write(tmp_path)
    for known in ({}, {"data": INPUTS["data"]}, WANTED):
        found = run_files.read(tmp_path, "small", RUN, known)
        assert (found.inputs, list(found.result.weights)) == (INPUTS, ["000_kernel"])
    assert run_files.read(tmp_path, "small", RUN, {}, with_weights=False).result.weights == {}


@pytest.mark.parametrize("rows", [1, 8, 11])
def test_what_test_rows_add_is_read_as_it_was(tmp_path, rows) -> None:
    """Whether they are right is kept as bits, eight a byte."""
    random = np.random.default_rng(rows)
    by_row = {"accuracy": random.random(rows) < 0.5, "loss": random.random(rows).astype("float32")}
    write(tmp_path, replace(RESULT, by_row=by_row))
    found = run_files.read(tmp_path, "small", RUN, {}).result.by_row
    assert {name: (values.dtype, [*values]) for name, values in found.items()} == {
        name: (values.dtype, [*values]) for name, values in by_row.items()
    }


@pytest.mark.parametrize("shape", [(1, 1, 6), (3, 100, 6)])
def test_boxes_that_were_found_are_read_bit_for_bit(tmp_path, shape) -> None:
    boxes = np.random.default_rng(0).normal(size=shape).astype("float32")
    boxes[0, 0, :2] = -0.0, 1e-40
    write(tmp_path, replace(RESULT, predictions=boxes))
    for with_weights in (True, False):
        found = run_files.read(tmp_path, "small", RUN, {}, with_weights=with_weights).result.predictions
        assert (found.dtype, found.shape, found.tobytes()) == (np.float32, shape, boxes.tobytes())


def test_a_file_without_boxes_says_nothing_of_them(tmp_path) -> None:
    """Files without any are no larger for it."""
    write(tmp_path)
    with np.load(io.BytesIO(shards.content(tmp_path, RUN.name))) as file:
        assert "predictions" not in file.files and b'"predictions"' not in file["about"].tobytes()
    found = run_files.read(tmp_path, "small", RUN, {}).result.predictions
    assert (found.shape, found.dtype) == ((0,), np.float32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"effective_batch_size": 8}, "was trained with effective_batch_size 8, and 16 is wanted"),
        ({"learning_rate": 0.25}, "was trained with learning_rate 0.25, and 0.125 is wanted"),
        ({"seed": 1}, "was trained with seed 1, and 0 is wanted"),
        ({"data": "other"}, "was trained with data other, and ddd"),
        ({"recipe": {"budget": {"epochs": 3}}}, "was trained with another recipe"),
        ({"seed": None}, "does not say with which seed it was trained"),
        ({"code": None, "environment": None}, "does not say with which code, environment it was trained"),
        ({"result": RunResult("ok", {"loss": np.ones(8)})}, "without a column for each of train, validation, test"),
        ({"result": RunResult("ok", {"a": np.ones((2, 3)), "b": np.ones((1, 3))})}, "without a column for each"),
    ],
)
def test_a_file_of_another_run_is_named_with_what_to_do(tmp_path, changes, words) -> None:
    write(tmp_path, **changes)
    with pytest.raises(UserError, match=rf"m16_lr0.125_seed0\.npz .*{words}.*; run `dvc repro --force train@small`"):
        run_files.read(tmp_path, "small", RUN, WANTED)


@pytest.mark.parametrize(("content", "words"), [(None, "is missing"), (b"", "is damaged"), (b"text", "is damaged")])
def test_a_file_that_is_missing_or_damaged_is_named_with_what_to_do(tmp_path, content, words) -> None:
    if content is not None:
        (tmp_path / run_shard.name(RUN.name)).write_bytes(content)
    name = r"seed0-99\.zip" if content is not None else r"seed0\.npz"
    with pytest.raises(UserError, match=rf"{name} {words}.*; run `dvc repro --force train@small`"):
        run_files.read(tmp_path, "small", RUN, {})


def test_a_recipe_is_the_same_when_it_was_read_from_a_file(tmp_path) -> None:
    for study in params.load(ROOT / "params.yaml").studies.values():
        write(tmp_path, recipe=study.recipe.model_dump())
        assert run_files.load(tmp_path, RUN.name).shared["recipe"] == study.recipe.model_dump()
