"""What a stage does with the name on its command line, and what it keeps beside its outputs."""

import gc
import re
import sys
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

import stages
from batchwise.common import sealed, source_closure
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import checked
from batchwise.data import prepared
from batchwise.execution import stage_times
from stages import check, preprocess, summary
from stages import file as file_stage
from tests.project import PARAMS, STUDY

NAMED = ("train", "confirm", "evaluate", "profile", "landscape", "costs", "report", "figure")
BREAST_CANCER = {"test_rows": 114, "validation_rows": 0, "seed": 0}
OF_A_FILE = ("file",)
OF_STUDIES = ("side_by_side",)
UNNAMED = ("code", "check", "preprocess", "summary", "compare")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump(PARAMS, file)
    return tmp_path


def run(monkeypatch, main, kind, *words: str) -> object:
    """Return the status with which a stage ends the process."""
    monkeypatch.setattr(sys, "argv", ["/project/stages/report.py", *words])
    with pytest.raises(SystemExit) as ended:
        stages.run(main, kind)
    return ended.value.code


def test_a_stage_gets_its_name_and_keeps_how_long_it_took(folder, monkeypatch) -> None:
    given = []
    gc.disable()  # as while its module was imported
    assert run(monkeypatch, given.append, "study", "small") is None
    assert run(monkeypatch, lambda: given.append("nothing"), None) is None
    assert given == ["small", "nothing"] and gc.isenabled()
    first, second = stage_times.read(folder / stage_times.FILE)
    assert (first.stage, first.name, second.stage, second.name) == ("report", "small", "report", "")
    assert 0 < first.seconds <= second.seconds


def test_check_leaves_no_file_of_a_study_that_is_gone(folder) -> None:
    check.main()
    kinds = {"studies": "json", "measured_parts": "json", "models": "txt"}
    for name, ending in kinds.items():
        (folder / "data" / name / f"gone.{ending}").write_text("{}")
        (folder / "data" / name / "of somebody").mkdir()
    check.main()
    for name, ending in kinds.items():
        assert {path.name for path in (folder / "data" / name).iterdir()} == {f"small.{ending}", "of somebody"}


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("study", (), "one study of params.yaml must be named, not 0; allowed: small"),
        ("study", ("small", "small"), "one study of params.yaml must be named, not 2; allowed: small"),
        ("study", ("smal",), "'smal' is not a known study of params.yaml; allowed: small; did you mean 'small'?"),
        ("file", (), "one file of params.yaml must be named, not 0; allowed: none"),
        ("file", ("small",), "'small' is not a known file of params.yaml; allowed: none"),
        (None, ("small",), "this stage takes no name; run it without 'small'"),
        (None, ("a", "b"), "this stage takes no name; run it without 'a b'"),
    ],
)
def test_a_missing_or_an_unknown_name_is_one_line_and_nothing_runs(
    folder, monkeypatch, capsys, kind, words, told
) -> None:
    assert run(monkeypatch, lambda *names: pytest.fail("it ran"), kind, *words) == 1
    assert capsys.readouterr().err == f"error: {told}\n"
    assert not (folder / stage_times.FILE).exists()


def test_a_stage_that_fails_keeps_no_time(folder, monkeypatch, capsys) -> None:
    def fail(name: str) -> None:
        raise UserError("it is wrong")

    assert run(monkeypatch, fail, "study", "small") == 1
    assert capsys.readouterr().err == "error: it is wrong\n"
    assert not (folder / stage_times.FILE).exists()


def test_check_writes_the_names_the_data_sets_and_the_code_of_each_study(folder) -> None:
    check.main()
    assert checked.read(checked.NAMES) == {"studies": ["small"]}
    assert checked.read(checked.DATA_SETS) == {
        "data_sets": PARAMS["data_sets"],
        "studies": {"small": {"data_set": "digits", "subset": None, "task": None}},
    }
    model = (folder / "data/models/small.txt").read_text()
    assert re.fullmatch("[0-9a-f]{64}  batchwise/models/mlp.py\n", model)
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump({**PARAMS, "studies": {"small": {**STUDY, "engine": "jax"}}}, file)
    check.main()
    of_jax = [line.split()[1] for line in (folder / "data/models/small.txt").read_text().splitlines()]
    assert of_jax == ["batchwise/models/mlp.py", *source_closure.of_jax()]


@pytest.mark.parametrize("content", [None, b"", b"small\xff\n", b'{"studies": ["small"]}', b"[" * 10_000])
@pytest.mark.parametrize(("main", "file"), [(summary.main, checked.NAMES), (preprocess.main, checked.DATA_SETS)])
def test_what_check_writes_is_missing_or_damaged_in_a_line(folder, main, file, content) -> None:
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    with pytest.raises(UserError, match=rf"^{file} cannot be read \(.*\); run `dvc repro --force check`$"):
        main()


# The stage preprocess


def written(folder: Path) -> dict[str, int]:
    """Return {file: when it was written} of the prepared data."""
    base = folder / preprocess.FOLDER
    return {str(path.relative_to(base)): path.stat().st_mtime_ns for path in base.rglob("*") if path.is_file()}


def prepare(params: dict) -> None:
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump(params, file)
    check.main()
    preprocess.main()


def test_preprocess_prepares_what_params_name(folder) -> None:
    some = {"train_rows": 100, "validation_rows": 20, "test_rows": 20}
    prepare({**PARAMS, "studies": {**PARAMS["studies"], "part": {**STUDY, "subset": some}}})
    assert {*written(folder)} == {"digits.npz", "digits.json", "studies/small.json", "studies/part.json"}
    assert prepared.read_part(preprocess.FOLDER, "part")["rows"] == {"train": 100, "validation": 20, "test": 20}
    assert prepared.read_part(preprocess.FOLDER, "small")["rows"] == {"train": 1200, "validation": 300, "test": 297}

    prepare(PARAMS)
    assert {*written(folder)} == {"digits.npz", "digits.json", "studies/small.json"}  # of a study that is gone, nothing

    others = {"digits": PARAMS["data_sets"]["digits"] | {"seed": 1}, "breast_cancer": BREAST_CANCER}
    prepare({**PARAMS, "data_sets": others})
    wanted = {"digits.npz", "digits.json", "studies/small.json", "breast_cancer.npz", "breast_cancer.json"}
    assert {*written(folder)} == wanted
    assert prepared.read_part(preprocess.FOLDER, "small")["options"]["seed"] == 1


def test_a_part_that_the_data_do_not_have_is_told_with_its_study(folder) -> None:
    part = {**STUDY, "subset": {"train_rows": 1201}}
    with pytest.raises(UserError, match=r"^studies\.part\.subset: train_rows is 1201; at most 1200 are allowed"):
        prepare({**PARAMS, "studies": {**PARAMS["studies"], "part": part}})


# Files of the user's

CELLS = {"name": "image_folder", "folder": "cells", "height": 4, "width": 4, "test_rows": 4, "validation_rows": 4}


@pytest.fixture
def images(folder) -> dict:
    """Return parameters of two data sets of images, and studies of each."""
    for name in ("cells", "other"):
        for kind, value in (("a", 10), ("b", 200)):
            (folder / name / kind).mkdir(parents=True)
            for row in range(6):
                Image.new("RGB", (4, 4), (value, row, 0)).save(folder / name / kind / f"{row}.png")
    files = {"cells": "cells", "second": "other"}
    data_sets = {"first": CELLS, "second": {**CELLS, "folder": "second"}}
    studies = {name: {**STUDY, "data_set": name} for name in data_sets}
    return {**PARAMS, "files": files, "data_sets": data_sets, "studies": studies}


def look(params: dict) -> None:
    """Do what DVC does before preprocess."""
    with Path("params.yaml").open("w") as file:
        YAML(typ="safe").dump(params, file)
    check.main()
    for name in params["files"]:
        file_stage.main(name)


def prepared_anew(folder: Path) -> set[str]:
    """Return the data sets that preprocess prepares, rather than keeps them."""
    before = written(folder)
    preprocess.main()
    return {Path(name).stem for name, when in written(folder).items() if before.get(name) != when and "npz" in name}


def test_a_changed_file_prepares_anew_what_reads_it(folder, images) -> None:
    look(images)
    assert prepared_anew(folder) == {"first", "second"}
    first = (folder / "data/prepared/studies/first.json").read_bytes()
    Image.new("RGB", (4, 4), (0, 0, 99)).save(folder / "other/b/0.png")
    look(images)
    assert prepared_anew(folder) == {"second"}
    assert (folder / "data/prepared/studies/first.json").read_bytes() == first
    assert prepared_anew(folder) == {"first", "second"}  # without a reason it is `dvc repro --force preprocess`
    images["data_sets"]["first"] = {**CELLS, "seed": 1}
    look(images)
    assert prepared_anew(folder) == {"first"}
    images["studies"]["second"]["subset"] = {"train_rows": 2}
    look(images)
    assert prepared_anew(folder) == set()
    assert prepared.read_part(preprocess.FOLDER, "second")["rows"]["train"] == 2
    (folder / "data/prepared/first.npz").write_bytes(b"damaged")
    images["data_sets"]["second"]["height"] = 3
    look(images)
    assert prepared_anew(folder) == {"first", "second"}


def test_what_a_data_set_was_made_from_names_the_file_and_its_checksum(folder, images) -> None:
    look(images)
    preprocess.main()
    record = sealed.from_json(Path("data/files/second.json").read_bytes())
    assert prepared.read(preprocess.FOLDER, "second")["files"] == {"second (other)": record["sha256"]}
    assert prepared.read_part(preprocess.FOLDER, "second")["files"] == {"second (other)": record["sha256"]}
    assert prepared.read(preprocess.FOLDER, "second")["options"] == {**CELLS, "folder": "second"}
    assert [*record["files"]] == [f"{kind}/{row}.png" for kind in "ab" for row in range(6)]


def test_a_file_that_changed_since_it_was_looked_at_is_told_and_nothing_is_written(folder, images) -> None:
    look(images)
    Image.new("RGB", (4, 4)).save(folder / "cells/a/0.png")
    with pytest.raises(
        UserError, match=r"^cells has changed since DVC looked at it; run `dvc repro --force file@cells`"
    ):
        preprocess.main()
    (folder / "cells/a/0.png").write_text("half an image")  # of which its reader would speak otherwise
    with pytest.raises(UserError, match=r"^cells has changed since DVC looked at it; "):
        preprocess.main()
    assert not written(folder)


def test_check_says_which_file_is_missing_and_leaves_nothing_of_one_that_is_gone(folder, images) -> None:
    look(images)
    assert {path.name for path in Path("data/files").iterdir()} == {"all-paths.json", "cells.json", "second.json"}
    before = Path("data/data_sets.json").read_bytes()
    with pytest.raises(UserError, match=r"^params\.yaml: files\.cells: there is no nowhere in "):
        look({**images, "files": {"cells": "nowhere", "second": "other"}})
    assert Path("data/data_sets.json").read_bytes() == before
    del images["data_sets"]["first"], images["studies"]["first"], images["files"]["cells"]
    look(images)
    assert {path.name for path in Path("data/files").iterdir()} == {"all-paths.json", "second.json"}


@pytest.mark.parametrize("name", ["digits.npz", "digits.json", "studies/small.json"])
def test_preprocess_makes_a_damaged_file_again(folder, name) -> None:
    prepare(PARAMS)
    path = folder / preprocess.FOLDER / name
    whole = path.read_bytes()
    for damaged in (whole[:-3], whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], b""):
        path.write_bytes(damaged)
        preprocess.main()
        assert path.read_bytes() == whole


@pytest.mark.parametrize("stage", NAMED)
def test_every_stage_with_a_name_takes_it_this_way(stage) -> None:
    text = (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8")
    assert 'stages.run(main, "study")' in text and "sys.argv" not in text


@pytest.mark.parametrize("stage", OF_A_FILE)
def test_every_stage_of_a_file_takes_its_name_this_way(stage) -> None:
    text = (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8")
    assert 'stages.run(main, "file")' in text and "sys.argv" not in text


def test_every_stage_is_one_of_these() -> None:
    there = {path.stem for path in (ROOT / "stages").glob("*.py")}
    assert there == {*NAMED, *OF_A_FILE, *OF_STUDIES, *UNNAMED, "__init__", "parameters", "pipelines"}


@pytest.mark.parametrize("stage", UNNAMED)
def test_every_other_stage_takes_none(stage) -> None:
    text = (ROOT / f"stages/{stage}.py").read_text(encoding="utf-8")
    assert "stages.run(main)" in text and "sys.argv" not in text
