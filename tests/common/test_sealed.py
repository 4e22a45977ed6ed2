"""A file with a checksum of itself gives back what was written, or is refused; NumPy and JSON read it all the same."""

import hashlib
import io
import json
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common import files, sealed
from tests.damage import damaged

NAMES = st.text("abc/_", min_size=1, max_size=5)
ARRAYS = arrays.arrays(
    st.sampled_from(["float32", "int64", "uint8", "U3"]), arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
CONTENTS = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), VALUES, max_size=4).filter(
    lambda content: sealed.CHECKSUM not in content
)
ARCHIVE = sealed.archive_bytes({"inputs": np.arange(6.0).reshape(2, 3), "labels": np.array([0, 1])})
CONTENT = {"rows": {"train": 3, "test": 2}, "title": "é", "classes": ["no", "yes"], "mean": 0.5}
JSON = sealed.as_json(CONTENT)


@given(st.dictionaries(NAMES, ARRAYS, max_size=4))
def test_an_archive_is_whole_and_numpy_reads_it(given_arrays) -> None:
    content = sealed.archive_bytes(given_arrays)
    assert sealed.archive_bytes(given_arrays) == content
    buffer = io.BytesIO(content)
    sealed.check_archive(buffer)
    assert buffer.tell() == 0
    with np.load(buffer, allow_pickle=False) as back:
        assert [*back.files] == [*given_arrays]
        for name, array in given_arrays.items():
            assert back[name].dtype == array.dtype
            np.testing.assert_array_equal(back[name], array)


def test_an_archive_is_written_to_a_file_and_read_from_it(tmp_path) -> None:
    path = tmp_path / "a.npz"
    files.write(path, lambda file: sealed.archive(file, {"inputs": np.ones(3 * sealed.CHUNK, "uint8")}))
    with path.open("rb") as file:
        sealed.check_archive(file)
        assert np.load(file)["inputs"].sum() == 3 * sealed.CHUNK
    content = path.read_bytes()
    path.write_bytes(content[: sealed.CHUNK] + b"\0" + content[sealed.CHUNK + 1 :])
    with path.open("rb") as file, pytest.raises(ValueError):
        sealed.check_archive(file)


def test_objects_are_not_written() -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        sealed.archive_bytes({"objects": np.array([{}])})


@given(damaged(ARCHIVE))
def test_a_damaged_archive_is_refused(content) -> None:
    with pytest.raises(ValueError, match="its checksum is not that of its content"):
        sealed.check_archive(io.BytesIO(content))


def test_each_byte_of_an_archive_counts() -> None:
    for place in range(len(ARCHIVE)):
        with pytest.raises(ValueError):
            sealed.check_archive(io.BytesIO(ARCHIVE[:place] + bytes([ARCHIVE[place] ^ 1]) + ARCHIVE[place + 1 :]))


@given(CONTENTS)
def test_a_json_file_gives_back_what_it_was_given(content) -> None:
    text = sealed.as_json(content)
    assert sealed.from_json(text) == content
    assert {**json.loads(text), **content} == json.loads(text)
    assert text.endswith(b"\n") and sealed.from_json(sealed.as_json(dict(reversed(content.items())))) == content


@given(damaged(JSON))
def test_a_damaged_json_file_is_refused_or_says_the_same(content) -> None:
    try:
        assert sealed.from_json(content) == CONTENT  # a space became a tab, say
    except ValueError:
        pass
    else:
        assert content.split() == JSON.split()


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"3", b"{}", b'{"rows": 3}', b"\xff", b"[" * 10_000])
def test_what_was_never_sealed_is_refused(text) -> None:
    with pytest.raises(ValueError):
        sealed.from_json(text)


def test_every_python_writes_the_same_archive() -> None:
    assert hashlib.sha256(ARCHIVE).hexdigest() == "99529e501a450c02d78067a2ab6809548b429cf83cfcada1aba127a13b8d2c03"
    file = io.BytesIO(ARCHIVE)
    with zipfile.ZipFile(file, "a") as opened:
        opened.comment = b""
        for entry in opened.filelist:  # as Python did before 3.11.4
            entry.create_version = entry.extract_version = zipfile.DEFAULT_VERSION
            file.seek(entry.header_offset + sealed.VERSION)
            file.write(struct.pack("<H", zipfile.DEFAULT_VERSION))
            file.seek(entry.header_offset + sealed.SIZES)
            file.write(struct.pack("<2L", entry.file_size, entry.file_size))
    sealed.seal(file)
    assert file.getvalue() != ARCHIVE
    sealed.seal(file, of_numpy=True)
    assert file.getvalue() == ARCHIVE
