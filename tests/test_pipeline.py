"""Whole pipelines with real DVC and real workers: what is trained, what is not, and that the bytes are the same."""

import copy
import fcntl
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import struct
import termios
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.execution.run_store import DATABASE
from batchwise.training import run_files, run_shard
from tests import project as projects
from tests import shards
from tests.project import HANG, Project

# Two batch sizes: one beside which no neighbour is measured, and one of more rows than there are.
GRID = {"batch_sizes": [4, 2048], "base_learning_rates": [0.0078125, 0.5], "seeds": 3}
RUNS = 12
STUDY = {**projects.STUDY, "grid": GRID}
PARAMS = {**projects.PARAMS, "studies": {"small": STUDY}}
CELL = ("reproduce", "small", "--batch-size", "4", "--learning-rate", "2")
RUN = "m4_lr2.0_seed2"  # of this cell
OTHER_MACHINE = {"ONEDNN_MAX_CPU_ISA": "SSE41", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Project:
    """A project whose `dvc repro` has run to its end."""
    project = Project.new(tmp_path_factory.mktemp("finished") / "project", PARAMS)
    (project.folder.parent / "printed.txt").write_text(project.repro(BATCHWISE_WORKERS="2"), encoding="utf-8")
    project.commit()
    return project


@pytest.fixture
def project(finished, tmp_path, monkeypatch) -> Project:
    """A copy of the finished project, to change, with one worker: each more has TensorFlow and programs of its own."""
    monkeypatch.setenv("BATCHWISE_WORKERS", "1")
    return finished.copy(tmp_path / "project")


def with_study(**changes) -> dict:
    study = copy.deepcopy(STUDY)
    for key, value in changes.items():
        study["grid" if key in study["grid"] else key] |= {key: value} if key in study["grid"] else value
    return {**PARAMS, "studies": {"small": study}}


def test_a_first_repro_ends_with_a_report_and_the_next_has_nothing_to_do(project) -> None:
    assert "<html" in (project.folder / "reports/html/small.html").read_text(encoding="utf-8")
    assert "Running stage" not in project.repro()
    assert "`dvc repro` has nothing to do" in project.run("python", "-m", "batchwise", "plan")
    assert "small.html" in (project.folder / "reports/html/index.html").read_text(encoding="utf-8")


def test_a_log_has_the_first_and_the_last_line_of_a_study(finished) -> None:
    printed = (finished.folder.parent / "printed.txt").read_text(encoding="utf-8")
    first, *_, last = [line for line in printed.splitlines() if line.startswith("train@small: ")]
    assert first.startswith(f"train@small: 0/{RUNS} runs, ") and first.endswith(" left, workers start")
    assert re.match(rf"train@small: {RUNS}/{RUNS} runs, .*[0-9]+ diverged$", last)
    assert "\r" not in printed and "\033" not in printed and "dvc repro " not in first  # nothing was timed before


def test_a_terminal_has_one_line_in_place_that_knows_how_long_the_other_stages_take(project) -> None:
    project.write_params(with_study(base_learning_rates=[0.0078125, 0.25, 0.5]))
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = project.start("dvc", "repro", "report@small", terminal=terminal)
    os.close(terminal)
    printed = ""
    while not re.search("6/6 runs.*\n", printed):
        printed += os.read(controller, 65536).decode()
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # at its end
        while os.read(controller, 65536):
            pass
    process.wait(HANG)
    lines = [line.split("\r\n")[0] for line in printed.split("\r\033[K") if line.startswith("train@small: ")]
    assert len(lines) >= 3 and all(len(line) < 100 for line in lines)
    counts = [int(re.match(r"train@small: (\d+)/6 runs", line)[1]) for line in lines]
    assert counts == sorted(counts) and counts[-1] == 6
    assert any(re.search(", dvc repro ([0-9]+ min )?[0-9]+ s", line) for line in lines[1:])
    assert re.search("m (4|1200) (compiles|η [0-9.]+)$", "\n".join(lines), re.MULTILINE)
    os.close(controller)


STAGES = """
from batchwise.commands.changed_stages import changed_stages
from batchwise.config import params
from batchwise.execution import remaining_stages
found = remaining_stages.will_run(params.load(), ("train", "small"))
asked = [stage for stage in changed_stages(params.load()) if stage[0] not in remaining_stages.BEFORE]
print(sorted(found) == sorted({*asked} - {("train", "small")}), len(found), sorted(found), asked)
"""


def test_which_stages_will_run_is_what_dvc_says(project) -> None:
    """Of a study that is trained, whatever else changed; what comes before it is done."""
    project.write_params({**PARAMS, "studies": {"small": {**STUDY, "budget": {"epochs": 3}}, "other": STUDY}})
    project.repro("check", "preprocess", "code")
    assert project.run("python", "-c", STAGES).startswith("True 13 ")
    (project.folder / "dvc.lock").write_text("stages: [", encoding="utf-8")
    asked = "from batchwise.execution import remaining_stages as r; r._asked_for = list; print(r.seconds_after_this())"
    assert project.run("python", "-c", asked) == "None\n"


def test_advice_names_a_batch_size_that_fits_or_says_that_none_does(project) -> None:
    advise = ("python", "-m", "batchwise", "advise", "small")
    assert re.match(r"With 64.0 GB of memory and no deadline use m = 4, η = ", project.run(*advise, "--memory", "64GB"))
    assert "no batch size can be named: none fits" in project.run(*advise, "--memory", "1MB", status=1)
    for given in (("--memory", "much"), ("--time", "10"), ("--memory", "0GB")):
        printed = project.run(*advise, *given, status=2)
        assert given[1] in printed and "allowed are" in printed and "Traceback" not in printed


def test_a_diverged_run_is_a_result(project) -> None:
    summary = json.loads((project.folder / "data/tables/small/summary.json").read_text())
    assert summary["grid"]["runs"] == RUNS
    assert summary["runs_by_status"]["diverged"] > 0
    shown = json.loads(project.run("dvc", "metrics", "show", "--json", "data/metrics"))
    assert "NaN" not in json.dumps(shown)


def test_a_cell_is_reproduced_alone_without_the_store(project) -> None:
    shutil.rmtree(project.folder / "data/store")
    printed = project.run("python", "-m", "batchwise", *CELL)
    assert printed.splitlines() == ["seed 0: exact", "seed 1: exact", "seed 2: exact"]
    assert not (project.folder / "data/store").exists()


def test_a_cell_that_cannot_be_reproduced_says_what_differs(project) -> None:
    printed = project.run("python", "-m", "batchwise", *CELL, status=1, **OTHER_MACHINE)
    assert "first epoch that differs" in printed
    assert "first tensor that differs: 000_kernel" in printed
    assert "  XLA_FLAGS: nothing → --xla_cpu_max_isa=SSE4_2" in printed.splitlines()


def verify(project, *words: str, status: int = 0) -> str:
    return project.run("python", "-m", "batchwise", "verify", *words, status=status)


def test_results_are_verified_against_what_is_committed(project) -> None:
    assert verify(project, "small") == f"small: results equal byte for byte ({RUNS} runs)\n"
    shards.change(project.folder / "data/runs/small", RUN, lambda result: np.add.at(result.metrics["loss"], (1, 2), 1))
    printed = verify(project, status=1).splitlines()
    assert printed[:2] == [f"small: results differ: 1 of {RUNS} runs", f"  first run that differs: {RUN}"]
    assert printed[2].startswith("  first epoch that differs: 1, test loss ")
    shutil.rmtree(project.folder / ".dvc/cache")
    printed = verify(project, status=1).splitlines()
    assert printed[3:5] == ["  first epoch that differs: 1", "  the environments are the same"]
    project.run("git", "rm", "--quiet", "--cached", "reports/checksums/small.json")
    project.run("git", "commit", "--quiet", "-m", "without")
    assert "no results are committed: reports/checksums/small.json is not in git" in verify(project)
    shutil.rmtree(project.folder / "data/runs")
    assert "no results are here; `dvc repro --force train@small` makes them" in verify(project)


def test_results_of_another_machine_differ_in_a_clone_without_a_cache_too(project) -> None:
    shutil.rmtree(project.folder / ".dvc/cache")
    project.repro("--force", "--single-item", "train@small", **OTHER_MACHINE)
    printed = verify(project, status=1)
    assert "first epoch that differs: " in printed and "first tensor that differs: 000_kernel" in printed
    assert "  XLA_FLAGS: nothing → --xla_cpu_max_isa=SSE4_2" in printed.splitlines()


def test_an_edit_that_changes_no_bit_is_verified_as_equal(project) -> None:
    project.append("batchwise/training/trainer.py", "CHANGED = 1\n")
    project.repro("evaluate@small")
    assert verify(project).splitlines() == [
        f"small: results equal byte for byte ({RUNS} runs)",
        "  although made from other inputs: data/code/train.txt changed",
    ]
    assert "reports/checksums" not in project.run("git", "status", "--short")


def test_fresh_seeds_of_the_chosen_cells_are_trained_once_verified_and_reproduced(project) -> None:
    """Ten of the batch size at which a rate is chosen, no other run again; the same ones without what is kept."""
    confirmed = {**STUDY, "confirmation": {"most_seeds": 10}}
    project.write_params({**PARAMS, "studies": {"small": confirmed}})
    printed = project.repro("evaluate@small")
    assert f"0 trained now, {RUNS} kept from before" in printed and "10 trained now, 0 kept from before" in printed
    runs, folder = project.bytes_of("data/confirmed/small"), project.folder / "data/confirmed/small"
    names = run_files.run_names(folder)
    assert {name.rpartition("seed")[2] for name in names} == {str(seed) for seed in range(3, 13)}
    summary = json.loads((project.folder / "data/tables/small/summary.json").read_text())
    assert summary["confirmation"]["seeds"] == summary["test_accuracy"]["n"] == 10
    project.commit()
    assert verify(project) == f"small: results equal byte for byte ({RUNS + 10} runs)\n"
    lock = project.lock()
    shutil.rmtree(project.folder / "data/store")
    cell = ("--batch-size", "4", "--learning-rate", re.search("m4_lr(.*)_", names[0])[1])
    printed = project.run("python", "-m", "batchwise", "reproduce", "small", *cell)
    assert printed.splitlines() == [f"seed {seed}: exact" for seed in range(13)]
    shards.change(folder, names[0], lambda result: np.add.at(result.metrics["loss"], (1, 2), 1))
    assert f"first run that differs: {names[0]}" in verify(project, status=1)
    for folder in ("data/confirmed", ".dvc/cache"):
        shutil.rmtree(project.folder / folder)
    project.repro("--force", "--single-item", "confirm@small")
    assert project.bytes_of("data/confirmed/small") == runs and project.lock() == lock


def planned(printed: str) -> set[str]:
    """Return the stages that a plan names."""
    return set(re.findall(r"^  ([a-z]+(?:@\w+)?): ", printed, re.MULTILINE))


def test_a_plan_names_the_stages_that_dvc_runs_and_how_long_they_take(project) -> None:
    for content in ("rows", "other rows"):  # a file of the user's that has changed is no stage
        (project.folder / "wine.csv").write_text(content)
        if not (project.folder / "wine.csv.dvc").exists():
            project.run("dvc", "add", "wine.csv")
    project.append("batchwise/report/figures/plots.py", "CHANGED = 1\n")
    printed = project.run("python", "-m", "batchwise", "plan")
    project.repro("code")
    would_run = stages_of_a_right_plan(project, printed)
    assert "report@small" in would_run and not {"train@small", "evaluate@small"} & {*would_run, *planned(printed)}
    project.write_params(with_study(seeds=4))
    printed = project.run("python", "-m", "batchwise", "plan")
    assert "train@small" in stages_of_a_right_plan(project, printed)


def stages_of_a_right_plan(project: Project, printed: str) -> set[str]:
    """Return the stages that DVC would run now, all of which a plan must name."""
    assert re.search(r"\n  in all about .*, of which DVC itself \d+ s\n$", printed) and "guess" not in printed
    would_run = set(re.findall("Running stage '(.*)'", project.repro("--dry")))
    assert would_run <= planned(printed)
    return would_run


def test_growing_trains_what_is_new_and_shrinking_leaves_no_trace(project, finished) -> None:
    """In a clone that pulled the results, and has no store; DVC does not look at what is in a file of its cache."""
    shutil.rmtree(project.folder / "data/store")
    project.write_params(with_study(base_learning_rates=[0.0078125, 0.015625, 0.5]))
    plan = project.run("python", "-m", "batchwise", "plan", "small")
    assert "18 runs, 12 done, 6 to train" in plan and "`dvc repro report@small` would run, at most:" in plan
    assert "train@small" in planned(plan) and "summary" not in planned(plan)
    assert "6 to train: new in the grid" in plan
    project.write_params(PARAMS)

    damage_in_the_cache(project, project.folder / "data/runs/small", RUN)
    assert project.run("git", "status", "--porcelain") == ""
    grown = ("-S", "studies.small.grid.seeds=4")
    printed = project.run("dvc", "exp", "run", "--name", "more", *grown, "evaluate@small")
    assert "small: made again, since their files in data/store or in DVC's cache were damaged" in printed
    assert ": 1 of 16 runs" in printed
    assert "5 trained now, 11 kept from before" in printed
    changed = project.run("git", "status", "--porcelain").splitlines()
    assert {" M dvc.lock", " M params.yaml"} <= {*changed}
    assert all(line.startswith(" M ") for line in changed)  # nothing is staged, nothing is left lying about
    shown = project.run("dvc", "exp", "show", "--only-changed", "--csv").splitlines()
    assert "studies.small.grid.seeds" in shown[0] and "more" in "".join(shown[1:])

    project.write_params(PARAMS)
    project.repro("evaluate@small")
    assert project.lock() == finished.lock()
    assert project.bytes_of("data/runs") == finished.bytes_of("data/runs")


def damage_in_the_cache(project: Project, folder: Path, name: str) -> None:
    """Change a byte of a run in its shard, as the cache of DVC has it."""
    content = (folder / run_shard.name(name)).read_bytes()
    place = content.index(shards.content(folder, name)) + 300
    cached = project.folder / ".dvc/cache/files/md5" / re.sub("^(..)", r"\1/", hashlib.md5(content).hexdigest())
    cached.chmod(0o644)
    cached.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def test_another_study_trains_and_reports_only_itself(project) -> None:
    project.write_params({**PARAMS, "studies": {"small": STUDY, "tiny": with_study(seeds=1)["studies"]["small"]}})
    printed = project.repro()
    # The runs of the new study are runs of the old one too: nothing is left to train.
    assert "tiny: 4 runs" in printed and "0 trained now" in printed
    assert "Stage 'train@small' didn't change" in printed and "Stage 'report@small' didn't change" in printed
    places = [printed.index(f"'{name}'") for name in ("report@small", "train@tiny", "report@tiny", "summary")]
    assert places == sorted(places)  # a report is there when its study is done


def test_one_worker_in_a_clone_without_results_makes_the_same_bytes(project, finished) -> None:
    for folder in ("data", "reports/html", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(project.folder / folder)
    project.run("git", "restore", "data/.gitignore")
    elsewhere = {"BATCHWISE_WORKERS": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo", "BATCHWISE_PROGRESS": "json"}
    printed = project.repro("landscape@small", **elsewhere)
    assert f"{RUNS} trained now, 0 kept from before" in printed
    told = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    of_train = [one for one in told if (one["stage"], one["study"], one["runs"]) == ("train", "small", RUNS)]
    assert [of_train[place]["done"] for place in (0, -1)] == [0, RUNS] and of_train[-1]["diverged"] > 0
    assert {worker["state"] for one in of_train for worker in one["workers"]} <= {"starts", "compiles", "trains"}
    assert "runs, " not in printed.replace("runs (", "")
    assert project.lock() == finished.lock()
    for folder in ("data/tables", "data/landscapes"):
        assert project.bytes_of(folder) == finished.bytes_of(folder)


def test_the_examples_of_the_readme_work(project) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    data_set, model = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (project.folder / "batchwise/datasets/wine.py").write_text(data_set, encoding="utf-8")
    (project.folder / "batchwise/models/residual_mlp.py").write_text(model, encoding="utf-8")
    entry = re.search(r"`wine: (\{.*?\})`", readme, re.DOTALL)[1]
    (study,) = (YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL))
    assert all(len(text.strip().splitlines()) <= 18 for text in (data_set, model))
    (of_images,) = re.findall(r"`cifar10: (\{.*?\})`", readme)
    assert params.check({**PARAMS, "data_sets": {**PARAMS["data_sets"], "cifar10": YAML(typ="safe").load(of_images)}})
    study["wine_quality_sgd"] |= {"data_set": "wine", "model": {"name": "residual_mlp", "units": 8}}
    data_sets = {**PARAMS["data_sets"], "wine": YAML(typ="safe").load(entry)}
    project.write_params({"data_sets": data_sets, "studies": study})
    project.repro("evaluate@wine_quality_sgd")
    summary = json.loads((project.folder / "data/tables/wine_quality_sgd/summary.json").read_text())
    assert summary["runs_by_status"]["ok"] == summary["grid"]["runs"] == 45
    metrics = json.loads((project.folder / "data/metrics/wine_quality_sgd.json").read_text())
    assert metrics["test_accuracy"] > 0.9


def test_a_plan_says_why_runs_would_be_trained_again(project) -> None:
    project.append("batchwise/models/mlp.py", "CHANGED = 1\n")
    project.write_params(with_study(budget={"epochs": 41}))
    plan = project.run("python", "-m", "batchwise", "plan")
    assert f"{RUNS} to train: batchwise/models/mlp.py changed; budget.epochs: 40 → 41" in plan
    assert "from a short trial" in plan
    assert "profile@small: 11 s (a first guess)" in plan and "to start, a first guess" in plan


def test_a_comment_or_a_reworded_message_reruns_nothing(project) -> None:
    for file in ("training/trainer.py", "config/recipe.py", "measuring/profiling/rounds.py", "analysis/tabulate.py"):
        project.append(f"batchwise/{file}", "# changed\n")
    project.append("batchwise/common/messages.py", "CHANGED = 1\n")
    printed = project.repro()
    assert [line for line in printed.splitlines() if "Running stage" in line] == ["Running stage 'code':"]
    project.append("batchwise/models/mlp.py", "# changed\n")  # check depends on the folder
    printed = project.repro()
    ran = [line for line in printed.splitlines() if "Running stage" in line]
    assert ran == ["Running stage 'code':", "Running stage 'check':"]


def test_a_seed_and_a_rate_measure_nothing_and_a_batch_size_measures_itself(project) -> None:
    project.write_params(with_study(seeds=4, base_learning_rates=[0.0078125, 0.25, 0.5]))
    assert "Stage 'profile@small' didn't change" in project.repro("profile@small")
    project.write_params(with_study(batch_sizes=[4, 8, 2048]))
    assert "small: 1 points measured now, 2 kept from before" in project.repro("profile@small")


def test_damaged_files_are_made_again(project, finished) -> None:
    (path := project.folder / "data/store" / DATABASE).write_bytes(path.read_bytes()[:-5000])
    for path in sorted((project.folder / "data/runs/small").iterdir())[:3]:
        path.write_bytes(b"damaged")
    for name in ("data_sets.json", "prepared/digits.npz", "prepared/studies/small.json", "tables/small/study.json"):
        path = project.folder / "data" / name
        content = path.read_bytes()
        path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    for path in (project.folder / "data/timings").rglob("*.csv"):
        path.write_bytes(b"\xff" + path.read_bytes()[5:])
    project.repro("landscape@small")
    assert project.lock() == finished.lock()
    for folder in ("data/runs", "data/prepared", "data/tables", "data/landscapes"):
        assert project.bytes_of(folder) == finished.bytes_of(folder)


def test_a_damaged_lock_is_put_aside_and_every_stage_makes_it_again_as_it_was(project, finished) -> None:
    lock = project.folder / "dvc.lock"
    lock.write_bytes(lock.read_bytes()[:-50] + bytes(50))
    (project.folder / ".dvc/tmp/rwlock").write_bytes(bytes(100))
    assert len(project.run("python", "-m", "batchwise", "repair").splitlines()) == 2
    assert f"0 trained now, {RUNS} kept from before" in project.repro("--force", "landscape@small")
    assert project.lock() == finished.lock()


ABSENT = object()


# {what is wrong: (studies, what `check` says of them)}
BAD_STUDIES = {
    "a name for the shell": ({"small; touch pwned #": STUDY}, "the name 'small; touch pwned #' is not allowed"),
    "a name for a template": ({"${studies}": STUDY}, "the name '${studies}' is not allowed"),
    "a path": ({"a/small": STUDY}, "the name 'a/small' is not allowed"),
    "a batch size of 0": (with_study(batch_sizes=[0])["studies"], "batch_sizes[0] is 0"),
    "a study that is null": ({"small": None}, "studies.small is None; it must be a mapping"),
    "no studies": (ABSENT, "studies is missing; it is required"),
    "an empty mapping": ({}, "studies is {}; it must have at least 1 item"),
}
# Of these DVC speaks itself, before it runs a stage
REFUSED_BY_DVC = {
    "a path above": {"../small": STUDY},
    "an empty name": {"": STUDY},
    "studies that are null": None,
    "studies that are a list": [STUDY],
}


def refused(project: Project, studies: object) -> str:
    """Return what `dvc repro` prints of these studies; nothing may change on disk."""
    state, lock = {folder: project.bytes_of(folder) for folder in ("data", "reports")}, project.lock()
    try:
        params = {**PARAMS, "studies": studies}
        project.write_params({key: value for key, value in params.items() if value is not ABSENT})
        printed = project.repro(status=255)
        assert "Traceback" not in printed
        assert project.lock() == lock
        assert {folder: project.bytes_of(folder) for folder in ("data", "reports")} == state
        assert not list(project.folder.rglob("pwned"))
        return printed
    finally:
        project.write_params(PARAMS)


@pytest.mark.parametrize("name", BAD_STUDIES)
def test_bad_parameters_are_told_by_check_before_anything_changes(finished, name) -> None:
    studies, expected = BAD_STUDIES[name]
    (told,) = [line for line in refused(finished, studies).splitlines() if line.startswith("error: ")]
    assert told.startswith("error: params.yaml: ") and expected in told


@pytest.mark.parametrize("name", REFUSED_BY_DVC)
def test_what_dvc_refuses_itself_changes_nothing(finished, name) -> None:
    assert "ERROR: " in refused(finished, REFUSED_BY_DVC[name])
