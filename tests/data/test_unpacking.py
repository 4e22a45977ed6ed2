"""Gzip files are unpacked to what was packed, and refused where that is more than a publisher's file has."""

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import unpacking
from batchwise.data.unpacking import unpack

DAMAGES = (EOFError, ValueError, zlib.error)
CONTENT = bytes(range(256)) * 9
WHOLE = gzip.compress(CONTENT)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("packed") / "file.gz"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(0, 20_000))
def test_what_was_packed_comes_back(path, parts, zeros) -> None:
    """Also of several files one behind the other, and with zeros behind each, as tapes have them."""
    path.write_bytes(b"".join(gzip.compress(part) + bytes(zeros) for part in parts))
    assert unpack(path) == b"".join(parts)


@given(st.integers(1, len(WHOLE) - 1))
def test_a_file_that_is_cut_off(path, length) -> None:
    path.write_bytes(WHOLE[:length])
    with pytest.raises(EOFError):
        unpack(path)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.binary(max_size=3))
def test_other_bytes_give_the_same_content_or_an_error(path, place, byte, behind) -> None:
    path.write_bytes(WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :] + behind)
    try:
        assert unpack(path) == CONTENT
    except (*DAMAGES, UserError):
        assert path.read_bytes().rstrip(b"\0") != WHOLE.rstrip(b"\0")


@pytest.mark.parametrize("start", [b"", CONTENT], ids=["zeros", "zeros behind a header"])
def test_a_file_that_unpacks_to_much_more_is_refused_before_it_fills_the_memory(path, start) -> None:
    path.write_bytes(gzip.compress(start + bytes(2**27), 1))
    tracemalloc.start()
    try:
        with pytest.raises(
            UserError, match=r"bytes that unpack to more than [\d,]+, the most that is read; put a whole"
        ):
            unpack(path)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("level", [0, 9])
def test_no_file_unpacks_to_more_than_the_limit(path, monkeypatch, level) -> None:
    monkeypatch.setattr(unpacking, "MAX_BYTES", 1000)
    path.write_bytes(gzip.compress(bytes(1000), level))
    assert unpack(path) == bytes(1000)
    path.write_bytes(gzip.compress(bytes(1001), level))
    with pytest.raises(UserError, match="unpack to more than 1,000, the most that is read"):
        unpack(path)


def test_not_more_than_some_files_one_behind_the_other(path) -> None:
    part = gzip.compress(b"")
    path.write_bytes(part * unpacking.MAX_PARTS)
    assert unpack(path) == b""
    path.write_bytes(part * (unpacking.MAX_PARTS + 1))
    with pytest.raises(ValueError, match="more than 500 gzip files in one"):
        unpack(path)
