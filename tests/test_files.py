"""Files of the user's with real DVC: a change is seen, and retrains what reads the file; a shell sees no path."""

import numpy as np
import pandas as pd
import pytest

from tests.project import STUDY, Project
from tests.test_pipeline import planned

TABLE = '''\
"""Rows of a CSV file."""

import pandas as pd

from batchwise.common.option_types import File
from batchwise.data.dataset import DataSet, Description
from batchwise.data.splitting import split, standardise

ABOUT = Description("Rows", "multiclass_classification", source="tests", licence="none")


def prepare(*, file: File) -> DataSet:
    table = pd.read_csv(file)
    print("prepared", file)
    parts = split(table[["x", "y"]].to_numpy(), table["c"].to_numpy(), validation_rows=9, test_rows=9, seed=0)
    return DataSet(ABOUT, ("a", "b", "c"), *standardise(parts))
'''
SMALL = {"budget": {"epochs": 2}, "grid": {"batch_sizes": [8], "base_learning_rates": [0.01], "seeds": 1}}
TRAINED = ("train@one", "train@two")
ONE_WORKER = {"BATCHWISE_WORKERS": "1"}  # for one run
ODD = "my data/größe $(touch pwned) 'a' [1] #&.csv"
GIVEN = {
    "files": {"wine": "wine.csv", "odd": ODD},
    "data_sets": {"one": {"name": "table", "file": "wine"}, "two": {"name": "table", "file": "odd"}},
    "studies": {name: {**STUDY, **SMALL, "data_set": name} for name in ("one", "two")},
}


def write_rows(project: Project, name: str, seed: int) -> None:
    random, path = np.random.default_rng(seed), project.folder / name
    path.parent.mkdir(exist_ok=True)
    table = {"x": random.normal(size=60), "y": random.normal(size=60), "c": np.arange(60) % 3}
    pd.DataFrame(table).to_csv(path, index=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Project:
    """A project with two data sets, each of a file, of which the studies were trained."""
    project = Project.new(tmp_path_factory.mktemp("files") / "project", GIVEN)
    (project.folder / "batchwise/datasets/table.py").write_text(TABLE)
    write_rows(project, "wine.csv", 0), write_rows(project, ODD, 1)
    printed = project.repro(*TRAINED, **ONE_WORKER)
    assert "prepared wine.csv" in printed and f"prepared {ODD}" in printed
    assert "up to date" in project.run("dvc", "status", "--with-deps", *TRAINED)
    return project


@pytest.fixture
def project(trained, tmp_path) -> Project:
    """A copy of it, to change."""
    return trained.copy(tmp_path / "project")


def test_a_change_of_a_file_is_seen_and_retrains_the_study_that_reads_it_alone(project) -> None:
    write_rows(project, "wine.csv", 2)
    changed = project.run("dvc", "status")
    assert "modified:           wine.csv" in changed and "größe" not in changed
    plan = planned(project.run("python", "-m", "batchwise", "plan"))
    assert {"file@wine", "preprocess", "train@one"} <= plan and not {"file@odd", "train@two"} & plan
    printed = project.repro(*TRAINED, **ONE_WORKER)
    assert "prepared wine.csv" in printed and f"prepared {ODD}" not in printed
    assert "one: 1 runs" in printed and "1 trained now" in printed and "Stage 'train@two' didn't change" in printed
    assert "up to date" in project.run("dvc", "status", "--with-deps", *TRAINED)
    assert not list(project.folder.rglob("pwned"))


def test_a_file_that_is_gone_is_named(project) -> None:
    (project.folder / "wine.csv").unlink()
    assert "deleted:            wine.csv" in project.run("dvc", "status")
    for command in (("check",), ("plan",)):
        said = project.run("python", "-m", "batchwise", *command, status=1)
        assert said.startswith("error: params.yaml: files.wine: there is no wine.csv in ") and said.count("\n") == 1
    printed = project.repro("train@one", status=255)
    assert f"No such file or directory: '{project.folder}/wine.csv'" in printed and "Traceback" not in printed


# {what `files` holds: what stage check says of it}
WRONG = {
    "$(touch pwned); touch pwned": "files.wine: there is no $(touch pwned); touch pwned in ",
    "/tmp": "files.wine: '/tmp' is no path from here",
    "s3://bucket/wine.csv": "files.wine: 's3://bucket/wine.csv' is an address",
    3: "files.wine is 3; it must be text",
}


def test_what_cannot_be_watched_is_told_by_check_before_anything_changes(trained) -> None:
    lock, state = trained.lock(), trained.bytes_of("data")
    try:
        for path, words in WRONG.items():
            trained.write_params({**GIVEN, "files": {**GIVEN["files"], "wine": path}})
            printed = trained.repro(*TRAINED, status=255)
            (told,) = [line for line in printed.splitlines() if line.startswith("error: ")]
            assert told.startswith("error: params.yaml: ") and words in told and "Traceback" not in printed
    finally:
        trained.write_params(GIVEN)
    assert (trained.lock(), trained.bytes_of("data")) == (lock, state)
    assert not list(trained.folder.rglob("pwned"))


def test_an_undeclared_file_stops_preprocess_with_the_line_to_write(project) -> None:
    path = project.folder / "batchwise/datasets/table.py"
    path.write_text(TABLE.replace("pd.read_csv(file)", 'pd.read_csv("wine.csv")'))
    line = TABLE.splitlines().index("    table = pd.read_csv(file)") + 1
    printed = project.repro(*TRAINED, status=255)
    assert (
        f"error: data set two (batchwise/datasets/table.py, line {line}): it reads wine.csv, which is not declared, so "
        "that no change of it would be seen; write `files: { wine: wine.csv }` in params.yaml" in printed
    )
