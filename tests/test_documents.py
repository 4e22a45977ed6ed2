"""Licence, citation, changelog and the guide for contributors: they are there, and what they say is true."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from batchwise.claims import questions
from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.config import key_tables, schema
from stages import parameters

README, CONTRIBUTING, CHANGELOG = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
)
CITATION = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
# Of https://www.apache.org/licenses/LICENSE-2.0.txt
APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_the_licence_is_the_text_of_apache_2_0() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0
    assert CITATION["license"] == "Apache-2.0"
    assert "Apache-2.0" in README and "LICENSE" in README


def test_the_citation_is_of_cff_1_2_0() -> None:
    """What its schema requires, and no version that the changelog does not have."""
    assert {"cff-version", "message", "title", "type", "authors", "license", "abstract"} <= set(CITATION)
    assert (CITATION["cff-version"], CITATION["type"]) == ("1.2.0", "software")
    assert [author["name"] for author in CITATION["authors"]] == ["The batchwise authors"]
    for reference in CITATION["references"]:
        assert {"type", "title", "authors"} <= set(reference)
    assert "1804.07612" in {reference["doi"].rpartition("arXiv.")[2] for reference in CITATION["references"]}
    assert CITATION.get("version") == next(iter(releases()), None)


def releases() -> list[str]:
    """Return the versions of the changelog, newest first."""
    return re.findall(r"^## \[?(\d+\.\d+\.\d+)\]? - \d{4}-\d{2}-\d{2}$", CHANGELOG, re.MULTILINE)


def test_the_changelog_has_what_is_not_released() -> None:
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased" and len(headings) == 1 + len(releases())
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}  # those of Keep a Changelog
    assert set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE)) <= kinds


def test_the_commands_of_the_guide_exist() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", CONTRIBUTING, re.DOTALL)
    inline = re.findall(r"`((?:make|source|dvc|pytest|python) [^`]+)`", CONTRIBUTING)
    lines = [*"".join(blocks).splitlines(), *inline]
    commands = [command.split() for line in lines for command in line.split(" && ")]
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {words[0] for words in commands} >= {"make", "source", "pytest", "lint-imports"}
    for program, *rest in commands:
        if program == "make":
            assert rest[0] in targets
        elif program == "source":
            assert rest == [".venv/bin/activate"]
        else:
            assert shutil.which(program, path=str(Path(sys.executable).parent)), program
        assert all((ROOT / word).exists() for word in rest if word.startswith("tests/"))


def test_what_the_guide_names_is_there() -> None:
    """Files and folders, and the kinds of plug-ins with what each offers; one row for each kind."""
    paths = re.findall(r"`([\w*.-]+/[\w./*-]*|[\w*-]+\.(?:in|md|toml|yaml))`", CONTRIBUTING)
    assert len(paths) > 10
    for path in paths:
        assert list(ROOT.glob(path.rstrip("/"))), path
    rows = dict(re.findall(r"^\| a (.*?) \| (.*?) \|", CONTRIBUTING, re.MULTILINE))
    for kind, offered in {"datasets": "prepare(", "models": "build(", "tasks": "task("}.items():
        assert any(f"`batchwise/{kind}/<name>.py` with `{offered}" in row for row in rows.values()), kind
        for name in plugins.names(kind):
            source = (ROOT / "batchwise" / kind / f"{name}.py").read_text(encoding="utf-8")
            assert re.search(rf"^(def )?{re.escape(offered)}", source, re.MULTILINE), name
    assert "`MEASURES` (`batchwise/claims/questions.py`)" in rows["claim"] and hasattr(questions, "MEASURES")


def test_what_is_said_of_parameters_is_written_from_their_models() -> None:
    """And from plug-ins: those of the repository, so that one that is not committed yet fails nothing."""
    told = "run `python -m stages.parameters`"
    assert parameters.with_tables(README, key_tables.as_markdown(plugins_in_git)) == README, told
    assert schema.FILE.read_bytes() == schema.as_bytes(plugins_in_git), told


def plugins_in_git(kind: str) -> list[str]:
    """Return the names of the plug-ins of a kind that git has."""
    listed = subprocess.run(
        ["git", "ls-files", f"batchwise/{kind}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    known = listed.stdout.splitlines()
    return [name for name in plugins.names(kind) if plugins.file(kind, name) in known]
