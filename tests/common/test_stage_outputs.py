"""The folder that a stage writes is read back as it was written; a file that is another, or gone, is named."""

import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.serialization import as_csv, as_json
from tests.damage import damaged

FACTS = {"study": "small", "rows": {"train": 3}}
RUNS = pd.DataFrame({"seed": [0, 1], "status": ["ok", "NA"], "loss": [0.5, None]})
CELLS = pd.DataFrame({"batch_size": [4, 64], "rate": [0.125, 0.5]})
CONTENTS = {"summary.json": as_json(FACTS), "runs.csv": as_csv(RUNS), "cells.csv": as_csv(CELLS)}
FILES = (*CONTENTS, stage_outputs.SUMS)
AGAIN = "; run `dvc repro --force evaluate@small`"


@pytest.fixture
def folder(tmp_path) -> Path:
    stage_outputs.write(tmp_path / "small", CONTENTS)
    return tmp_path / "small"


def read(folder: Path) -> tuple[dict, dict[str, pd.DataFrame]]:
    return stage_outputs.read(folder, "evaluate", "summary", {"runs": None, "cells": ["rate"]}, ["status"])


def assert_is_what_was_written(folder: Path) -> None:
    facts, tables = read(folder)
    assert facts == FACTS
    pd.testing.assert_frame_equal(tables["runs"], RUNS, check_dtype=False)
    pd.testing.assert_frame_equal(tables["cells"], CELLS[["rate"]])


def assert_is_told(folder: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        read(folder)
    told = str(caught.value)
    assert told.isprintable() and told.startswith(str(folder)) and told.endswith(AGAIN)
    assert all(word in told for word in words)


def test_what_was_written_is_read_and_nothing_else_stays(folder) -> None:
    assert_is_what_was_written(folder)
    (folder / "old.csv").write_text("old")
    stage_outputs.write(folder, CONTENTS)
    assert {path.name for path in folder.iterdir()} == {*FILES}
    assert_is_what_was_written(folder)


def test_the_checksums_are_those_that_the_shell_checks(folder) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", stage_outputs.SUMS], cwd=folder, check=True)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_or_changes_nothing(tmp_path, name, data) -> None:
    folder = tmp_path / "small"
    stage_outputs.write(folder, CONTENTS)
    path = folder / name
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    if name != stage_outputs.SUMS:
        assert_is_told(folder, f"{name} is damaged or was edited: SHA256SUMS has another checksum of it")
        return
    try:
        assert_is_what_was_written(folder)  # with more behind the checksums, say
    except UserError as error:
        assert "is damaged or was edited" in str(error) and str(error).endswith(AGAIN)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_named(folder, name) -> None:
    (folder / name).unlink()
    assert_is_told(folder, f"{folder / name} cannot be read (No such file or directory)")
    (folder / name).mkdir()
    assert_is_told(folder, f"{folder / name} cannot be read (Is a directory)")


def test_a_folder_that_is_gone_is_named(folder) -> None:
    shutil.rmtree(folder)
    assert_is_told(folder, "cannot be read (No such file or directory)")


@pytest.mark.parametrize("names", [("runs.csv", "cells.csv"), ("summary.json", "runs.csv")])
def test_files_in_each_others_place_are_told(folder, names) -> None:
    one, other = (folder / name for name in names)
    content = one.read_bytes()
    os.replace(other, one)
    other.write_bytes(content)
    assert_is_told(folder, "is damaged or was edited")


def test_a_table_of_an_earlier_time_is_told(folder) -> None:
    before = (folder / "runs.csv").read_bytes()
    stage_outputs.write(folder, {**CONTENTS, "runs.csv": as_csv(RUNS.assign(seed=7))})
    (folder / "runs.csv").write_bytes(before)
    assert_is_told(folder, "runs.csv is damaged or was edited")


@pytest.mark.parametrize(
    "changes",
    [{"summary.json": b"{"}, {"cells.csv": b"other\n1\n"}, {"cells.csv": b""}, {"runs.csv": b"a\n1,2\n3\xff"}],
)
def test_what_another_version_wrote_is_told(folder, changes) -> None:
    """Its checksum is right, and its content another."""
    stage_outputs.write(folder, {**CONTENTS, **changes})
    assert_is_told(folder)
