"""The pages of docs/: their plug-ins and entries are put into a project as they stand there, and run."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.data import task
from tests.annotated import photographs, write_coco, write_voc, write_yolo
from tests.project import HANG, Project

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
TEXTS = {**PAGES, "README": (ROOT / "README.md").read_text(encoding="utf-8")}
PLUGIN = re.compile(r"`(batchwise/(?:datasets|models|tasks)/\w+\.py)`")


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)


def plugins_of(page: str) -> dict[str, str]:
    """Return {file: source} of the blocks that begin as a file does; the text before each names it."""
    found = re.split(r"^```python\n(.*?)^```", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    pairs = zip(found[::2], found[1::2], strict=False)
    return {PLUGIN.findall(before)[-1]: block for before, block in pairs if block.startswith('"""')}


def entries(*pages: str) -> dict[str, dict[str, Any]]:
    """Return {section of params.yaml: what the pages write there}."""
    sections: dict[str, dict[str, Any]] = {}
    for block in (block for page in pages for block in blocks(page, "yaml")):
        for section, content in YAML(typ="safe").load(block).items():
            sections.setdefault(section, {}).update(content)
    return sections


# What the pages suppose that their reader has.


def write_wine(path: Path) -> None:
    """Write a table with decimal commas, missing values, a category and dates."""
    random = np.random.default_rng(0)
    acidity, alcohol = random.normal(6, 1, 300).round(2), random.normal(11, 1, 300).round(1)
    table = {
        "bottled": pd.date_range("2020-01-01", periods=300).strftime("%d.%m.%Y"),
        "acidity": np.where(random.random(300) < 0.05, np.nan, acidity),
        "alcohol": alcohol,
        "colour": random.choice(["red", "white", "rosé", ""], 300),
        "quality": (alcohol - acidity + 0.3 * random.normal(size=300)).round(2),
    }
    pd.DataFrame(table).sample(frac=1, random_state=0).to_csv(path, sep=";", decimal=",", na_rep="NA", index=False)


def write_others(folder: Path) -> None:
    """Write images of two classes and with boxes, documents, reviews, tables, and arrays of an official split."""
    random = np.random.default_rng(1)
    texts = [
        " ".join(random.choice(["great", "dull", "映画", "좋은 영화", "👍🏽"], 1 + row % 50)) for row in range(200)
    ]
    pd.DataFrame({"review": texts, "stars": np.arange(200) % 5 + 1}).to_csv(folder / "reviews.csv", index=False)
    for name in ("rose", "tulip"):
        (folder / "my_flowers" / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(random.integers(256, size=(9, 7, 3), dtype="uint8")).save(
                folder / f"my_flowers/{name}/{number}.png"
            )
    made = photographs(20)
    write_voc(folder / "my_cells", made), write_yolo(folder / "my_cars", made)
    file, images = write_coco(folder / "coco", made)
    file.rename(folder / "my_signs.json"), images.rename(folder / "my_signs")
    (folder / "my_novels").mkdir()
    for number in range(6):
        (folder / f"my_novels/{number}.txt").write_text(f"Chapter {number}\n\nIt was été.\n", encoding="utf-8")
    for ward in ("ward_3", "ward_4"):
        age, dose = random.integers(20, 90, 120), random.random(120)
        rows = {"patient": np.arange(120) // 4, "age": age, "dose": dose, "pressure": (100 + age / 2).astype(int)}
        pd.DataFrame(rows).to_csv(folder / f"{ward}.csv", index=False)
    (folder / "my_fields").mkdir()
    for name, size in {"train": 90, "validation": 30, "test": 30}.items():
        classes = np.arange(size) % 3
        inputs = random.normal(size=(size, 4)) + 2 * np.eye(3, 4)[classes]
        arrays = {"inputs": inputs, "one_hot": np.eye(3)[classes], "hectares": 1 + random.random(size)}
        np.savez(folder / f"my_fields/{name}.npz", **arrays)


# Prepares, and trains and evaluates the studies that are named, in one process: workers would take longer to start.
TRAIN = """
from pathlib import Path

from batchwise.config import grid, params
from batchwise.data.loading import load
from batchwise.execution import run_store
from batchwise.execution.run_folder import RunFolder
from batchwise.training import network, run_result
from batchwise.training.trainer import Trainer
from stages import check, evaluate, file, preprocess

network.has_convolutions = lambda model: True  # without XLA, which takes seconds to compile


def train(params_file):
    Path(params_file).replace("params.yaml")
    check.main()
    asked = params.load()
    for name in asked.files:
        file.main(name)
    preprocess.main()
    for name, study in asked.studies.items():
        train_study(name, study, Path(asked.files[study.weights]) if study.weights else None)
        evaluate.main(name)


def train_study(name, study, weights):
    data = load(Path("data/prepared"), study)
    trainer = Trainer(data, study.recipe, study.metric, weights)
    shared = run_store.inputs(study.recipe, data.description.task, data.sha256, study.metric)
    (place := Path("data/runs", name)).mkdir(parents=True)
    folder = RunFolder(place, shared)
    for run in grid.runs(study, data.rows["train"]):
        result = trainer.run(run.effective_batch_size, run.learning_rate, run.seed)
        folder.add(run, run_result.dump(result, run.facts))
    folder.write()


train("first.yaml")
"""
# Of each run of the own task: its metrics by NumPy, of what its model predicts in the unit of the target.
COMPARE = """
import numpy as np
from scipy.stats import spearmanr

from batchwise import read

found = read("upper_quality")
q, data = 0.8, found.data
for row in found.runs.itertuples():
    model = found.model(row.batch_size, row.learning_rate, row.seed)
    for name in ("train", "validation", "test"):
        part = getattr(data, name)
        predicted = np.asarray(model(part.inputs, training=False))[:, 0].astype("float64")
        below = part.labels - predicted
        pinball = np.where(below > 0, q * below, (q - 1) * below).mean()
        expected = {
            "pinball": pinball,
            "loss": pinball / data.train.labels.std(),
            "miscoverage": abs((below <= 0).mean() - q),
            "rank_correlation": spearmanr(part.labels, predicted).statistic,
        }
        for metric, value in expected.items():
            np.testing.assert_allclose(getattr(row, f"{name}_{metric}"), value, rtol=1e-4, atol=1e-5)
print(len(found.runs), "runs compared")
"""
READ = {"fields_tower", "upper_quality"}  # results that are looked at
AFTER_OTHERS = "fields_head"  # starts from the weights of another


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with all that the pages write, and what they suppose that is there."""
    made = Project.new(tmp_path_factory.mktemp("pages") / "project")
    for page in PAGES:
        for file, source in plugins_of(page).items():
            (made.folder / file).write_text(source, encoding="utf-8")
    write_wine(made.folder / "wine.csv")
    write_others(made.folder)
    return made


def test_what_the_pages_say_trains_and_an_own_metric_is_what_it_says(project) -> None:
    given = entries("data", "models", "tasks")
    assert {*given["studies"]} > {AFTER_OTHERS, "upper_quality"}
    with_start = {**given, "studies": {AFTER_OTHERS: given["studies"].pop(AFTER_OTHERS)}}
    without = {**given, "files": {key: path for key, path in given["files"].items() if key != "start"}}
    for study in given["studies"].keys() - READ:
        given["studies"][study]["grid"] |= {"batch_sizes": [16], "seeds": 1}  # the others would take longer, no more
    for name, content in {"first": without, "second": with_start}.items():
        project.write_params(content)
        (project.folder / "params.yaml").rename(project.folder / f"{name}.yaml")
    (block,), (of_texts,) = (
        [block for block in blocks(page, "python") if not block.startswith('"""')] for page in ("models", "data")
    )
    printed = project.run("python", "-c", f'{TRAIN}\n{COMPARE}\n{block}\n{of_texts}\ntrain("second.yaml")')
    assert "8 runs compared\n000_kernel 001_bias 002_kernel" in printed


def test_the_pages_name_every_option_of_what_takes_own_files() -> None:
    for name in ("csv", "image_folder", "text_folder", "voc_folder", "coco_file", "yolo_folder"):
        for option in plugins.options("datasets", name):
            assert f"`{option}`" in PAGES["data"] or f"{option}: " in PAGES["data"], option


def test_the_table_of_tasks_is_what_there_is() -> None:
    rows = {row[0]: row for row in (line.split("|")[1:-1] for line in PAGES["tasks"].splitlines() if line[:3] == "| `")}
    named = {name.strip().strip("`"): row for name, row in rows.items()}
    (if_named,) = re.findall(r"((?:`\w+`(?:,| and) )+`\w+`|`\w+`) are computed if a study names them", PAGES["tasks"])
    expensive = set()
    for name in plugins.names("tasks"):
        _, options, metrics = named[name]
        assert {*plugins.options("tasks", name)} == {*re.findall(r"`(\w+)`(?=:| in)", options)}
        made = task.load(name)
        choices = [metric for metric in made.metrics if not metric.by_class]
        assert [metric.name for metric in choices] == re.findall(r"`(\w+)`", metrics)
        expensive |= {metric.name for metric in choices if metric.if_named}
    assert expensive == {*re.findall(r"`(\w+)`", if_named)}


def test_the_pages_name_every_field_of_a_metric_that_an_author_may_give() -> None:
    text = PAGES["tasks"].split("## A loss and metrics of your own")[1]
    for field in task.TaskMetric.__dataclass_fields__.keys() - {"by_class", "levels"}:  # of the report's own tables
        assert re.search(rf"`{field}\b", text), field


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere_and_lines_are_short(page) -> None:
    folder = ROOT if page == "README" else ROOT / "docs"
    for link in re.findall(r"\]\(([^)#]+)\)", TEXTS[page]):
        assert link.startswith("https://") or (folder / link).exists(), link
    assert not [line for line in TEXTS[page].splitlines() if len(line) > 120 and not line.startswith("|")]


def test_the_readme_links_every_page() -> None:
    assert {f"docs/{page}.md" for page in PAGES} <= {*re.findall(r"\]\(([^)#]+)\)", TEXTS["README"])}


# A cluster, as its page says, on this machine.


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Start a scheduler and a worker by the commands of the page; yield their folder, and the lines before them."""
    key, exports, starts, *_ = blocks("cluster", "sh")
    schedule, work, _ = starts.splitlines()
    there = "--scheduler-file scheduler.json --no-dashboard"
    before = exports.replace("$PWD", str(ROOT))
    subprocess.run(["bash", "-ec", key], cwd=tmp_path, check=True, capture_output=True)
    file = tmp_path / "scheduler.json"
    lines = [
        f"{schedule} --host 127.0.0.1 --port 0 {there}",
        f"{work.replace('tls://head:8786', '').replace('auto', '1')} {there}",
    ]
    started = []
    try:
        for line in lines:
            started.append(bash(f"{before}exec {line}", tmp_path))
            deadline = time.monotonic() + HANG
            while not (file.exists() and file.stat().st_size):  # Dask writes it where it stands
                assert started[0].poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
        yield tmp_path, before
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(HANG)


def bash(script: str, folder: Path, **options: Any) -> subprocess.Popen:
    """Start lines of a shell in a folder, with the programs of the environment that the tests run in."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(["bash", "-ec", script], cwd=folder, env={**os.environ, "PATH": path}, **options)


USE = """
from batchwise.execution.pool import pool

with pool() as client:
    client.wait_for_workers(1)
    print(client.scheduler.address, client.submit(sum, [1, 2]).result())
"""


def test_a_cluster_as_its_page_says_answers_who_has_the_certificate(cluster) -> None:
    folder, before = cluster
    address = YAML(typ="safe").load((folder / "scheduler.json").read_text())["address"]
    (folder / "use.py").write_text(USE)
    use = f"DASK_SCHEDULER_ADDRESS={address} python use.py"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    printed, _ = (client := bash(before + use, folder, **pipes)).communicate(timeout=HANG)
    assert client.returncode == 0 and f"{address} 3" in printed, printed
    assert address.startswith("tls://127.0.0.1:")
    other, _ = (client := bash(f"export PYTHONPATH={ROOT}; {use}", folder, **pipes)).communicate(timeout=HANG)
    assert client.returncode and "no Dask scheduler answers" in other
