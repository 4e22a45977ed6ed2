"""python -m batchwise suggest: real runs find rates whose grid holds the best, the same in every process."""

import argparse
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchwise.analysis.rate_search import Range
from batchwise.analysis.suggested_grid import Suggestion
from batchwise.commands import suggest
from batchwise.commands.suggest import REFINED_SECONDS, SECONDS
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import grid, params, params_file, phases, yaml_file
from batchwise.config.study import Study
from batchwise.data import task
from batchwise.data.dataset import DataSet, Split
from batchwise.execution.run_store import Store
from batchwise.execution.short_runs import ShortRuns
from batchwise.report.sentences import suggestion as sentences
from batchwise.training import run_cost, trainers
from batchwise.training.run_result import without_evaluations
from tests.project import PARAMS, STUDY, Project
from tests.training.runs import data_set, image_data_set, parts_of

DOCUMENT = (ROOT / "docs/learning_rates.md").read_text(encoding="utf-8")
TINY = {**STUDY, "budget": {"epochs": 8}, "grid": {**STUDY["grid"], "batch_sizes": [4, 64], "seeds": 2}}


def study(**changes) -> Study:
    return Study.model_validate({**TINY, **changes})


def found(folder: Path, asked: Study, data: DataSet, **options) -> Suggestion:
    return suggest.suggest("tiny", asked, data, Store(folder / "store"), folder / "timings.csv", **options)


@pytest.mark.parametrize(("optimizer", "scaling"), [("sgd", "linear"), ("adam", "none")])
def test_the_best_rate_of_the_whole_grid_is_within_what_is_suggested(optimizer, scaling, tmp_path) -> None:
    """The truth: every factor of 2, also beyond what is suggested, of three seeds."""
    data = data_set(rows=1000, validation=1000, classes=4)
    asked = study(optimizer={"name": optimizer}, learning_rate_scaling=scaling)
    suggested = found(tmp_path, asked, data).exponents
    trainer = trainers.load(data, asked.recipe)
    for m in (4, 64):
        means = {}
        for exponent in range(suggested[0] - 3, suggested[-1] + 4):
            rate = phases.scaled(2.0**exponent, m, scaling)
            runs = [trainer.run(m, rate, seed) for seed in range(3)]
            means[exponent] = np.mean([run.metrics["accuracy"][-1, 1] if run.status == "ok" else 0 for run in runs])
        best = max(means, key=means.__getitem__)
        assert suggested[0] < best < suggested[-1], (m, means)


def test_what_was_trained_is_kept_and_a_second_call_refines(tmp_path) -> None:
    data, asked = data_set(), study()
    first = found(tmp_path, asked, data)
    assert first.trained and not first.refined
    again = found(tmp_path, asked, data, refine=False)
    assert replace(first, trained=0) == again
    second, third = found(tmp_path, asked, data), found(tmp_path, asked, data)
    assert second.refined and second.trained and replace(second, trained=0) == third
    for m, one in second.ranges.items():
        assert one and first.ranges[m] and one.score >= first.ranges[m].score  # as long, and beside the best


def test_a_short_run_that_is_as_long_is_that_of_the_study(tmp_path) -> None:
    asked, data = study(), data_set()
    runs = ShortRuns(asked, data, SECONDS, Store(tmp_path), tmp_path / "timings.csv")
    assert runs.data is data and runs.budget(4) == asked.budget and runs.share(4) == 1


def test_with_folds_short_runs_are_on_the_rows_of_seed_0(tmp_path) -> None:
    asked, whole = study(folds=4), data_set()
    data = suggest.of_study("tiny", asked, whole)
    assert data.folds is None and data.rows["test"] == sum(whole.rows.values()) // 4
    assert found(tmp_path, asked, data).trained


@pytest.mark.parametrize("budget", [{"epochs": 1000}, {"updates": 100_000}])
def test_how_short_runs_are_is_bounded_by_what_they_compute(budget, tmp_path) -> None:
    asked, data = study(model={"name": "cnn", "channels": 2, "normalization": "none"}, budget=budget), image_data_set()
    shares = []
    for seconds in (SECONDS, REFINED_SECONDS):
        runs = ShortRuns(asked, data, seconds, Store(tmp_path), tmp_path / "timings.csv")
        for m in (4, 40):
            updates = grid.updates(runs.recipe(m), data.rows["train"], m)
            assert 20 <= updates <= seconds / runs.cost.update
        shares.append(runs.share(4))
    assert shares[0] < shares[1] < 1


def test_of_many_rows_some_are_taken_and_no_batch_size_becomes_another(tmp_path, monkeypatch) -> None:
    data = data_set(rows=9000, validation=3000, test=3000)
    monkeypatch.setattr(run_cost, "of_model", lambda *_: run_cost.Cost(1e-3, 1e-3))
    asked = study(grid={**TINY["grid"], "batch_sizes": [4, 1000]})
    runs = ShortRuns(asked, data, SECONDS, Store(tmp_path), tmp_path / "timings.csv")
    assert runs.data.rows == {"train": 1000, "validation": 500, "test": 500}
    assert runs.budget(1000).epochs == 20 and runs.budget(4).updates == 23


def test_a_convolution_counts_at_each_pixel() -> None:
    data = image_data_set()  # of 4 × 3 pixels in 2 channels
    keras = run_cost.keras
    conv, dense = keras.layers.Conv2D(5, 3, padding="same"), keras.layers.Dense(7)
    flat = keras.layers.Flatten()
    model = keras.Sequential([keras.Input(data.train.inputs.shape[1:]), conv, keras.Sequential([flat, dense])])
    assert run_cost.multiply_adds(model) == 4 * 3 * (3 * 3 * 2 * 5) + 4 * 3 * 5 * 7


def test_a_layer_that_does_not_train_counts_and_one_that_looks_up_does_not() -> None:
    keras = run_cost.keras
    words = keras.Input((6,), dtype="int32")
    numbers = keras.layers.Embedding(50, 4)(words)
    state = keras.layers.SimpleRNN(3, trainable=False)(numbers)
    model = keras.Model(words, keras.layers.Dense(2)(state))
    assert run_cost.multiply_adds(model) == 6 * (4 * 3 + 3 * 3) + 3 * 2


@pytest.mark.parametrize(("size", "within"), [(1, "0.02"), (3_000, "60"), (80_000, "1,600"), (1e9, "20,000,000")])
def test_rates_of_a_target_of_any_size_are_told(size, within) -> None:
    """Its unit may be large: a margin in it of a thousand and more has commas."""
    labels = size * np.array([-1.0, 1.0])
    of_task = task.load("regression")
    scale = of_task.labels.scale(labels)
    by = of_task.metrics[0].on(of_task.labels.inside(labels, scale), scale, "EUR")
    ranges = {4: Range(4, -6, -2, -4, -size / 2)}
    suggested = Suggestion(ranges, [-7, -1], by, "validation", {4: 1.0}, refined=False, trained=9)
    assert f"train well, within {within} EUR of the best" in " ".join(sentences.findings("x", study(), suggested))


def told(folder: Path, pattern: str, asked: Study, data: DataSet) -> None:
    with pytest.raises(UserError, match=pattern) as caught:
        found(folder, asked, data)
    assert "\n" not in str(caught.value)


def test_where_no_rate_trains_a_sentence_says_where_to_look(tmp_path) -> None:
    data = data_set()
    blank = {name: Split(0 * part.inputs, part.labels) for name, part in parts_of(data)}
    asked = study(budget={"epochs": 1}, grid={**TINY["grid"], "batch_sizes": [40]})
    told(
        tmp_path,
        "^no learning rate from 2⁻⁵⁰ to 2²⁰ trains 'mlp' on digits in short runs: look at the scale",
        asked,
        replace(data, **blank),
    )


def test_where_all_rates_do_alike_a_sentence_says_so(tmp_path, monkeypatch) -> None:
    trial = suggest.Trial("ok", 0.9)
    monkeypatch.setattr(ShortRuns, "results", lambda _, m, rates: rates)
    monkeypatch.setattr(suggest.rate_search, "trial", lambda *_: trial)
    told(tmp_path, "^every learning rate .* equally well, so there is none to choose", study(), data_set())


def test_a_batch_size_without_memory_is_named(tmp_path, monkeypatch) -> None:
    kind = type(trainers.load(data_set(), study().recipe))
    monkeypatch.setattr(kind, "train", lambda _, runs: [without_evaluations("out_of_memory") for _ in runs])
    told(tmp_path, "^there is no memory for batch size 4; choose a smaller", study(), data_set())


def test_the_grid_is_written_and_an_invalid_one_is_not(tmp_path, monkeypatch) -> None:
    path = tmp_path / "params.yaml"
    text = "# mine\n" + "\n".join(params_file._lines("data_sets", PARAMS["data_sets"]))
    text += "\n\n" + "\n".join(params_file._lines("studies", {"tiny": TINY})) + " # kept\n"
    path.write_text(text)
    suggestion = found(tmp_path, study(), data_set())
    suggest.write("tiny", suggestion, path)
    written = params.load(path).studies["tiny"].grid
    assert written.base_learning_rates == suggestion.base_learning_rates
    assert path.read_text().startswith("# mine\n") and path.read_text().endswith(" # kept\n")
    before = path.read_bytes()
    with pytest.raises(UserError, match="runs"):
        monkeypatch.setattr("batchwise.config.study.MAX_RUNS", 1)
        suggest.write("tiny", suggestion, path)
    assert path.read_bytes() == before


def test_a_process_elsewhere_prints_the_same_and_the_page_of_the_documents_is_true(
    tmp_path, monkeypatch, capfd
) -> None:
    """Whatever the workers, the place, the time zone and the language are."""
    commands = re.findall(r"^python -m batchwise .*$", DOCUMENT, re.MULTILINE)
    assert [command.split()[3:] for command in commands] == [
        ["suggest", "digits_mlp"],
        ["suggest", "digits_mlp", "--write"],
    ]
    once, written = (f"{command.replace('digits_mlp', 'small')} 2>errors.txt" for command in commands)
    project = Project.new(tmp_path / "project", {**PARAMS, "studies": {"small": TINY}})
    elsewhere = {"BATCHWISE_WORKERS": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    printed = project.run("sh", "-c", once, **elsewhere)
    assert "base_learning_rates: [" in printed and "refined" not in printed
    assert "s to train on" in (project.folder / "errors.txt").read_text()
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(suggest, "STORE", tmp_path / "another store")
    suggest.run(argparse.Namespace(study="small", write=False))
    assert capfd.readouterr().out == printed
    refined = project.run("sh", "-c", written)
    assert "  refined: " in refined and "params.yaml has it now" in refined
    line = next(line for line in refined.splitlines() if line.startswith("base_learning_rates: "))
    rates = yaml_file.values(line, "")["base_learning_rates"]
    assert params.load(project.folder / "params.yaml").studies["small"].grid.base_learning_rates == rates
    with pytest.raises(UserError, match="did you mean 'small'"):
        suggest.run(argparse.Namespace(study="smal", write=False))
