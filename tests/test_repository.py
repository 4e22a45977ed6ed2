"""What the repository says of itself is true: declared dependencies, commands, pins."""

import ast
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from batchwise.common import plugins, source_closure
from batchwise.common.repository import ROOT
from batchwise.common.source_closure import CHECKS, ESTIMATES, SENTENCES, closure, of_jax
from batchwise.common.stage_code import FINDS_TASKS, NOTEBOOKS, PLUGINS, TEMPLATE, files_of, listing
from batchwise.training import trainers
from stages import pipelines
from stages.summary import RECORDED

OF_CHECKS = ("batchwise/common/files.py", "batchwise/common/repository.py")  # what they import beside what a run does
FOLDERS = (".", *pipelines.PROJECTS)
DVC = {folder: YAML(typ="safe").load((ROOT / folder / "dvc.yaml").read_text("utf-8"))["stages"] for folder in FOLDERS}
README = (ROOT / "README.md").read_text(encoding="utf-8")


@cache
def listed(stage: str) -> frozenset[str]:
    """Return the files of which a stage consists."""
    return frozenset(line.split("  ")[1] for line in listing(stage).decode().splitlines())


@pytest.mark.parametrize(("folder", "stage"), [(folder, stage) for folder in FOLDERS for stage in sorted(DVC[folder])])
def test_a_stage_depends_on_its_code_and_no_other(folder, stage) -> None:
    body = DVC[folder][stage].get("do", DVC[folder][stage])
    if stage == "code":
        notebooks = {f"reports/{name}.ipynb" for names in NOTEBOOKS.values() for name in names}
        assert {*body["deps"]} == {"batchwise", "stages", *notebooks, TEMPLATE, "requirements-train.in"}
        return
    assert f"data/code/{stage}.txt" in body["deps"]
    assert not [path for path in body["deps"] if path.endswith((".py", ".ipynb"))]
    computes = PLUGINS.get(stage) == "models" or stage == "landscape"
    assert ("data/models/${key}.txt" in body["deps"]) == computes


@pytest.mark.parametrize("folder", FOLDERS)
def test_of_the_parameters_only_names_and_paths_of_files_are_filled_in(folder) -> None:
    """DVC speaks of what it fills in before `check` can; a path, which may hold anything, is for DVC alone."""
    text = (ROOT / folder / "dvc.yaml").read_text(encoding="utf-8")
    assert {*re.findall(r"\$\{(.*?)\}", text)} == {"files", "item", "key", "studies"}
    assert [line.strip() for line in text.splitlines() if "${item}" in line] == ["- ./${item} # any text is a path so"]
    assert "./${item}" in DVC[folder]["file"]["do"]["deps"] and "data/checked.txt" in DVC[folder]["file"]["do"]["deps"]
    assert YAML(typ="safe").load(text)["vars"] == [{"files": {}}, {"studies": {}}]  # where there are none, too


def loaded_by(beginning: str, modules: list[str]) -> frozenset[str]:
    """Return the files of the project that a new process reads which begins so, and imports modules."""
    script = "\n".join(
        [
            "import sys, json, importlib",
            beginning,
            f"[importlib.import_module(name) for name in {modules}]",
            "print(json.dumps([m.__file__ for m in [*sys.modules.values()] if getattr(m, '__file__', None)]))",
        ]
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    loaded = [Path(file) for file in json.loads(printed.splitlines()[-1])]
    ours = (path.relative_to(ROOT) for path in loaded if path.is_relative_to(ROOT) and ".venv" not in path.parts)
    return frozenset(path.as_posix() for path in ours)


@pytest.mark.parametrize("stage", sorted({*DVC["."], *DVC["paper"]}))
def test_the_code_of_a_stage_is_what_python_loads(stage) -> None:
    """A new process imports the stage, its notebooks' modules and the plug-ins, and says which files it read."""
    own = set(files_of(PLUGINS[stage])) if stage in PLUGINS else set()
    found_by_name = [*own, *(files_of("tasks") if FINDS_TASKS in listed(stage) else ())]
    names = [file.removesuffix(".py").replace("/", ".") for file in found_by_name]
    notebooks = [json.loads((ROOT / f"reports/{name}.ipynb").read_text("utf-8")) for name in NOTEBOOKS.get(stage, [])]
    cells = [cell for notebook in notebooks for cell in notebook["cells"]]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    imports = [line for source in sources for line in source.splitlines() if re.match(r"(from|import) ", line)]
    here = loaded_by("\n".join(imports), [f"stages.{stage}", *names])
    assert here - own - {*SENTENCES, *ESTIMATES, *CHECKS} <= listed(stage)


@pytest.mark.parametrize("stage", sorted({*DVC["."], *DVC["paper"]}))
def test_rewording_a_sentence_reruns_at_most_what_shows_it(stage) -> None:
    """Messages are in no stage, and nothing that is imported for them alone; sentences of reports are in reports."""
    files = listed(stage)
    assert not files & {*SENTENCES, *ESTIMATES, *CHECKS}
    if any(file.startswith("batchwise/report/sentences/") for file in files):
        assert stage in NOTEBOOKS


@pytest.mark.parametrize("file", SENTENCES)
def test_messages_import_nothing_of_ours_but_what_is_raised(file) -> None:
    """What they imported would be left out with them."""
    source = (ROOT / file).read_text(encoding="utf-8")
    names = {name for node in ast.walk(ast.parse(source)) for name in imported(node) if name.startswith("batchwise")}
    modules = {path.removesuffix(".py").replace("/", ".") for path in SENTENCES}
    others = {name for name in names if name not in modules and name.rpartition(".")[0] not in modules}
    assert others <= {"batchwise.common.errors", "batchwise.common.errors.UserError", "batchwise.execution"}


@pytest.mark.parametrize("file", CHECKS)
def test_checks_import_nothing_that_a_run_does_not(file, monkeypatch) -> None:
    """What they imported beside would be in no key, as they are."""
    of_a_run = closure("batchwise/training/trainer.py")
    monkeypatch.setattr(source_closure, "CHECKS", ())
    others = {name for name in closure(file) if not name.endswith("__init__.py")}
    assert others <= {*CHECKS, *of_a_run, *OF_CHECKS}


def test_a_reworded_message_leaves_the_keys_of_runs_as_they_are() -> None:
    used = closure("batchwise/training/trainer.py", "batchwise/models/mlp.py")
    assert "batchwise/data/dataset.py" in used and not {*SENTENCES, *ESTIMATES, *CHECKS} & {*used}


def test_what_is_of_jax_alone_is_what_a_process_loads_with_it_and_not_with_tensorflow() -> None:
    assert {*of_jax()} == loaded_with("jax") - loaded_with("tensorflow")
    of_stages = itertools.chain(*(listed(stage) for stage in DVC["."] if stage != "check"))
    assert not {*of_jax()} & {*of_stages} and {*of_jax()} <= listed("check")


@pytest.mark.parametrize(("engine", "other"), [("jax", "tensorflow"), ("tensorflow", "jax")])
def test_the_code_of_a_run_is_what_its_engine_loads_and_nothing_of_the_other(engine, other) -> None:
    decides = {*closure(trainers.FILES[engine], *files_of("models"), *files_of("tasks"))}
    apart = ("batchwise/measuring/", "batchwise/training/model_checks/")
    loaded = {file for file in loaded_with(engine) if not file.startswith(apart)}
    assert loaded - decides <= {*SENTENCES, *ESTIMATES, *CHECKS, *OF_CHECKS}
    assert not decides & (loaded_with(other) - loaded_with(engine))


@cache
def loaded_with(engine: str) -> frozenset[str]:
    """Return the files that a new process loads to train any model with an engine, and to measure its landscape."""
    measures = f"batchwise/measuring/landscape/gradients{'_jax' if engine == 'jax' else ''}.py"
    checks = "batchwise/training/model_checks/operations.py"
    draws = ["batchwise/training/draws_jax.py"] if engine == "jax" else []  # imported where a model is built
    files = [trainers.FILES[engine], *draws, measures, checks, *files_of("models"), *files_of("tasks")]
    names = [file.removesuffix(".py").replace("/", ".") for file in files]
    return loaded_by(f"from batchwise.runtime import engine\nengine.use({engine!r})", names)


@pytest.mark.parametrize("stage", ["train", "profile", "landscape"])
def test_a_stage_that_trains_or_measures_consists_of_all_tasks_too(stage) -> None:
    assert {*files_of("tasks"), "batchwise/tasks/_classification.py"} <= listed(stage)


@pytest.mark.parametrize("stage", sorted({*DVC["."], *DVC["paper"]}))
def test_a_stage_consists_of_the_template_of_its_page_and_of_what_is_pinned_for_it(stage) -> None:
    template = {"conf.json", "index.html.j2", "sort.js", "style.css"}
    wanted = {f"{TEMPLATE}/{name}" for name in template} if stage in NOTEBOOKS else set()
    wanted |= {"requirements-train.in"} if stage in ("train", "confirm", "profile") else set()
    assert {file for file in listed(stage) if not file.endswith((".py", ".ipynb"))} == wanted


@pytest.mark.parametrize("folder", pipelines.PROJECTS)
def test_a_pipeline_beside_the_root_is_written_from_that_of_the_root(folder) -> None:
    written = pipelines.pipeline((ROOT / "dvc.yaml").read_text("utf-8"), folder)
    assert (ROOT / folder / "dvc.yaml").read_text("utf-8") == written, "run `python -m stages.pipelines`"


GALLERIES = ("gallery/detection", "gallery/text")


@pytest.mark.parametrize("folder", GALLERIES)
def test_a_gallery_has_the_stages_of_the_root(folder) -> None:
    here, root = DVC[folder], DVC["."]
    assert {*here} == {*root}
    assert {name for name in here if here[name] != root[name]} == {"summary"}
    elsewhere = {dep for dep in root["summary"]["deps"] if dep.startswith(pipelines.PROJECTS)}
    assert {*root["summary"]["deps"]} - {*here["summary"]["deps"]} == elsewhere == {*RECORDED}


@pytest.mark.parametrize("folder", [name for name in pipelines.PROJECTS if pipelines.of_the_paper(name)])
def test_a_pipeline_of_the_paper_is_that_of_the_root_and_a_comparison(folder) -> None:
    here, root = DVC[folder], DVC["."]
    assert {*here} ^ {*root} == {"compare", *pipelines.MEASURING}
    assert {name for name in here.keys() & root.keys() if here[name] != root[name]} == {"report"}
    made = ("data/costs/", "data/profiles/", "data/landscapes/")
    assert here["report"]["do"]["deps"] == [dep for dep in root["report"]["do"]["deps"] if not dep.startswith(made)]


@pytest.mark.parametrize("folder", pipelines.PROJECTS)
def test_a_project_has_the_files_that_its_stages_name(folder) -> None:
    assert (ROOT / folder / ".dvc/config").exists()
    assert "__pycache__" in (ROOT / folder / ".dvcignore").read_text().splitlines()
    deps = {dep for stage in DVC[folder].values() for dep in stage.get("do", stage)["deps"]}
    own = {"params.yaml", *(["statements.csv"] if folder == "paper/imagenet" else [])}
    assert all((ROOT / folder / name).is_file() for name in own)
    for dep in (dep for dep in deps - own if not dep.startswith("data/") and "$" not in dep):
        path = ROOT / folder / dep
        assert path.resolve() in {ROOT / dep, ROOT / "paper" / dep}
        assert not path.is_symlink() or not os.path.isabs(path.readlink())


def test_only_one_module_and_plugins_import_what_trains() -> None:
    importing = {
        str(path.relative_to(ROOT))
        for folder in ("batchwise", "stages")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.split(".")[0] in ("tensorflow", "jax", "keras")
    }
    helpers = {path.stem for path in (ROOT / "batchwise/models").glob("_[a-z]*.py")}
    models = {f"batchwise/models/{name}.py" for name in helpers | set(plugins.names("models"))}
    tasks = {f"batchwise/tasks/{name}.py" for name in plugins.names("tasks")}
    runtime = {f"batchwise/runtime/{name}.py" for name in ("jax", "tensorflow")}
    assert importing == runtime | (models & importing) | tasks


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


@pytest.mark.parametrize("stage", ["check", "preprocess", "evaluate", "costs", "report", "summary", "compare"])
def test_stages_that_do_not_train_do_not_import_what_does(stage) -> None:
    assert "batchwise/training/trainer.py" not in listed(stage)


@pytest.mark.parametrize("stage", ["train", "evaluate", "profile", "landscape"])
def test_a_stage_that_loads_tasks_is_made_of_them(stage) -> None:
    assert {f"batchwise/tasks/{name}.py" for name in (*plugins.names("tasks"), "_classification")} <= listed(stage)


def test_the_pins_of_what_trains_are_those_of_the_lock() -> None:
    locked = (ROOT / "requirements.txt").read_text()
    pins = [line for line in (ROOT / "requirements-train.in").read_text().splitlines() if "==" in line]
    assert len(pins) == 3
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)}( |$)", locked, re.MULTILINE), pin


LOCKS = ("requirements.txt", *(f"requirements-{extra}.txt" for extra in ("dev", "jax", "gpu", "jax-gpu")))


def pins(name: str) -> dict[str, str]:
    """Return {package: version} of a file of requirements."""
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9-]+\])?==([^ \n]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_every_requirement_is_locked_with_a_hash() -> None:
    for name in LOCKS:
        text = (ROOT / name).read_text()
        entries = re.findall(r"^[a-z0-9][^\n]*==.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
        assert len(entries) > 5
        assert all("--hash=sha256:" in entry for entry in entries)


def test_each_lock_has_the_versions_of_the_others() -> None:
    """What trains has one version, whatever is installed beside it; the engines share one CUDA."""
    for one, other in itertools.combinations(LOCKS, 2):
        assert {
            (name, version) for name, version in pins(one).items() if pins(other).get(name, version) != version
        } == set()
    assert pins("requirements-gpu.txt")["tensorflow"] == pins("requirements-train.in")["tensorflow"]
    assert {pins(f"requirements-{extra}.txt")["jax"] for extra in ("jax", "jax-gpu", "dev")} == {
        pins("requirements-jax.in")["jax"]
    }
    for extra in ("gpu", "jax-gpu"):  # there are wheels for Linux alone
        lines = re.findall(r"^[a-z].*$", (ROOT / f"requirements-{extra}.txt").read_text(), re.MULTILINE)
        assert all("sys_platform == 'linux'" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("setup", []),
        ("setup JAX=1", ["-jax"]),
        ("setup GPU=1", ["-gpu", "machine"]),
        ("setup JAX=1 GPU=1", ["-jax", "-gpu", "-jax-gpu", "machine"]),
        ("setup JAX=0 GPU=", []),
        ("test", ["-dev"]),
        ("test JAX=1", ["-dev", "-jax"]),
        ("test GPU=1 JAX=1", ["-dev", "-jax", "-gpu", "-jax-gpu"]),
    ],
)
def test_make_installs_what_is_asked_for_also_where_the_rest_is_there(tmp_path, words, wanted) -> None:
    for name in ("Makefile", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)

    def steps() -> list[str]:
        done = subprocess.run(
            ["make", "--dry-run", *words.split()],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        return re.findall(r"(?<=requirements)[-a-z]*(?=\.txt$)|machine$|-m venv", done.stdout, re.MULTILINE)

    assert steps() == ["-m venv", "", *wanted]
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/ready").touch()
    assert steps() == wanted


def test_the_workflow_audits_what_is_locked_and_fails_for_nothing_that_is_not_mended() -> None:
    workflow = YAML(typ="safe").load((ROOT / ".github/workflows/study.yml").read_text(encoding="utf-8"))
    (audit,) = (step for step in workflow["jobs"]["study"]["steps"] if "pip-audit" in step.get("run", ""))
    assert re.search(r"pip-audit==\d+\.\d+\.\d+ .*--require-hashes --requirement requirements\.txt ", audit["run"])
    assert audit["if"] == "always()" and audit["continue-on-error"] is True


def test_the_commands_of_the_readme_and_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [README, *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))]
    commands = re.findall(r"^(make|python -m|dvc)\b(?!\.)(.*)$", "\n".join(pages), re.MULTILINE)
    assert ("make", "") in commands and ("make", " test") in commands and ("dvc", " status") in commands
    for command, rest in commands:
        words = rest.split()
        if command == "make":
            assert {word for word in words if "=" not in word} <= targets, words
        if command == "python -m" and words[0] != "pip":
            module = ROOT / words[0].replace(".", "/")
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), words
        if command == "dvc":
            assert words[0] in ("repro", "exp", "push", "pull", "remote", "metrics", "plots", "status"), words


def test_every_key_of_params_yaml_is_explained_in_the_readme() -> None:
    loaded = [YAML(typ="safe").load((ROOT / folder / "params.yaml").read_text("utf-8")) for folder in FOLDERS]
    studies = [study for params in loaded for study in params["studies"].values()]
    keys = {
        key
        for study in studies
        for name in ("grid", "subset", "schedule", "augmentation")
        for key in study.get(name, ())
    }
    keys |= {key for study in studies for key in study}
    for key in keys | {"epochs", "updates", "dtype"}:
        assert f"`{key}`" in README, key


@cache
def lock(folder: str) -> dict[str, dict]:
    """Return the stages of a dvc.lock."""
    return YAML(typ="safe").load((ROOT / folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]


def locked(folder: str, stage: str, path: str) -> str:
    """Return the MD5 that a dvc.lock gives an output of a stage."""
    return next(out["md5"] for out in lock(folder)[stage]["outs"] if out["path"] == path)


def test_what_is_said_of_the_paper_is_what_was_measured() -> None:
    for name in ("results.csv", "results.svg"):
        content = (ROOT / "paper/small" / name).read_bytes()
        assert hashlib.md5(content).hexdigest() == locked("paper/small", "compare", name)
    counts = pd.read_csv(ROOT / "paper/small/results.csv")["verdict"].value_counts()
    said = f"of {counts.sum()} statements {counts['agrees']} agree, {counts.get('disagrees', 0)} disagree"
    for readme in (README, (ROOT / "paper/README.md").read_text(encoding="utf-8")):
        assert said in " ".join(readme.split())


def shown(row: pd.Series) -> str:
    """Return a row of results.csv as a README has it."""
    scale, digits, unit = {"accuracy": (100, 1, " %"), "ap50": (1, 3, "")}.get(row["metric"], (1, 2, " nats"))
    result, low, high = (f"{scale * row[name]:.{digits}f}" for name in ("result", "low", "high"))
    return f"m = {row['batch_size']}: {result}{unit} ({low} to {high}, {row['seeds']} seeds)"


@pytest.mark.parametrize("folder", GALLERIES)
def test_the_results_of_a_gallery_are_those_of_its_table(folder) -> None:
    """Of each study those at its smallest and at its largest batch size."""
    path = ROOT / folder / "reports/results.csv"
    assert hashlib.md5(path.read_bytes()).hexdigest() == locked(folder, "summary", "reports/results.csv")
    readme = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    for study, rows in pd.read_csv(path).groupby("study"):
        ends = [shown(rows.iloc[place]) for place in sorted({0, len(rows) - 1})]
        assert f"| `{study}` | {' | '.join([*ends, ''][:2])}".rstrip() in readme, study


@pytest.mark.parametrize("folder", [".", "paper/small", *GALLERIES])
def test_the_checksums_in_git_are_those_of_the_lock(folder) -> None:
    for study in YAML(typ="safe").load((ROOT / folder / "params.yaml").read_text("utf-8"))["studies"]:
        name = f"reports/checksums/{study}.json"
        content = (ROOT / folder / name).read_bytes()
        assert hashlib.md5(content).hexdigest() == locked(folder, f"evaluate@{study}", name)


def test_the_result_of_the_readme_is_that_of_the_lock() -> None:
    content = (ROOT / "reports/digits_mlp.json").read_bytes()
    assert hashlib.md5(content).hexdigest() == locked(".", "evaluate@digits_mlp", "data/metrics/digits_mlp.json")
    metrics = json.loads(content)
    accuracy, low, high = (100 * metrics[f"test_accuracy{end}"] for end in ("", "_low", "_high"))
    runs = json.loads((ROOT / "reports/checksums/digits_mlp.json").read_bytes())["runs"]
    fresh = [name for name in runs if name.startswith("m16_lr0.5_seed") and int(name.partition("_seed")[2]) >= 5]
    assert (metrics["batch_size"], metrics["base_learning_rate"]) == (16, 2**-5)
    sentence = " ".join(README.split("**")[1].split())
    interval = f"95 % interval {low:.1f} to {high:.1f}, of {len(fresh)} fresh seeds"
    assert f"the best of them, 16, which reaches {accuracy:.1f} % of the test rows ({interval})" in sentence
