"""The section `files`, the options that name its keys, and the plug-ins that entries of `data_sets` name."""

import copy
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config import data_set_entries, params
from tests.project import PARAMS

PLUGIN = "def prepare(*, file: File, other: File | None = None, third: File = 'wine', rows: int = 3): ..."


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of a project, in which are the plug-ins."""
    made = tmp_path / "project"
    made.mkdir()
    monkeypatch.chdir(made)
    found = plugins._folder
    monkeypatch.setattr(plugins, "_folder", lambda kind: tmp_path if kind == "datasets" else found(kind))
    (tmp_path / "table.py").write_text(PLUGIN)
    (tmp_path / "digits.py").write_text("def prepare(*, test_rows: int, validation_rows: int, seed: Seed): ...")
    return made


def told(**changes: object) -> str:
    """Return what is said of parameters with these sections."""
    content = copy.deepcopy(PARAMS)
    content["data_sets"] |= changes.pop("data_sets", {})
    try:
        params.check({**content, **changes})
    except UserError as error:
        return str(error)
    return ""


# {path: what is said of it}
WRONG = {
    "": "'' is no path; give that of a file or folder, in one line of text",
    " ": "' ' is no path",
    "a\nb.csv": "is no path; give that of a file or folder, in one line of text",
    "s3://bucket/wine.csv": "'s3://bucket/wine.csv' is an address; copy the file here, and give its path",
    "https://example.org/wine.csv": "is an address",
    "/data/../wine.csv": "'/data/../wine.csv' is no path from here, as it must be; write '../",
    "a/../wine.csv": "'a/../wine.csv' has .. in its midst; write 'wine.csv'",
    ".": "'.' has the whole project in it; put the files into a folder of their own",
    "..": "'..' has the whole project in it",
    "../project": "'../project' has the whole project in it",
    "data/prepared": "'data/prepared' is in data, which is made here; put the file elsewhere",
    "../project/data/x": "is in data, which is made here",
    "./data": "is in data, which is made here",
    "reports/html": "is in reports, which is made here",
    ".git/config": "is in .git, which is made here",
    ".dvc/cache": "is in .dvc, which is made here",
    "dvc.lock": "is in dvc.lock, which is made here",
    "link/x.csv": "'link/x.csv' is in data, which is made here",
    3: "it must be text",
    None: "it must be text",
    True: "it must be text",
    ("wine.csv",): "it must be text",
}


@pytest.mark.parametrize("path", WRONG)
def test_a_path_that_dvc_cannot_watch_is_a_line(folder, path) -> None:
    os.symlink("data", "link")
    said = told(files={"wine": [*path] if isinstance(path, tuple) else path})
    assert said.startswith("params.yaml: files.wine") and WRONG[path] in said
    assert said.isprintable() and len(said) < 400


def test_an_absolute_path_is_answered_with_the_one_to_write(folder) -> None:
    path = folder.parent / "wine.csv"
    assert (
        f"write '{os.path.relpath(path)}'" in told(files={"wine": str(path)}) and os.path.relpath(path) == "../wine.csv"
    )
    assert told(files={"wine": "../wine.csv"}) == ""


@pytest.mark.parametrize(
    ("path", "simplest"),
    [
        ("./wine.csv", "wine.csv"),
        ("cells/", "cells"),
        ("a//b", "a/b"),
        ("../x/y", "../x/y"),
        ("größe [1] #&'$.csv", None),
    ],
)
def test_a_path_is_kept_in_its_simplest_form(folder, path, simplest) -> None:
    found = params.check({**PARAMS, "files": {"wine": path}}).files
    assert found == {"wine": simplest or path}


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_a_line(path) -> None:
    try:
        found = params.check({**PARAMS, "files": {"wine": path}}).files["wine"]
    except UserError as error:
        assert str(error).startswith("params.yaml: files.wine: ") and str(error).isprintable()
    else:
        assert os.path.normpath(found) == os.path.normpath(path) and not os.path.isabs(found)


@pytest.mark.parametrize("name", ["Wine", "a-b", "../x", "a b", "x; touch y", "${item}"])
def test_a_name_for_the_shell_or_another_folder_is_refused(name) -> None:
    assert f"params.yaml: files: the name {name!r} is not allowed" in told(files={name: "wine.csv"})


@pytest.mark.parametrize("files", [None, [], "wine.csv", 3])
def test_files_that_are_no_mapping_are_a_line(files) -> None:
    assert "params.yaml: files is" in told(files=files) and "it must be a mapping" in told(files=files)


FILES = {"wine": "wine.csv", "beer": "beer.csv"}


def test_an_option_of_a_file_is_a_key_of_files(folder) -> None:
    entry = {"name": "table", "file": "beer"}
    for more in ({}, {"other": None}, {"other": "wine"}, {"third": "beer"}):
        assert told(files=FILES, data_sets={"drinks": {**entry, **more}}) == ""
    assert data_set_entries.file_keys("drinks", entry) == {"file": "beer", "third": "wine"}
    assert data_set_entries.file_keys("drinks", {**entry, "other": "wine"})["other"] == "wine"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {"file": "win"},
            "data_sets.drinks.file: 'win' is not a known file; allowed: beer, wine; did you mean 'wine'?",
        ),
        ({"file": "win"}, "; or add `win: path` under files"),
        ({"file": "wine", "other": "x"}, "data_sets.drinks.other: 'x' is not a known file"),
        ({"file": "wine.csv"}, "data_sets.drinks.file: 'wine.csv' is not a known file"),
        ({"file": 3}, "data_sets.drinks.file is 3; it must be text"),
        ({"file": None}, "data_sets.drinks.file is None; it must be text"),
        ({}, "data_sets.drinks.file is missing"),
    ],
)
def test_an_option_of_a_file_that_is_none_is_a_line(folder, entry, words) -> None:
    said = told(files=FILES, data_sets={"drinks": {"name": "table", **entry}})
    assert words in said and len(said.splitlines()) == 1 and said.isprintable()


def test_a_default_that_is_no_key_is_a_line_too(folder) -> None:
    said = told(files={"beer": "beer.csv"}, data_sets={"drinks": {"name": "table", "file": "beer"}})
    assert "data_sets.drinks.third: 'wine' is not a known file; allowed: beer" in said
    assert "allowed: none" in told(data_sets={"drinks": {"name": "table", "file": "beer"}})


def test_where_a_path_is_wrong_nothing_is_said_of_options_that_name_it(folder) -> None:
    said = told(files={"wine": "/wine.csv"}, data_sets={"drinks": {"name": "table", "file": "wine"}})
    assert "files.wine" in said and "data_sets" not in said


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "tabel"}, "'tabel' is not a known data set; allowed: digits, table; did you mean 'table'?"),
        ({"name": 3}, "data_sets.drinks.name: 3 is no name of a data set; write that of a file"),
        ({"name": None}, "data_sets.drinks.name: None is no name"),
        ({}, "'drinks' is not a known data set"),
    ],
)
def test_an_entry_names_a_plugin_that_is_there(folder, entry, words) -> None:
    said = told(data_sets={"drinks": entry})
    assert words in said and said.startswith("params.yaml: data_sets.drinks")


def test_the_name_of_an_entry_is_that_of_its_plugin_if_it_names_none() -> None:
    assert data_set_entries.plugin("digits", {}) == "digits"
    assert data_set_entries.plugin("mine", {"name": "digits"}) == "digits"
    assert data_set_entries.options({"name": "digits", "seed": 0}) == {"seed": 0}


def test_a_data_set_has_no_option_name(folder) -> None:
    (folder.parent / "table.py").write_text("def prepare(*, name: str): ...")
    said = told(data_sets={"table": {}})
    assert (
        "batchwise/datasets/table.py: an option cannot be `name`, which is the key of the data set's own name" in said
    )


def test_a_model_takes_no_files(folder) -> None:
    with pytest.raises(UserError, match="option file has type File; allowed: int"):
        plugins.signature.read(b"def build(*, file: File): ...", "x.py", "build", (), plugins.option_types(1))
