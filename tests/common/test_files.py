"""A file has the old content or the new one, whole, whatever happens while it is written."""

from pathlib import Path

import pytest

from batchwise.common import files


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
