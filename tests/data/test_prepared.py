"""Prepared data sets as files: what is saved is read back, or refused in a line; what is current is kept."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchwise.common import plugins, sealed
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import params
from batchwise.config.study import Subset
from batchwise.data import loading, prepared
from batchwise.data.dataset import DataSet, Description, Split
from tests.damage import damaged

CODE_OF_DIGITS = prepared.code_of("digits")
GIVEN = params.load(ROOT / "params.yaml").data_sets
CODE = {"batchwise/datasets/small.py": "1" * 64}
ASKED = {"data_set": "small", "subset": None}


@pytest.fixture(scope="module")
def small() -> DataSet:
    random = np.random.default_rng(0)
    parts = [Split(random.normal(size=(n, 2)).astype("float32"), np.arange(n, dtype="int32") % 2) for n in (6, 0, 3)]
    return DataSet(Description("title", "binary_classification", "source", "licence"), ("no", "yes"), *parts)


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_what_is_saved_is_read_back(name, tmp_path) -> None:
    data = plugins.load("datasets", name).prepare(**GIVEN[name])
    prepared.save(data, tmp_path, name, GIVEN[name], CODE)
    back, about = prepared.load(tmp_path, name), prepared.read(tmp_path, name)
    assert (back.description, back.class_names, back.sha256) == (data.description, data.class_names, data.sha256)
    assert about == {**prepared.manifest(data, GIVEN[name]), "code": CODE}
    for key, array in data.arrays.items():
        np.testing.assert_array_equal(back.arrays[key], array)
        assert back.arrays[key].dtype == array.dtype
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    prepared.save(back, tmp_path, name, GIVEN[name], CODE)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before
    assert len(before) == 2
    with np.load(tmp_path / f"{name}.npz", allow_pickle=False) as file:
        assert [file[key].dtype.kind for key in file.files] == ["f", "i"] * 3


# What is not what was saved


def about(**changes) -> Callable[[Path], object]:
    """Return what writes another manifest, with its checksum."""

    def change(folder: Path) -> None:
        path = folder / "small.json"
        path.write_bytes(sealed.as_json({**sealed.from_json(path.read_bytes()), **changes}))

    return change


def without(key: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / "small.json"
        content = sealed.from_json(path.read_bytes())
        path.write_bytes(sealed.as_json({name: value for name, value in content.items() if name != key}))

    return change


def other_labels(folder: Path) -> None:
    with np.load(folder / "small.npz") as file:
        content = dict(file)
    (folder / "small.npz").write_bytes(sealed.archive_bytes({**content, "test_labels": 1 - content["test_labels"]}))


def not_sealed(folder: Path) -> None:
    with np.load(folder / "small.npz") as file:
        content = dict(file)
    np.savez(folder / "small.npz", **content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "small.npz").unlink(), "cannot be read (No such file or directory)"),
        (lambda folder: (folder / "small.json").unlink(), "cannot be read (No such file or directory)"),
        (lambda folder: (folder / "small.npz").write_bytes(sealed.archive_bytes({})), "damaged"),
        (other_labels, "not the file that its manifest describes"),
        (not_sealed, "damaged"),
        (about(sha256="0"), "not the file that its manifest describes"),
        (about(class_names=["no", "perhaps"]), "not the file that its manifest describes"),
        (without("title"), "damaged"),
        (lambda folder: (folder / "small.json").write_text("[]"), "damaged"),
        (lambda folder: (folder / "small.json").write_text("null"), "damaged"),
    ],
)
def test_a_file_that_is_not_what_was_saved(small, tmp_path, change, words) -> None:
    prepared.save(small, tmp_path, "small", {}, CODE)
    change(tmp_path)
    with pytest.raises(UserError) as caught:
        prepared.load(tmp_path, "small")
    assert words in str(caught.value)
    assert str(tmp_path / "small") in str(caught.value)
    assert "`dvc repro --force preprocess`" in str(caught.value)


@pytest.mark.parametrize("file", ["small.npz", "small.json", "studies/one.json"])
@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_refused_in_a_line_or_changes_nothing(small, tmp_path, file, data) -> None:
    prepared.save(small, tmp_path, "small", {}, CODE_OF_DIGITS)
    prepared.save_part(small, tmp_path, "one", {}, ASKED)
    path, whole = tmp_path / file, prepared.read_part(tmp_path, "one")
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        sha256, part = prepared.load(tmp_path, "small").sha256, prepared.read_part(tmp_path, "one")
    except UserError as error:
        assert str(error).startswith(f"{path} is damaged (") and str(error).isprintable()
        assert str(error).endswith("; run `dvc repro --force preprocess`")
    else:  # a space of the JSON became a tab, say
        assert file.endswith("json") and (sha256, part) == (small.sha256, whole)


def test_a_damaged_file_is_not_kept(small, tmp_path) -> None:
    for name in ("digits.npz", "digits.json"):
        prepared.save(small, tmp_path, "digits", {}, CODE_OF_DIGITS)
        assert prepared.kept(tmp_path, "digits", {})
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        assert prepared.kept(tmp_path, "digits", {}) is None


# What is kept


def test_what_was_prepared_from_these_options_and_this_code_is_kept(small, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(prepared, "code_of", lambda name: {**CODE, "name": name})
    kept = partial(prepared.kept, tmp_path)
    assert kept("small", {"seed": 1}) is None
    prepared.save(small, tmp_path, "small", {"seed": 1}, prepared.code_of("small"))
    assert kept("small", {"seed": 1}).sha256 == small.sha256
    assert kept("small", {"seed": 2}) is kept("small", {}) is None
    monkeypatch.setattr(prepared, "code_of", lambda name: CODE)
    assert kept("small", {"seed": 1}) is None


def test_the_code_of_a_data_set_is_that_which_prepares_it() -> None:
    assert {"batchwise/datasets/digits.py", "batchwise/data/splitting.py"} <= {*CODE_OF_DIGITS}
    assert "batchwise/datasets/breast_cancer.py" not in CODE_OF_DIGITS


def test_files_of_what_is_gone_are_removed_and_others_stay(small, tmp_path) -> None:
    for name in ("gone", "small"):
        prepared.save(small, tmp_path, name, {})
        prepared.save_part(small, tmp_path, name, {}, ASKED)
    (tmp_path / "notes.txt").write_text("of somebody")
    prepared.remove_others(tmp_path, ["small"], ["small"])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "notes.txt",
        *("small.json", "small.json", "small.npz"),
    ]


def test_the_part_of_a_study_is_described(small, tmp_path) -> None:
    asked = {"train_rows": 4, "validation_rows": 0, "test_rows": 2, "seed": 0}
    part = loading.part(small, Subset(**asked))
    prepared.save_part(part, tmp_path, "one", {"seed": 1}, {"data_set": "small", "subset": asked})
    about = prepared.read_part(tmp_path, "one")
    assert about["rows"] == {"train": 4, "validation": 0, "test": 2}
    assert about["sha256"] == part.sha256 != small.sha256
    assert (about["options"], about["asked"]) == ({"seed": 1}, {"data_set": "small", "subset": asked})
    assert loading.part(small, None) is small
