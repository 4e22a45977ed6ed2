"""Runs in lanes of one program: none depends on its lane, nor on its neighbours, and both engines agree."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from batchwise.common.repository import ROOT
from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.config.recipe import Model
from batchwise.training import run_result, trainers
from tests.training.runs import ADAM, MUCH, content, data_set, image_data_set, recipe, streamed, with_small_chunks

pytestmark = pytest.mark.jax
LANES = 5
RUNS = [Run(12, rate, seed) for rate, seed in ((0.01, 1), (0.3, 2), (0.02, 1), (0.1, 7), (0.01, 3))]
BAD = Run(12, 1e19, 4)  # NaN after its first updates
# Of two engines after 3 epochs, relative to the largest entry of a tensor: measured 2e-16 and 2e-7.
AGREEMENT = {"float64": 1e-13, "float32": 1e-5}
ON_TENSORFLOW = """
import sys
sys.path[:0] = ["."]
from batchwise.training import trainers
from tests.training import runs
for dtype in ("float64", "float32"):
    how = runs.recipe("adam", dtype, **runs.ADAM, **runs.MUCH)
    print(runs.content(trainers.load(runs.data_set(), how).run(12, 0.02, 3)).hex())
"""


@pytest.fixture(scope="module")
def trainer() -> Any:
    return trainers.load(data_set(), recipe("adam", lanes=LANES))


@pytest.fixture(scope="module")
def alone(trainer) -> dict[Run, bytes]:
    """Return the bytes of each run as it comes out of a program of its own."""
    return {run: content(trainer.train([run])[0]) for run in [*RUNS, BAD]}


@pytest.mark.parametrize("order", [range(LANES), [4, 2, 0, 3, 1], [1, 0], [3]])
def test_a_run_does_not_depend_on_its_lane_nor_on_how_many_there_are(trainer, alone, order) -> None:
    runs = [RUNS[number] for number in order]
    assert [*map(content, trainer.train(runs))] == [alone[run] for run in runs]


def test_a_diverged_neighbour_changes_nothing(trainer, alone) -> None:
    for place in range(LANES):
        runs = [*RUNS[:place], BAD, *RUNS[place + 1 :]]
        found = trainer.train(runs)
        assert found[place].status == "diverged"
        assert [*map(content, found)] == [alone[run] for run in runs]


def test_more_runs_than_lanes_are_trained_one_program_after_the_other(trainer, alone) -> None:
    runs = [*RUNS, BAD]
    assert [*map(content, trainer.train(runs))] == [alone[run] for run in runs]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (data_set(), {"schedule": {"batch_sizes": {0.4: 2}}}),
        (data_set(), {"budget": {"updates": 7}, "accumulation": 3}),
        (image_data_set(), {"augmentation": {"pad": 1, "flip": True}}),
    ],
    ids=["growing", "updates", "augmentation"],
)
def test_other_recipes_do_not_depend_on_their_lanes_either(data, options) -> None:
    made = trainers.load(data, recipe(lanes=3, **options))
    runs = RUNS[:3]
    together = [*map(content, made.train(runs))]
    assert together == [content(made.train([run])[0]) for run in runs]
    assert [*map(content, made.train([*runs[1:], BAD]))][:2] == together[1:]


CNN = {"model": Model(name="cnn", channels=2, normalization="batch", normalization_batch=9)}


@pytest.mark.parametrize(
    ("data", "options", "others", "m"),
    [
        (data_set(), {"optimizer": "adam", "budget": {"epochs": 2}, "ema": 0.75}, {}, 25),
        (image_data_set(), {"augmentation": {"pad": 1, "flip": True, "zoom": 2.0}}, {}, 7),
        (image_data_set(), {"budget": {"updates": 9}}, CNN, 6),
    ],
    ids=["one batch and a rest", "batches and a rest", "statistics of rows before"],
)
def test_rows_read_from_disk_give_the_bits_of_those_in_memory(data, options, others, m, tmp_path, monkeypatch) -> None:
    """Whatever the neighbours: those of a seed, of which rows are read once, another, and one that diverged."""
    with_small_chunks(monkeypatch)
    how = recipe(lanes=3, **options).model_copy(update=others)
    in_memory, from_disk = trainers.load(data, how), trainers.load(streamed(data, tmp_path), how)
    first, other, same, bad = runs = [replace(run, effective_batch_size=m) for run in (*RUNS[:3], BAD)]
    expected = dict(zip(runs, map(content, in_memory.train(runs)), strict=True))
    for together in ([first, other, same], [same], [other, bad, first]):
        assert [*map(content, from_disk.train(together))] == [expected[run] for run in together]


def test_branches_of_runs_are_trained_together() -> None:
    made = trainers.load(data_set(), recipe(lanes=3, budget={"epochs": 4}))
    branch = Branch(2, 4, 20, 2.0)
    runs = [replace(run, branch=branch) for run in RUNS[:3]]
    found = made.train(runs)
    assert [*map(content, found)] == [content(made.train([run])[0]) for run in runs]
    whole = made.train(RUNS[:3])
    for one, other in zip(found, whole, strict=True):  # the epochs before the branch are those of the run
        np.testing.assert_array_equal(one.metrics["loss"][:3], other.metrics["loss"][:3])
        assert (one.metrics["loss"][3] != other.metrics["loss"][3]).any()


def test_branches_go_on_from_what_is_kept_of_their_runs_with_the_same_bits() -> None:
    """In other lanes too, beside others, of which one has diverged, and from a moment before their own."""
    how = recipe("adam", lanes=3, budget={"epochs": 5}, ema=0.75)
    one, alone = trainers.load(data_set(), how), trainers.load(data_set(), how)
    early, late, other = Branch(1, 3, 20, 2.0), Branch(3, 5, 20, 2.0), Branch(3, 4, 4, 0.5)
    first, second, third = RUNS[:3]
    groups = ((early, [first, BAD, third]), (late, [third, first]), (other, [first, third]), (late, [first, second]))
    trained = []
    for branch, runs in groups:
        asked = [replace(run, branch=branch) for run in runs]
        expected = []
        for run in asked:
            alone.prefix = None
            expected.append(content(alone.train([run])[0]))
        kept = one.prefix
        assert [*map(content, one.train(asked))] == expected
        trained.append(one.prefix is not kept)
    assert trained == [True, True, False, True]  # the beginning: lengthened for the second, trained anew for the last


def test_both_engines_agree_at_the_same_seed() -> None:
    found = subprocess.run([sys.executable, "-c", ON_TENSORFLOW], cwd=ROOT, capture_output=True, text=True, check=True)
    for dtype, line in zip(AGREEMENT, found.stdout.split(), strict=True):
        expected, _ = run_result.load(bytes.fromhex(line))
        how = recipe("adam", dtype, **ADAM, **MUCH)
        result = trainers.load(data_set(), how).run(12, 0.02, 3)
        assert list(result.weights) == list(expected.weights) and list(result.metrics) == list(expected.metrics)
        for one, other in zip(result.weights.values(), expected.weights.values(), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=AGREEMENT[dtype] * np.abs(other).max())
        for name, values in expected.metrics.items():
            np.testing.assert_allclose(result.metrics[name], values, rtol=1e3 * AGREEMENT[dtype])
