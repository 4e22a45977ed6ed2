"""What a stage does with the name on its command line, and what it keeps beside its outputs."""

import gc
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import stages
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.execution import stage_times
from stages import check, summary
from tests.project import PARAMS

NAMED = {
    "data set": ("preprocess",),
    "study": ("train", "evaluate", "profile", "landscape", "costs", "report", "figure"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump(PARAMS, file)
    return tmp_path


def run(monkeypatch, main, kind, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["/project/stages/report.py", *words])
    with pytest.raises(SystemExit) as ended:
        stages.run(main, kind)
    assert ended.value.code is None, ended.value.code


def test_a_stage_gets_its_name_and_keeps_how_long_it_took(folder, monkeypatch) -> None:
    given = []
    gc.disable()  # as while its module was imported
    run(monkeypatch, given.append, "study", "small")
    run(monkeypatch, lambda: given.append("nothing"), None)
    assert given == ["small", "nothing"] and gc.isenabled()
    first, second = stage_times.read(folder / stage_times.FILE)
    assert (first.stage, first.name, second.stage, second.name) == ("report", "small", "report", "")
    assert 0 < first.seconds <= second.seconds


def test_check_leaves_no_file_of_a_study_that_is_gone(folder) -> None:
    check.main()
    for name in ("studies", "measured_parts"):
        (folder / "data" / name / "gone.json").write_text("{}")
        (folder / "data" / name / "of somebody").mkdir()
    check.main()
    for name in ("studies", "measured_parts"):
        assert {path.name for path in (folder / "data" / name).iterdir()} == {"small.json", "of somebody"}


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("study", (), "one study of params.yaml must be named, not 0; allowed: small"),
        ("study", ("small", "small"), "one study of params.yaml must be named, not 2; allowed: small"),
        ("study", ("smal",), "'smal' is not a known study of params.yaml; allowed: small; did you mean 'small'?"),
        ("data set", ("nothing",), "'nothing' is not a known data set of params.yaml; allowed: digits"),
        ("data set", ("small",), "'small' is not a known data set of params.yaml; allowed: digits"),
        (None, ("small",), "this stage takes no name; run it without 'small'"),
        (None, ("a", "b"), "this stage takes no name; run it without 'a b'"),
    ],
)
def test_a_missing_or_an_unknown_name_is_one_line_and_nothing_runs(folder, monkeypatch, kind, words, told) -> None:
    with pytest.raises(AssertionError) as failed:
        run(monkeypatch, lambda *names: pytest.fail("it ran"), kind, *words)
    assert f"error: {told}" in str(failed.value)
    assert not (folder / stage_times.FILE).exists()


def test_a_stage_that_fails_keeps_no_time(folder, monkeypatch) -> None:
    def fail(name: str) -> None:
        raise UserError("it is wrong")

    with pytest.raises(AssertionError, match="error: it is wrong"):
        run(monkeypatch, fail, "study", "small")
    assert not (folder / stage_times.FILE).exists()


@pytest.mark.parametrize("content", [None, b"small\xff\n"])
def test_the_summary_says_that_the_names_of_the_studies_are_missing_or_damaged(folder, content) -> None:
    if content:
        summary.STUDIES.parent.mkdir()
        summary.STUDIES.write_bytes(content)
    with pytest.raises(UserError, match=r"^data/studies\.txt is missing or damaged; run `dvc repro --force check`$"):
        summary.main()


@pytest.mark.parametrize(("kind", "stage"), [(kind, stage) for kind, names in NAMED.items() for stage in names])
def test_every_stage_with_a_name_takes_it_this_way(kind, stage) -> None:
    text = (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8")
    assert f'stages.run(main, "{kind}")' in text and "sys.argv" not in text
