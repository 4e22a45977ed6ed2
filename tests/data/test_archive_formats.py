"""Files of a zip: what was put in comes out; damaged ones, and those that no publisher would send, are refused."""

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import archive_formats
from batchwise.data.archive_formats import read_zip
from tests.damage import damaged

NAMES = st.text("abc/.é", min_size=1, max_size=9).filter(lambda name: not name.endswith("/"))
KINDS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        archive.writestr("folder/", b"")
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


SMALL = {"a/b.xml": b"content" * 20, "a/c.jpg": bytes(range(256)), "d": b""}


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("zipped") / "file.zip"


@given(st.dictionaries(NAMES, st.binary(max_size=99), max_size=5), st.data(), KINDS)
def test_what_is_wanted_comes_back_as_it_was(path, members, data, kind) -> None:
    path.write_bytes(zipped(members, kind))
    wanted = data.draw(st.sets(st.sampled_from(sorted(members)))) if members else set()
    assert read_zip(path, wanted.__contains__) == {name: members[name] for name in wanted}


@given(damaged(zipped(SMALL)))
def test_a_damaged_zip_is_refused_or_has_the_same_content(path, content) -> None:
    """Names have no sum in a zip, and are found again by who looks for them."""
    path.write_bytes(content)
    try:
        found = read_zip(path, lambda name: True)
    except UserError as error:
        assert str(error).startswith(f"{path} ") and "put a whole copy of the publisher's file there" in str(error)
    else:
        assert {*found.values()} <= {*SMALL.values()}


def test_a_file_that_is_there_twice_is_refused_where_it_is_wanted(path) -> None:
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for content in ("one", "other"):
            archive.writestr("a", content)
    with pytest.raises(UserError, match="has the member 'a' twice; put a whole copy"):
        read_zip(path, "a".__eq__)
    assert read_zip(path, "b".__eq__) == {}


def test_more_files_than_any_publishers_are_refused(path, monkeypatch) -> None:
    monkeypatch.setattr(archive_formats, "MAX_ZIPPED", 2)
    path.write_bytes(zipped(SMALL))
    with pytest.raises(UserError, match="has 3 files of 396 bytes, more than any publisher's"):
        read_zip(path, lambda name: True)
    assert len(read_zip(path, lambda name: name.startswith("a/"))) == 2


@pytest.mark.parametrize("told", [None, 10])
def test_a_zip_that_would_fill_the_memory_is_refused_before_it_does(path, told) -> None:
    """Also where its directory says that there is little in it."""
    content = zipped({"zeros": bytes(2**26)})
    if told is not None:
        content = content.replace((2**26).to_bytes(4, "little"), told.to_bytes(4, "little"))
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"more than any publisher's|is damaged or no zip archive \(Bad CRC"):
            read_zip(path, lambda name: True)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [(6, 1, "is encrypted, password required"), (8, 99, "'a' is neither stored nor deflated")],
)
def test_what_cannot_be_unpacked_is_told(path, place, value, words) -> None:
    content = bytearray(zipped({"a": b"content"}))
    for start in (content.rindex(b"PK\3\4") + place, content.rindex(b"PK\1\2") + place + 2):
        content[start] |= value
    path.write_bytes(content)
    with pytest.raises(UserError, match="is damaged or no zip archive .*" + words):
        read_zip(path, "a".__eq__)
