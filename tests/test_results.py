"""What `read` gives of a study: its tables, and weights and models that are those of its runs."""

import contextlib
import itertools
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from batchwise import read
from batchwise.analysis import confirmation, run_metrics, tabulate
from batchwise.common.errors import UserError
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT
from batchwise.common.stage_code import listing
from batchwise.config import checked, grid, params
from batchwise.data import loading, prepared
from batchwise.data.dataset import SPLITS, DataSet
from batchwise.data.splitting import standardise
from batchwise.execution import run_store
from batchwise.results import Results
from batchwise.runtime.keras import keras
from batchwise.training import run_files, run_result, trainers
from stages import evaluate
from tests import shards
from tests.project import of_engine
from tests.training.runs import data_set, image_data_set

# Keras hands a variable of TensorFlow to NumPy when it saves.
saving = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

TABLE = {
    "data_set": "digits",  # params.yaml must name one that is there; the data are made up
    "model": {"name": "mlp", "hidden_units": [5]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 4},
    "learning_rate_scaling": "linear",
    "grid": {"batch_sizes": [4, 16, 1000], "base_learning_rates": [0.01, 1e18], "seeds": 2},
    **of_engine(lanes=1),
}
RESNET = {"name": "resnet", "depth": 8, "normalization": "batch", "normalization_batch": 3}
IMAGES = {**TABLE, "model": RESNET, "grid": {"batch_sizes": [8], "base_learning_rates": [0.001], "seeds": 1}}


def centred(data: DataSet) -> DataSet:
    """Return the data set with columns that are standardised by its training rows."""
    parts = standardise((data.train, data.validation, data.test))
    return replace(data, **dict(zip(SPLITS, parts, strict=True)))


ONE_SIZE = {**TABLE, "grid": {**TABLE["grid"], "batch_sizes": [4]}}
TWO_RATES = {"batch_sizes": [4, 16], "base_learning_rates": [0.01, 0.02], "seeds": 2}
MADE = {
    "table": (TABLE, data_set),
    "double": ({**ONE_SIZE, "dtype": "float64"}, data_set),
    "images": (IMAGES, image_data_set),
    "confirmed": ({**TABLE, "grid": TWO_RATES, "confirmation": {"most_seeds": 10}}, data_set),
    "folds": ({**ONE_SIZE, "folds": 3}, lambda: centred(data_set())),
}


def make(folder: Path, study: dict[str, Any], data: DataSet) -> Path:
    """Write a project whose one study, tiny, was trained and evaluated."""
    folder.mkdir()
    options = {"test_rows": 9, "validation_rows": 11, "seed": 0}
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump({"data_sets": {"digits": options}, "studies": {"tiny": study}}, file)
    asked = params.load(folder / "params.yaml")
    made, place = asked.studies["tiny"], folder / "data/prepared"
    prepared.save(data, place, "digits", options, prepared.code_of("digits"))
    data = loading.part(data, None, None, made.folds)
    prepared.save_part(data, place, "tiny", options, {"data_set": "digits", "subset": None})
    trainer, shared = (
        trainers.load(data, made.recipe),
        run_store.inputs(made.recipe, data.description.task, data.sha256),
    )

    def train(kind: str, runs: Iterable[grid.Run]) -> None:
        results = {run: trainer.run(run.effective_batch_size, run.learning_rate, run.seed) for run in runs}
        contents = {run.name: run_result.dump(results[run], run.facts) for run in sorted(results)}
        shards.write(folder / "data" / kind / "tiny", contents, shared)

    def confirm(cells: list[list[grid.Run]]) -> np.ndarray:
        train("confirmed", itertools.chain(*cells))
        return confirmation.measured(folder / "data/confirmed/tiny", "tiny", made, manifest, metrics[0], cells)

    train("runs", grid.runs(made, data.rows["train"]))
    manifest = prepared.read_part(place, "tiny")
    metrics = loading.metrics(made, manifest)
    by_run = run_metrics.read(folder / "data/runs/tiny", "tiny", made, manifest)
    confirmation.fresh_runs(made, tabulate.choose(made, manifest["rows"], metrics, by_run), metrics[0], confirm)
    with contextlib.chdir(folder):
        for name, content in checked.files(asked).items():
            write_bytes(Path(name), content)
        evaluate.main("tiny")
    return folder


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("projects")
    return {name: make(place / name, study, of_data()) for name, (study, of_data) in MADE.items()}


@pytest.fixture(scope="module")
def table(projects: dict[str, Path]) -> Results:
    return read("tiny", folder=str(projects["table"]))


def ended_ok(results: Results) -> pd.DataFrame:
    return results.runs[results.runs["status"] == "ok"]


@pytest.mark.parametrize("kind", MADE)
def test_a_model_has_the_accuracy_that_its_run_has(kind: str, projects: dict[str, Path]) -> None:
    results, policy = read("tiny", projects[kind]), keras.config.dtype_policy()
    runs = ended_ok(results).drop_duplicates(["effective_batch_size", "learning_rate", "seed"])
    assert len(runs)
    for row in runs.itertuples():
        model = results.model(row.batch_size, row.learning_rate, row.seed)
        for split in SPLITS:
            part = getattr(results.data_of(row.seed), split)
            predicted = model.predict(part.inputs, verbose=0).argmax(axis=1)
            assert (predicted == part.labels).mean() == getattr(row, f"{split}_accuracy_final"), (row, split)
    assert keras.config.dtype_policy() == policy and keras.config.floatx() == "float32"


@pytest.mark.parametrize("kind", MADE)
def test_weights_are_those_of_the_file_in_the_order_of_the_model(kind: str, projects: dict[str, Path]) -> None:
    results = read("tiny", projects[kind])
    row = ended_ok(results).iloc[-1]
    cell = row["batch_size"], row["learning_rate"], row["seed"]
    weights, model = results.weights(*cell), results.model(*cell)
    assert len(weights) == len(model.variables) > 1
    for value, variable in zip(weights.values(), model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    run = grid.Run(int(row["effective_batch_size"]), float(row["learning_rate"]), int(row["seed"]))
    kept = run_files.load(projects[kind] / "data/runs/tiny", run.name).result.weights
    assert [*kept] == [*weights]


def test_runs_of_fresh_seeds_are_there_at_the_chosen_rates(projects: dict[str, Path]) -> None:
    results = read("tiny", projects["confirmed"])
    assert sorted({*results.confirmed["seed"]}) == [*range(2, 12)] and sorted({*results.runs["seed"]}) == [0, 1]
    assert len(read("tiny", projects["table"]).confirmed) == 0
    for row in results.confirmed.drop_duplicates("batch_size", keep="last").itertuples():
        cell = row.batch_size, row.learning_rate, row.seed
        run = grid.Run(row.effective_batch_size, row.learning_rate, row.seed)
        kept = run_files.load(projects["confirmed"] / "data/confirmed/tiny", run.name).result.weights
        np.testing.assert_equal(results.weights(*cell), kept)
        test = results.data_of(row.seed).test
        predicted = results.model(*cell).predict(test.inputs, verbose=0).argmax(axis=1)
        assert (predicted == test.labels).mean() == row.test_accuracy_final
        refused(r"^seed 12 is not in the grid or a fresh one; they are 0 to 11$", results.weights, *cell[:2], 12)
        other = next(rate for rate in (0.01 * cell[0], 0.02 * cell[0]) if not np.isclose(rate, cell[1]))
        assert results.weights(cell[0], other, 1)
        refused(
            rf"has no fresh seeds, from 2 on: the chosen one has them, {cell[1]:g}$", results.weights, cell[0], other, 2
        )


@saving
@pytest.mark.parametrize("kind", MADE)
def test_a_model_that_is_saved_and_loaded_predicts_the_same(
    kind: str, projects: dict[str, Path], tmp_path: Path
) -> None:
    results = read("tiny", projects[kind])
    row = ended_ok(results).iloc[0]
    inputs = results.data_of(row["seed"]).test.inputs
    model = results.model(row["batch_size"], row["learning_rate"], row["seed"])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(inputs, verbose=0), model.predict(inputs, verbose=0))


def test_a_model_takes_a_table_of_pandas(table: Results) -> None:
    row, inputs = ended_ok(table).iloc[0], table.data.test.inputs
    model = table.model(row["batch_size"], row["learning_rate"], row["seed"])
    of_pandas = model.predict(pd.DataFrame(inputs), verbose=0)
    np.testing.assert_array_equal(of_pandas, model.predict(inputs, verbose=0))


def test_with_folds_each_seed_has_rows_of_its_own(projects: dict[str, Path], table: Results) -> None:
    results = read("tiny", projects["folds"])
    refused(r"^each seed of tiny has rows of its own \(folds: 3\); name one: data_of\(seed\)$", lambda: results.data)
    one, other = (results.data_of(seed) for seed in (0, 1))
    assert (
        one.rows == other.rows == {"train": 20, "validation": 20, "test": 20} == results.tables.summary["data"]["rows"]
    )
    assert one.test.inputs.tobytes() != other.test.inputs.tobytes()
    refused(r"^seed 2 is not in the grid; it has 0 to 1$", results.data_of, 2)
    assert table.data_of(1) is table.data


def test_tables_are_those_of_the_files(table: Results) -> None:
    for name in ("cells", "batch_sizes", "runs", "curves", "columns"):
        written = pd.read_csv(table.folder / f"data/tables/tiny/{name}.csv")
        assert [*getattr(table, name).columns] == [*written.columns] and len(getattr(table, name)) == len(written)
    assert {*table.cells, *table.curves} <= {*table.columns["column"]}
    assert "tiny" in repr(table) and len(repr(table)) < 200


def test_it_reads_where_it_is_called(projects: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(projects["table"])
    here = read("tiny")
    monkeypatch.chdir(projects["table"].parent)
    pd.testing.assert_frame_equal(here.runs, read("tiny", folder="table").runs)
    row = ended_ok(here).iloc[0]
    assert here.weights(row["batch_size"], row["learning_rate"], row["seed"])  # whatever the folder is now


# What cannot be read is told in a sentence.


def refused(pattern: str, call: Any, *arguments: Any) -> None:
    with pytest.raises(UserError, match=pattern) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)


def test_a_run_outside_the_grid_is_refused(table: Results) -> None:
    for call in (table.weights, table.model):
        refused(r"^batch size 5 is not in the grid; it has 4, 16, 1000$", call, 5, 0.04, 0)
        refused(r"^learning rate 0\.05 is not in the grid at batch size 4; it has 0\.04, 4e\+18$", call, 4, 0.05, 0)
        refused(r"^seed 2 is not in the grid; it has 0 to 1$", call, 4, 0.04, 2)
        refused(r"^learning_rate is '0\.04'; a number is expected$", call, 4, "0.04", 0)
        refused(r"^seed 0 at batch size 4 and learning rate 4e\+18 has no weights: it ended diverged", call, 4, 4e18, 0)


numbers = st.one_of(
    st.integers(-5, 1100), st.floats(), st.sampled_from([4, 16, 1000, 0.04, 0.16, 0.4, 0, 1]), st.text()
)


@given(numbers, numbers, st.one_of(numbers, st.none(), st.lists(st.integers())))
def test_any_run_is_there_or_refused_in_a_sentence(table: Results, m: Any, rate: Any, seed: Any) -> None:
    try:
        assert table.weights(m, rate, seed)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 400


def test_a_study_that_is_not_there_is_refused(projects: dict[str, Path], tmp_path: Path) -> None:
    refused(
        r"^'tinny' is not a known study of params\.yaml; allowed: tiny; did you mean 'tiny'\?$",
        read,
        "tinny",
        projects["table"],
    )
    refused(
        r"^there is no params\.yaml in .*; name the project's folder: read\('tiny', folder=…\)$", read, "tiny", tmp_path
    )
    (tmp_path / "params.yaml").write_bytes((projects["table"] / "params.yaml").read_bytes())
    refused(r"^tiny has no results yet: .* `dvc repro report@tiny` in .* makes them$", read, "tiny", tmp_path)


def test_what_is_stale_or_gone_is_told(tmp_path: Path) -> None:
    folder = make(tmp_path / "project", ONE_SIZE, data_set())
    results, cell = read("tiny", folder), (4, 0.04, 0)
    write_params = YAML(typ="safe")
    edited = write_params.load(folder / "params.yaml")
    edited["studies"]["tiny"]["grid"]["seeds"] = 3
    write_params.dump(edited, folder / "params.yaml")
    with pytest.warns(UserWarning, match=r"^tiny was edited in params\.yaml since its results were made; `dvc repro"):
        read("tiny", folder)
    other = data_set(classes=3, shape=(7,))
    prepared.save(other, folder / "data/prepared", "digits", {}, {})
    refused(r"has other data than these results are of; `dvc repro report@tiny`", results.model, *cell)
    (folder / "data/prepared/digits.npz").unlink()
    refused(r"digits\.npz cannot be read", results.model, *cell)
    runs, name = folder / "data/runs/tiny", "m4_lr0.04_seed0"
    shards.change_inputs(runs, name, lambda inputs: inputs["code"].update({"batchwise/models/mlp.py": "0" * 64}))
    refused(r"^batchwise/models/mlp\.py was edited since this run was trained", results.model, *cell)
    assert results.weights(*cell)
    shards.remove(runs, name)
    refused(r"m4_lr0\.04_seed0\.npz is missing; run `dvc repro", results.weights, *cell)


# What it costs those who do not use it.


def printed(script: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{script}\nprint(*sys.modules)"]
    return {*subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()}


def test_modules_are_imported_when_they_are_needed(projects: dict[str, Path]) -> None:
    assert not printed("import batchwise") & {"numpy", "pandas", "pydantic", "batchwise.results"}
    loaded = printed(f"from batchwise import read\nread('tiny', {str(projects['table'])!r}).weights(4, 0.04, 0)")
    assert "pandas" in loaded and not loaded & {"tensorflow", "keras", "dask"}


@pytest.mark.parametrize("stage", ["check", "preprocess", "train", "evaluate", "profile", "report", "summary"])
def test_no_stage_is_made_of_it(stage: str) -> None:
    files = {line.split("  ")[1] for line in listing(stage).decode().splitlines()}
    assert "batchwise/__init__.py" in files
    assert not files & {"batchwise/results.py", "batchwise/training/trained_model.py"}


# Its page.


@saving
def test_the_page_of_the_documents_is_true(projects: dict[str, Path], tmp_path: Path) -> None:
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    with contextlib.chdir(projects["table"]):
        exec(block.replace("digits_mlp", "tiny").replace("m.keras", str(tmp_path / "m.keras")), names)
    assert (tmp_path / "m.keras").exists()
