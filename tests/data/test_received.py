"""Files that a machine lacks: they come in pieces, in any order of cuts, and are whole or are not there."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.data import received
from batchwise.data.received import FileList

NAMES = ("digits.json", "digits/train_inputs.000.npy", "empty")


@pytest.fixture
def sent(tmp_path, monkeypatch) -> FileList:
    """The files of another folder, of which this project has none."""
    return listed(tmp_path, monkeypatch)


def listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FileList:
    (folder / "here").mkdir()
    monkeypatch.setattr(received, "ROOT", folder / "here")
    monkeypatch.setattr(received, "PIECE", 7)
    for name, content in zip(NAMES, (b"{}", bytes(range(100)), b""), strict=True):
        path = folder / "there" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return received.listed(folder / "there", NAMES)


def away(of: FileList) -> Path:
    """Take away the files where they are listed, and return where they are received."""
    there = Path(os.path.normpath(received.ROOT / of.folder))
    if there.exists():
        there.rename(there.with_name("gone"))
    return received.ROOT / of.received


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@given(cut=st.integers(0, 20))
def test_what_a_cut_left_is_gone_on_with(tmp_path_factory, cut) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        of = listed(tmp_path_factory.mktemp("files"), monkeypatch)
        assert of.found() == of.folder
        first = list(received.pieces(of, of.missing()))
        for piece in first[:cut]:
            received.receive(piece)
        rest = list(received.pieces(of, of.missing()))
        assert len(rest) == len(first) - min(cut, len(first))
        folder = away(of)
        assert (of.found() is None) == bool(rest)
        for piece in rest:
            received.receive(piece)
        assert of.found() == of.received and not of.missing()
        assert set(contents(folder)) == set(NAMES) and contents(folder) == contents(folder.parents[3] / "gone")


def test_another_content_is_never_given_the_name(sent) -> None:
    pieces = list(received.pieces(sent, sent.missing()))
    damaged = [received.Piece(sent, one.name, one.start, one.content.replace(b"\x08", b"\x09")) for one in pieces]
    for piece in damaged:
        received.receive(piece)
    assert sent.missing() == {NAMES[1]: 0}
    folder = away(sent)
    assert set(contents(folder)) == {NAMES[0], NAMES[2]}


def test_a_file_that_was_damaged_later_is_sent_again(sent) -> None:
    for piece in received.pieces(sent, sent.missing()):
        received.receive(piece)
    path = received.ROOT / sent.received / NAMES[1]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert sent.missing() == {NAMES[1]: 0}
    for piece in received.pieces(sent, sent.missing()):
        received.receive(piece)
    assert not sent.missing() and path.read_bytes() == bytes(range(100))


def test_several_processes_may_write_the_same_files(sent) -> None:
    pieces = list(received.pieces(sent, sent.missing()))
    with ThreadPoolExecutor(4) as writers:
        for writer in [writers.submit(lambda: [received.receive(piece) for piece in pieces]) for _ in range(4)]:
            writer.result()
    folder = away(sent)
    assert {name: content for name, content in contents(folder).items() if name in NAMES} == contents(
        folder.parents[3] / "gone"
    )


def test_a_file_that_cannot_be_written_is_named(sent) -> None:
    place = received.ROOT / sent.received
    place.parent.mkdir(parents=True)
    place.write_text("a file where the folder should be")
    piece = next(received.pieces(sent, {NAMES[0]: 0}))
    with pytest.raises(OSError) as told:
        received.receive(piece)
    assert told.value.filename == str(place / NAMES[0])
