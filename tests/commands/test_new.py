"""python -m batchwise new: what a CSV file is taken for, what params.yaml has then, and what is refused."""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from batchwise import __main__ as commands
from batchwise.commands import new
from batchwise.common.errors import UserError
from batchwise.common.exits import exit_with
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.data.csv import columns, proposal
from tests.project import Project

ROWS = 240
COMMAND = ("-m", "batchwise", "new")


def table() -> pd.DataFrame:
    """Return rows of which the quality follows from the rest, two classes among them of unequal size."""
    random = np.random.default_rng(0)
    acid, sugar = random.normal(size=(2, ROWS))
    colour = random.choice(["red", "white"], ROWS)
    quality = 5 + acid - 0.5 * sugar + (colour == "red") + 0.1 * random.normal(size=ROWS)
    columns = {"acid": acid, "sugar": sugar, "colour": colour, "quality": quality.round(3)}
    rare = np.where(quality > np.quantile(quality, 0.9), "good", "fair")
    days = pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d")
    return pd.DataFrame(columns | {"grade": rare, "day": days, "maker": np.arange(ROWS) // 6, "origin": "here"})


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = Project.new(tmp_path_factory.mktemp("new"))
    rows = table()
    rows.to_csv(made.folder / "wine.csv", index=False, sep=";", decimal=",")
    rows[["day", "grade"]].to_csv(made.folder / "days.csv", index=False)
    rows.assign(quality=rows["quality"].where(rows.index < 2)).to_csv(made.folder / "two.csv", index=False)
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(5, 1001))).add_prefix("x").assign(y=range(5))
    wide.to_csv(made.folder / "wide.csv", index=False)
    (made.folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    return made


def test_a_file_becomes_a_study_that_can_be_made(project) -> None:
    """The whole of it: what it says, the learning rates, the entries, and every comment where it was."""
    before = (ROOT / "params.yaml").read_text("utf-8")
    said = project.run(sys.executable, *COMMAND, "wine", "--csv", "wine.csv", "--target", "quality", "--order", "day")
    for words in (
        "wine.csv: 240 rows, 8 columns; decimal commas, semicolons, utf-8",
        "'colour' (2)",
        "left out    'origin': constant",
        "target      'quality': regression",
        "dvc repro report@wine",
    ):
        assert words in said
    after = (project.folder / "params.yaml").read_text("utf-8")
    assert set(before.splitlines()) <= set(after.splitlines())
    checked = params.load(project.folder / "params.yaml")
    entry, study = checked.data_sets["wine"], checked.studies["wine"]
    assert checked.files == {"wine": "wine.csv"}
    assert entry["split"] == {"order": "day"} and entry["numbers"] and "day" not in entry["categories"]
    assert (entry["separator"], entry["decimal"], entry["task"]) == (";", ",", "regression")
    assert study.grid.batch_sizes == [8, 16, 32] and len(study.grid.base_learning_rates) > 2
    assert "missing" not in after.partition("wine:")[2]  # what is as it is by default is left out


def look(folder: Path, *target: str, task: str | None = None) -> tuple[columns.Table, columns.Target]:
    found = columns.look(folder / "wine.csv")
    return found, columns.target(found, target, task)


def test_unequal_classes_are_chosen_by_their_balanced_accuracy(project) -> None:
    found, target = look(project.folder, "grade")
    assert target.task == "binary_classification" and proposal.is_unequal(target)
    assert proposal.study("wine", target, 100)["metric"] == "balanced_accuracy"
    assert "metric" not in proposal.study("wine", look(project.folder, "colour")[1], 100)
    assert any("of 2 ('fair' 216, 'good' 24)" in line for line in proposal.lines(found, target, ["grade"]))


def test_a_task_that_is_named_is_taken(project) -> None:
    assert look(project.folder, "maker", task="count_regression")[1].task == "count_regression"
    with pytest.raises(UserError, match="the target 'grade' has the value 'fair'; the task regression is for numbers"):
        look(project.folder, "grade", task="regression")


@pytest.mark.parametrize("rows", [10, 33, 100, 5000, 10**6])
def test_batch_sizes_are_powers_of_two_from_small_to_a_quarter_of_the_rows(project, rows) -> None:
    study = proposal.study("wine", look(project.folder, "colour")[1], rows)
    sizes, epochs = study["grid"]["batch_sizes"], study["budget"]["epochs"]
    assert sizes == sorted({*sizes}) and all(m & (m - 1) == 0 for m in sizes) and sizes[0] == 8
    assert sizes[-1] <= max(rows // 4, 32) and 5 <= epochs <= 100


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["digits", "--csv", "wine.csv", "--target", "quality"], "'digits' is in the section data_sets of params.yaml"),
        (["other", "--csv", "none.csv", "--target", "quality"], "none.csv cannot be read: No such file or directory"),
        (["other", "--csv", "wine.csv", "--target", "qualty"], "'qualty' is not a known column; allowed: .*'quality'"),
        (["other", "--csv", "wine.csv", "--target", "day"], "the target 'day' is date, of 240 values"),
        (
            ["other", "--csv", "wine.csv", "--target", "origin"],
            "the target 'origin' has one value, 'here', in all rows",
        ),
        (["Wine!", "--csv", "wine.csv", "--target", "quality"], "the name 'Wine!' is not allowed; use lower-case"),
        (["other", "--csv", "days.csv", "--target", "grade"], "days.csv has no column for inputs .* `categories`"),
        (["other", "--csv", "two.csv", "--target", "quality"], "two.csv has 2 rows with a target; at least 3"),
        (["other", "--csv", "wide.csv", "--target", "y"], "wide.csv has 1,001 columns of numbers; at most 1,000"),
        (["other", "--csv", "wine.csv", "--target", "quality", "--groups", "mker"], "'mker' is not a known column"),
        (
            ["other", "--csv", "wine.csv", "--target", "quality", "--task", "sort"],
            "task is 'sort'; it must be 'binary_class",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(project, monkeypatch, capsys, words, sentence) -> None:
    before = (project.folder / "params.yaml").read_bytes()
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(sys, "argv", ["batchwise", "new", *words])
    with pytest.raises(SystemExit) as ended:
        exit_with(lambda: commands.typed()())
    out, error = capsys.readouterr()
    assert ended.value.code == 1 and "error: " not in out
    assert error.startswith("error: ") and error.count("\n") == 1 and error.endswith("\n")
    assert re.search(sentence, error), error
    assert (project.folder / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("rule", ["groups", "order", "column"])
def test_a_column_that_splits_is_no_input_and_is_said_to_split(project, rule) -> None:
    found, target = look(project.folder, "quality")
    said = [*proposal.lines(found, target, ["quality"], {rule: "maker"})]
    assert f"  split       'maker': {rule}" in said and "maker" not in "".join(said).replace("'maker': ", "", 1)
    entry = proposal.data_set(found, target, ["quality"], "wine", {rule: "maker"}, None)
    assert "maker" not in (*entry["numbers"], *entry["categories"])


def test_parts_are_shares_of_the_rows_with_a_target(project) -> None:
    rows = table().assign(quality=table()["quality"].where(np.arange(ROWS) < 100))
    rows.to_csv(project.folder / "part.csv", index=False)
    found = columns.look(project.folder / "part.csv")
    target = columns.target(found, ["quality"])
    entry = proposal.data_set(found, target, ["quality"], "wine", {}, None)
    assert (entry["test_rows"], entry["validation_rows"], entry["missing_target"]) == (20, 20, "drop")


def test_two_splits_are_refused(project) -> None:
    words = ("other", "--csv", "wine.csv", "--target", "quality", "--groups", "maker", "--order", "day")
    assert "--order: not allowed with argument --groups" in project.run(sys.executable, *COMMAND, *words, status=2)


def test_the_key_of_a_test_file_must_be_free(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("files: {wine_test: other.csv}\n")
    given = {"name": "wine", "csv": "wine.csv", "target": ["quality"], "test_file": "more.csv"}
    arguments = argparse.Namespace(**given, images=None, encoding=None)
    with pytest.raises(UserError, match=r"'wine_test' is in the section files of params\.yaml already"):
        new.run(arguments)


def _enough(*arguments: object, **options: object) -> None:
    raise InterruptedError


def test_classes_with_few_test_rows_are_warned_of(project, monkeypatch, capsys) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(new, "suggest", _enough)
    names = dict.fromkeys(("images", "task", "test_file", "groups", "order", "column", "text", "encoding"))
    with pytest.raises(InterruptedError):
        new.run(argparse.Namespace(name="other", csv="wine.csv", target=["grade"], **names))
    assert "warning: Too few test rows to judge by: 5 are good; at least 20" in capsys.readouterr().out


def test_texts_in_another_encoding_than_utf_8(project, monkeypatch, capsys) -> None:
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(new, "suggest", _enough)
    rows = pd.DataFrame({"review": ["とても良い映画", "つまらない映画"] * 30, "stars": [5, 1] * 30})
    rows.to_csv("films.csv", index=False, encoding="cp932")
    given = dict.fromkeys(("images", "task", "test_file", "groups", "order", "column"))
    given |= {"name": "films", "csv": "films.csv", "target": ["stars"]}
    with pytest.raises(InterruptedError):
        new.run(argparse.Namespace(**given, text="review", encoding=None))
    assert "it is no UTF-8; if it is not" in capsys.readouterr().out
    with pytest.raises(InterruptedError):
        new.run(argparse.Namespace(**given, text="review", encoding="cp932"))
    said = capsys.readouterr().out
    assert "text        'review': characters, 13 ids, T = 7 (100 %" in said and "no UTF-8" not in said
    with pytest.raises(UserError, match="'stars' is given as --text and as --target; a column has one role"):
        new.run(argparse.Namespace(**given, text="stars", encoding="cp932"))
