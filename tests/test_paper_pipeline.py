"""The pipeline of paper/small with real DVC, real workers and convolutional networks, on images in CIFAR's format."""

import hashlib
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from batchwise.data import prepared
from batchwise.training import run_files
from tests.datasets.test_image_data_sets import FILES
from tests.project import Project

SUBSET = {"train_rows": 20, "validation_rows": 10, "test_rows": 10}
STUDY = {
    "data_set": "cifar10",
    "subset": SUBSET,
    "model": {"name": "cnn", "channels": 4, "normalization": "batch"},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 2},
    "schedule": {"warm_up": 0.25, "drops": [0.5]},
    "augmentation": {"pad": 4, "flip": True},
    "weight_decay": 0.0001,
    "learning_rate_scaling": "linear",
    "grid": {"batch_sizes": [4, 16], "base_learning_rates": [0.001], "seeds": 2},
}
GHOST = {
    "model": STUDY["model"] | {"normalization_batch": 8},
    "grid": STUDY["grid"] | {"batch_sizes": [16]},
}
PARAMS = {
    "data_sets": {"cifar10": {"validation_rows": 10, "seed": 0}},
    "studies": {"figure_8": STUDY, "figure_13a_normalization_8": STUDY | GHOST},
}
SMALL = "paper/small"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> dict[str, str]:
    """The variable that names a folder with the archive."""
    folder = tmp_path_factory.mktemp("mirror")
    for name, content in FILES["cifar10"].items():
        (folder / name).write_bytes(content)
        (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    return {"BATCHWISE_DATA_MIRROR": str(folder)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, mirror) -> Project:
    """A project in which `dvc repro` in paper/small has run to its end."""
    project = Project.new(tmp_path_factory.mktemp("paper") / "project")
    project.write_params(PARAMS, SMALL)
    project.commit()
    project.repro(folder=SMALL, BATCHWISE_WORKERS="1", **mirror)
    return project


def test_the_figures_are_compared_with_the_paper(finished) -> None:
    results = pd.read_csv(finished.folder / "paper/small/results.csv").set_index("id")
    assert results.loc["best_8", "n"] == 2
    assert results.loc["best_1", "left_out"] == "figure_1: not in this folder"
    assert results.loc["normalization_smaller_13a", "measured"].endswith("m = 16, k = 8 against 16")
    page = (finished.folder / "paper/small/reports/html/paper.html").read_text(encoding="utf-8")
    assert "20 training, 10 validation and 10 test rows" in page
    for study in PARAMS["studies"]:
        assert (finished.folder / f"paper/small/reports/html/{study}.html").exists()
    assert "Running stage" not in finished.repro(folder=SMALL)


def test_each_project_sees_its_own_pipeline_alone(finished) -> None:
    assert "up to date" in finished.run("dvc", "status", folder=SMALL)
    shown = json.loads(finished.run("dvc", "metrics", "show", "--json", folder=SMALL))
    assert {Path(name).stem for name in shown[""]["data"]} == set(PARAMS["studies"])
    looks = (("status",), ("metrics", "show", "--json"), ("params", "diff"), ("dag",), ("exp", "show", "--csv"))
    printed = {look: finished.run("dvc", *look) for look in looks}
    for text in printed.values():
        text = text.replace("paper/small/evidence.csv", "")  # of which the front page knows
        assert "paper/" not in text and "figure_8" not in text
    assert "report@small" in printed["status",] and "train@small" in printed["dag",]


def test_runs_come_from_the_cache_of_the_project_where_there_is_no_store(finished, tmp_path) -> None:
    project = finished.copy(tmp_path / "project")
    assert project.stored() == 6 and not (project.folder / SMALL / "data/store").exists()  # one store for all
    shutil.rmtree(project.folder / "data/store")
    printed = project.repro("--force", "--single-item", "train@figure_8", folder=SMALL)
    assert "0 trained now, 4 kept from before" in printed


def test_a_study_knows_its_part_of_the_data(finished) -> None:
    folder = finished.folder / "paper/small/data"
    whole = prepared.read(folder / "prepared", "cifar10")
    archive = FILES["cifar10"]["cifar-10-binary.tar.gz"]
    assert whole["files"] == {"cifar-10-binary.tar.gz": hashlib.sha256(archive).hexdigest()}
    assert whole["rows"] == {"train": 40, "validation": 10, "test": 20}
    part = json.loads((folder / "tables/figure_8/summary.json").read_text())["data"]
    assert part["rows"] == {"train": 20, "validation": 10, "test": 10}
    assert part["class_counts"]["train"] == [2] * 10
    assert part["sha256"] != whole["sha256"]


def test_plan_and_reproduce_in_a_folder(finished) -> None:
    there = ("python", "-m", "batchwise", "--folder", "paper/small")
    assert "figure_8: 4 runs, 4 done, 0 to train" in finished.run(*there, "plan")
    printed = finished.run(*there, "reproduce", "figure_8", "--batch-size", "16", "--learning-rate", "0.016")
    assert printed.splitlines() == ["seed 0: exact", "seed 1: exact"]
    assert "--folder 'nowhere': No such file" in finished.run(*there[:-1], "nowhere", "plan", status=1)


def test_a_wrong_archive_is_one_line_and_changes_nothing(finished, tmp_path, mirror) -> None:
    project = finished.copy(tmp_path / "project")
    for name in FILES["cifar10"]:
        (tmp_path / name).write_bytes(b"no archive")
        (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    before = project.bytes_of("paper/small/data/prepared")
    wrong = {"BATCHWISE_DATA_MIRROR": str(tmp_path)}
    printed = project.repro("--force", "--single-item", "preprocess", folder=SMALL, status=255, **wrong)
    assert "SHA256SUMS says 000" in printed and "Traceback" not in printed
    assert project.bytes_of("paper/small/data/prepared") == before


def test_ghost_normalisation_changes_the_runs(finished) -> None:
    weights = {}
    for study in PARAMS["studies"]:
        folder = finished.folder / f"paper/small/data/runs/{study}"
        weights[study] = run_files.load(folder, "m16_lr0.016_seed0").result.weights["000_kernel"].tobytes()
    assert len(set(weights.values())) == 2
