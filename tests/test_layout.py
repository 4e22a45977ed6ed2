"""Where things are and what imports what: the contracts of pyproject.toml refuse what they should, the tree is true."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from batchwise.common import plugins
from batchwise.common.repository import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("batchwise", "benchmarks", "stages")
# Packages whose import, with all of their modules, must not load TensorFlow: it takes seconds, and decides bits.
LIGHT = ("common", "statistics", "config", "data", "datasets", "tasks", "analysis", "claims", "report")


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    """Run import-linter on the packages in a folder."""
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([command, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the packages and of the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_imports_keep_the_contracts() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("file", "imported", "contract"),
    [
        ("batchwise/common/files.py", "batchwise.report.html", "A package imports those below it alone"),
        ("batchwise/analysis/selection.py", "batchwise.claims.verdicts", "A package imports those below it alone"),
        ("batchwise/statistics/intervals.py", "batchwise.config.grid", "A package imports those below it alone"),
        ("batchwise/statistics/intervals.py", "batchwise.statistics.fits", "There is no circle"),
        ("batchwise/report/figures/style.py", "batchwise.report.figures.heat_map", "There is no circle"),
        ("batchwise/training/trainer.py", "stages.train", "Stages and benchmarks stand on the library"),
        ("batchwise/training/trainer.py", "batchwise.models.mlp", "Plug-ins are loaded by name"),
        ("batchwise/models/cnn.py", "batchwise.models.mlp", "A plug-in imports no other"),
        ("batchwise/models/mlp.py", "batchwise.tasks._classification", "A package imports those below it alone"),
        ("batchwise/data/dataset.py", "keras", "What checks, prepares, evaluates and reports does without TensorFlow"),
        ("batchwise/report/html.py", "batchwise.runtime.device", "What checks, prepares, evaluates and reports"),
        ("batchwise/rooms/attic.py", "os", "A package imports those below it alone"),  # a package without a place
    ],
)
def test_an_import_that_breaks_a_contract_is_refused(copy, file, imported, contract) -> None:
    path = copy / file
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as module:
        module.write(f"\n\ndef late() -> None:\n    import {imported}\n")
    checked = lint_imports(copy)
    assert checked.returncode == 1
    assert re.search(rf"^{re.escape(contract)}.* BROKEN", checked.stdout, re.MULTILINE), checked.stdout


def test_packages_that_do_not_train_do_not_load_tensorflow() -> None:
    """Also where it would be loaded by name, as tasks are, which import-linter does not see."""
    paths = [path.relative_to(ROOT) for name in LIGHT for path in sorted((ROOT / "batchwise" / name).rglob("*.py"))]
    modules = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    script = f"import importlib, sys\n[importlib.import_module(name) for name in {modules}]\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {*modules, *(f"batchwise.tasks.{name}" for name in plugins.names("tasks"))} <= set(loaded)
    assert not {"tensorflow", "keras"} & set(loaded)


def test_the_tree_of_the_readme_is_the_repository() -> None:
    """Every package of batchwise/ and every entry of the root that git has, and nothing else; at most 25 lines."""
    lines = README.split("```text\n")[1].split("```")[0].splitlines()
    assert len(lines) <= 25
    patterns, folder = [], ""
    for line in lines:
        names = re.split(r" {2,}", line.strip())[0].split()
        if not line.startswith(" "):
            folder = names[0] if names[0].endswith("/") else ""
        patterns += [f"{folder if line.startswith(' ') else ''}{name}" for name in names]
    named = [path.relative_to(ROOT).as_posix() for pattern in patterns for path in found(pattern)]
    assert len(named) == len(set(named))
    assert set(named) == {*entries(""), *entries("batchwise/")}


def found(pattern: str) -> list[Path]:
    """Return what a name of the tree stands for, a folder where it ends so: one entry at least."""
    paths = [path for path in ROOT.glob(pattern.rstrip("/")) if path.is_dir() == pattern.endswith("/")]
    assert paths, pattern
    return paths


def entries(folder: str) -> set[str]:
    """Return the files and folders that git has in a folder, hidden ones and modules whose names start with _ aside."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder or "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    names = {path.removeprefix(folder).split("/")[0] for path in listed if (ROOT / path).exists()}
    return {f"{folder}{name}" for name in names if name[0] not in "._"}


def test_the_folders_of_the_tests_are_packages() -> None:
    packages = {path.parent.relative_to(ROOT / "batchwise") for path in (ROOT / "batchwise").rglob("__init__.py")}
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders <= packages
