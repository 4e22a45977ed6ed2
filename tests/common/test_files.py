"""A file has the old content or the new one, whole, whatever happens while it is written."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common import files
from tests.damage import damaged

LINES = [f"train,{number},0.50" for number in range(4)]
PATTERN = r"train,(\d+),([\d.]+)"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_is_written_with_its_folders(tmp_path) -> None:
    files.write(tmp_path / "a/b/c.txt", lambda file: file.write(b"new"))
    assert contents(tmp_path / "a/b") == {"c.txt": b"new"}
    assert (tmp_path / "a/b/c.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [{}, {"c.txt": b"old"}])
def test_an_interruption_leaves_what_was_there(tmp_path, before, error) -> None:
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)

    def fill(file) -> None:
        file.write(b"half")
        raise error

    with pytest.raises(error):
        files.write(tmp_path / "c.txt", fill)
    assert contents(tmp_path) == before


def test_a_folder_is_replaced_as_a_whole(tmp_path) -> None:
    files.replace(tmp_path, {"a": b"1", "b": b"2"})
    files.replace(tmp_path, {"b": b"3", "c": b""})
    assert contents(tmp_path) == {"b": b"3", "c": b""}


@pytest.mark.parametrize("step", ["fill", "fsync", "replace"])
def test_an_error_of_the_system_names_the_file(tmp_path, monkeypatch, step) -> None:
    """Python names none where a disk is full."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step != "fill":
        monkeypatch.setattr(f"batchwise.common.files.os.{step}", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write(tmp_path / "c.txt", refuse if step == "fill" else lambda file: file.write(b"new"))
    assert caught.value.filename == str(tmp_path / "c.txt")
    assert contents(tmp_path) == {}


def test_a_folder_that_is_gone_meanwhile_is_named_with_the_file(tmp_path) -> None:
    path = tmp_path / "a/c.txt"

    def remove(_: object) -> None:
        for each in path.parent.iterdir():
            each.unlink()
        path.parent.rmdir()

    with pytest.raises(FileNotFoundError) as caught:
        files.write(path, remove)
    assert caught.value.filename == str(path)


def test_a_line_that_cannot_be_added_names_the_file(tmp_path) -> None:
    (tmp_path / "lines.csv").mkdir()
    with pytest.raises(OSError, match="Is a directory") as caught:
        files.append_line(tmp_path / "lines.csv", "1")
    assert caught.value.filename == str(tmp_path / "lines.csv")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
def test_what_has_no_end_is_not_read(tmp_path, make) -> None:
    make(tmp_path / "c.txt")
    for read in (files.read, files.opened, lambda path: files.matching_lines(path, PATTERN)):
        with pytest.raises(OSError, match="Is a pipe or a device, not a file") as caught:
            read(tmp_path / "c.txt")
        assert caught.value.filename == str(tmp_path / "c.txt")


def test_a_file_is_read_and_a_folder_is_not(tmp_path) -> None:
    files.write_bytes(tmp_path / "c.txt", b"\0\r\n")
    assert files.read(tmp_path / "c.txt") == b"\0\r\n"
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)


# Lines with a checksum


def test_lines_are_read_as_they_were_added(tmp_path) -> None:
    path = tmp_path / "new/lines.csv"
    assert files.matching_lines(path, PATTERN) == []
    for line in (*LINES, "of another kind"):
        files.append_line(path, line)
    assert files.matching_lines(path, PATTERN) == [(str(number), "0.50") for number in range(4)]
    assert files.matching_lines(path, "of another (kind)") == [("kind",)]


@given(st.data())
def test_of_a_damaged_file_the_whole_lines_are_read(tmp_path_factory, data) -> None:
    """None is taken for another, and what is added later is found."""
    path = tmp_path_factory.mktemp("lines") / "lines.csv"
    for line in LINES:
        files.append_line(path, line)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    found = [",".join(("train", *groups)) for groups in files.matching_lines(path, PATTERN)]
    assert found == [line for line in LINES if line in found]
    files.append_line(path, "train,9,1.00")
    assert files.matching_lines(path, PATTERN)[-1] == ("9", "1.00")


def test_a_flip_costs_one_line_or_two(tmp_path) -> None:
    path = tmp_path / "lines.csv"
    for line in LINES:
        files.append_line(path, line)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert len(files.matching_lines(path, PATTERN)) >= len(LINES) - 2


def test_a_line_without_a_checksum_is_ignored(tmp_path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("\ntrain,1,0.50\ntrain,1,0.50,00000000\n")
    assert files.matching_lines(path, PATTERN) == []
