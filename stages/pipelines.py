"""The pipelines beside the root's: `python -m stages.pipelines` writes their dvc.yaml, and links the code beside it.

Not a stage. Each is a DVC project of its own (`dvc init --subdir`) with the stages of the root, word for word, since it
has the same files under the same names. The code is linked, not named as ../batchwise: .dvcignore has no say outside of
a project, so __pycache__ would count. dvc.yaml is written: DVC does not follow a link when it reads it from a commit.
"""

import os
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from batchwise.common.exits import exit_with
from batchwise.common.files import write_bytes
from batchwise.common.repository import ROOT

PROJECTS = ("gallery/detection", "gallery/text", "paper", "paper/imagenet", "paper/small")
MEASURING = ("profile", "landscape", "costs", "summary")  # they would take hours of the paper's grid
LINKED = (
    *("batchwise", "stages", "requirements-train.in"),
    *("reports/claims.csv", "reports/comparisons.ipynb", "reports/index.ipynb"),
    *("reports/paper.ipynb", "reports/study.ipynb", "reports/template"),
)
ABOUT = """\
Written by `python -m stages.pipelines`: the stages of the root's dvc.yaml.
"""
ABOUT_PAPER = """\
Written by `python -m stages.pipelines`: the stages of the root's dvc.yaml but for those that measure, and a comparison.

params.yaml ─► check ─► preprocess ─► train@<study> ─► confirm@<study> ─► evaluate@<study> ─► report@<study>
your files ─► file@<name> ─┘                                                       └─► compare
"""
COMPARE = """\
compare:
  cmd: python -m stages.compare
  deps:
    - data/code/compare.txt
    - data/tables
    - reports/claims.csv
    - statements.csv
  params:
    - params.yaml:
  outs:
    - reports/html/paper.html
    - evidence.csv:
        cache: false
    - results.csv:
        cache: false
    - results.svg:
        cache: false
"""


def main() -> None:
    """Write the dvc.yaml of each project, and the links that it lacks."""
    root = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    for folder in PROJECTS:
        write_bytes(ROOT / folder / "dvc.yaml", pipeline(root, folder).encode())
        for target, name in links(folder).items():
            link(ROOT / folder / name, ROOT / target)


def links(folder: str) -> dict[str, str]:
    """Return {file or folder of the root: its name in the folder of a project}."""
    statements = {"paper/statements.csv": "statements.csv"} if of_the_paper(folder) else {}
    return {name: name for name in LINKED} | statements


def of_the_paper(folder: str) -> bool:
    """Return whether a project compares its studies with the paper: it measures no times."""
    return folder.split("/")[0] == "paper"


def pipeline(root: str, folder: str) -> str:
    """Return the dvc.yaml of the project in a folder, from that of the root."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    whole = yaml.load(root)
    stages = whole["stages"]
    _remove_deps(stages, tuple(f"{project}/" for project in PROJECTS))  # what the root takes from others
    if of_the_paper(folder):
        left_out = tuple(_folder(out) for name in MEASURING for out in _body(stages[name])["outs"])
        for name in MEASURING:
            del stages[name]
        _remove_deps(stages, left_out)
        stages.update(yaml.load(COMPARE))
    written = StringIO()
    yaml.dump({"vars": whole["vars"], "stages": stages}, written)
    about = ABOUT_PAPER if of_the_paper(folder) else ABOUT
    return "".join(f"# {line}".rstrip() + "\n" for line in about.splitlines()) + written.getvalue()


def _remove_deps(stages: dict[str, Any], beginnings: tuple[str, ...]) -> None:
    for deps in (_body(stage)["deps"] for stage in stages.values()):
        for dep in [dep for dep in deps if dep.startswith(beginnings)]:
            deps.remove(dep)


def link(path: Path, target: Path) -> None:
    """Make a relative link, unless something is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.symlink_to(os.path.relpath(target, path.parent))


def _body(stage: dict[str, Any]) -> dict[str, Any]:
    return stage.get("do", stage)


def _folder(out: str | dict[str, Any]) -> str:
    return (out if isinstance(out, str) else next(iter(out))).removesuffix("${key}")


if __name__ == "__main__":
    exit_with(main)
