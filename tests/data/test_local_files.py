"""What is in the user's files: checksums that do not depend on the disk, and a line for what is no such file."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchwise.common import sealed
from batchwise.common.errors import UserError
from batchwise.data import local_files
from batchwise.data.local_files import LocalFile

NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..", *local_files.UNWATCHED)
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("wine.csv").write_text("a,b\n1,2\n")
    Path("cells/a").mkdir(parents=True)
    Path("cells/a/1.png").write_bytes(b"one")
    Path("cells/2.png").write_bytes(b"two")
    return tmp_path


@given(content=st.binary(max_size=100), name=NAMES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_the_checksum_of_a_file_is_that_of_sha256sum(folder, content, name) -> None:
    Path("some").mkdir(exist_ok=True)
    path = Path("some") / name
    path.write_bytes(content or b"x")
    printed = subprocess.run(["sha256sum", "--zero", path], capture_output=True, text=True, check=True).stdout
    assert local_files.now({"wine": str(path)})["wine"].sha256 == printed.split()[0]
    assert local_files.facts(path)["bytes"] == path.stat().st_size


def test_the_checksum_of_a_folder_is_that_of_what_sha256sum_prints(folder) -> None:
    Path("cells/a.b").write_bytes(b"three")  # "a.b" sorts before "a/1.png"
    Path("cells/größe é.png").write_bytes(b"four")
    Path("cells/__pycache__").mkdir()
    Path("cells/__pycache__/x.pyc").write_bytes(b"DVC passes over it")
    shell = (
        "cd cells; find . -type f -not -path '*/__pycache__/*' -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum"
    )
    printed = subprocess.run(f"({shell}) | sha256sum", shell=True, capture_output=True, text=True, check=True).stdout
    found = local_files.facts(Path("cells"))
    assert found["sha256"] == printed.split()[0]
    assert [*found["files"]] == ["2.png", "a.b", "a/1.png", "größe é.png"] and found["bytes"] == 15


@pytest.mark.parametrize(
    "change",
    [
        lambda: Path("cells/2.png").write_bytes(b"owt"),
        lambda: Path("cells/2.png").unlink(),
        lambda: Path("cells/3.png").touch(),
        lambda: Path("cells/2.png").rename("cells/3.png"),
        lambda: Path("cells/.hidden").write_text("x"),
        lambda: Path("cells/link").symlink_to("2.png"),
    ],
)
def test_any_change_in_a_folder_changes_its_checksum(folder, change) -> None:
    before = local_files.now({"cells": "cells"})["cells"]
    os.utime("cells/2.png", (0, 0))
    before.check_unchanged()
    change()
    with pytest.raises(
        UserError, match=r"^cells has changed since DVC looked at it; run `dvc repro --force file@cells`"
    ):
        before.check_unchanged()


def test_a_file_that_is_gone_has_changed(folder) -> None:
    before = local_files.now({"wine": "wine.csv"})["wine"]
    before.check_unchanged()
    Path("wine.csv").unlink()
    with pytest.raises(UserError, match="has changed since DVC looked at it"):
        before.check_unchanged()


def link(target: str) -> Callable[[], object]:
    return lambda: Path("x").symlink_to(target)


def odd_name() -> None:
    Path("x").mkdir()
    (Path("x") / "a\nb").write_text("x")


def no_text() -> None:
    Path("x").mkdir()
    open(b"x/\xff.png", "wb").close()


# {what x is: (what makes it so, words)}
WRONG = {
    "missing": (lambda: None, "there is no x in "),
    "an empty file": (lambda: Path("x").touch(), "x is empty; give a file, or a folder of files, with something in it"),
    "an empty folder": (lambda: Path("x").mkdir(), "x is empty"),
    "folders without files": (lambda: Path("x/y").mkdir(parents=True), "x is empty"),
    "a pipe": (lambda: os.mkfifo("x"), "x is a pipe or a device; give a file, or a folder of files"),
    "a device": (link("/dev/zero"), "x is a pipe or a device"),
    "a pipe in a folder": (lambda: (Path("x").mkdir(), os.mkfifo("x/p")), "x/p is a pipe or a device"),
    "a link to nothing": (link("nothing"), "there is no x in "),
    "a link to nothing in a folder": (
        lambda: (Path("x").mkdir(), Path("x/l").symlink_to("nothing")),
        "there is no x/l in ",
    ),
    "a link to itself": (link("x"), "x cannot be read (Too many levels of symbolic links)"),
    "a link to a folder in a folder": (
        lambda: (Path("x").mkdir(), Path("x/l").symlink_to("../cells")),
        "x/l is a link to a folder, into which DVC does not look; copy it",
    ),
    "below a file": (lambda: Path("x").symlink_to("wine.csv/y"), "x cannot be read (Not a directory)"),
    "a name of two lines": (odd_name, r"x has 'a\nb', whose name is no text; rename it"),
    "a name that is no text": (no_text, r"x has '\udcff.png', whose name is no text; rename it"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_file_or_folder_of_files_is_a_line(folder, name) -> None:
    make, words = WRONG[name]
    make()
    with pytest.raises(UserError) as told:
        local_files.check({"wine": "wine.csv", "mine": "x", "cells": "cells"})
    assert str(told.value).startswith("params.yaml: files.mine: ") and words in str(told.value)
    assert str(told.value).isprintable()


def test_what_nobody_may_read_is_a_line(folder, monkeypatch) -> None:
    """Everything is readable for root, who may run the tests."""
    monkeypatch.setattr(local_files.os, "access", lambda path, mode: path.name != "1.png")
    with pytest.raises(UserError, match=r"files\.cells: cells/a/1\.png cannot be read \(Permission denied\); make it"):
        local_files.check({"wine": "wine.csv", "cells": "cells"})


def test_each_wrong_file_has_its_line(folder) -> None:
    with pytest.raises(UserError) as told:
        local_files.check({"a": "x", "wine": "wine.csv", "b": "y"})
    assert [line.strip().split(": there")[0] for line in str(told.value).splitlines()] == [
        "params.yaml: files.a",
        "params.yaml: files.b",
    ]


def test_a_link_to_a_file_or_folder_is_what_it_leads_to(folder) -> None:
    Path("l.csv").symlink_to("wine.csv"), Path("l").symlink_to("cells")
    found = local_files.now({"a": "wine.csv", "b": "l.csv", "c": "cells", "d": "l"})
    assert found["a"].sha256 == found["b"].sha256 and found["c"].sha256 == found["d"].sha256


@pytest.mark.parametrize("content", [None, b"", b"{}", sealed.as_json({"sha256": "0"})[:-9]])
def test_a_damaged_record_says_how_to_make_it_again(folder, content) -> None:
    place = local_files.place("wine")
    place.parent.mkdir(parents=True)
    (place.parent / "all-paths.json").write_bytes(sealed.as_json({"files": {"wine": "wine.csv"}}))
    place.write_bytes(local_files.record("wine", "wine.csv"))
    assert local_files.recorded() == local_files.now({"wine": "wine.csv"})
    assert isinstance(local_files.recorded()["wine"], LocalFile)
    place.unlink() if content is None else place.write_bytes(content)
    with pytest.raises(UserError, match=r"^data/files/wine\.json cannot be read .*; run `dvc repro --force file@wine`"):
        local_files.recorded()
