"""imdb and mr_polarity, from small archives in their publishers' layout, and what is refused."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from batchwise.data.downloads import MIRROR

Members = dict[str, bytes]
MR, IMDB = "rt-polaritydata", "aclImdb"
SENTENCES = {
    f"{MR}/rt-polarity.{end}": "".join(f"{word} naïve film {number} .\n" for number in range(8))
    for end, word in (("neg", "dull"), ("pos", "fine"))
}
REVIEWS = {
    f"{IMDB}/{part}/{name}/{number}_{rating}.txt": f"Film {number} is {word}.<br /><br />See it!".encode()
    for part in ("train", "test")
    for number in (10, 2, 0, 1)
    for name, rating, word in (("pos", 9, "great"), ("neg", 2, "bad"))
}
OTHERS = {f"{IMDB}/train/unsup/0_0.txt": b"what", f"{IMDB}/README": b"read me", f"{IMDB}/train/labeledBow.feat": b"9"}


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Callable[[str, Members], Path]:
    """A function that writes an archive and its sum into the folder that the data sets are read from."""
    monkeypatch.setenv(MIRROR, str(tmp_path))

    def write(name: str, members: Members) -> Path:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
            for member, content in members.items():
                about = tarfile.TarInfo(member)
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
        (tmp_path / name).write_bytes(buffer.getvalue())
        (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(buffer.getvalue()).hexdigest()}  {name}\n")
        return tmp_path / name

    return write


def mr_polarity(**options: object) -> DataSet:
    asked = {"max_tokens": 6, "vocabulary": 50, "test_rows": 4, "validation_rows": 2, "seed": 0}
    return plugins.load("datasets", "mr_polarity").prepare(**asked | options)


def imdb(**options: object) -> DataSet:
    asked = {"max_tokens": 20, "vocabulary": 50, "validation_rows": 2, "seed": 0}
    return plugins.load("datasets", "imdb").prepare(**asked | options)


def words(data: DataSet, part: str) -> list[str]:
    """Return the texts of a part, as far as its ids hold them."""
    names = ("", "?", *data.texts.tokens)
    return [" ".join(names[number] for number in row if number) for row in getattr(data, part).inputs]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_sentences_as_the_publisher_has_them_and_as_copies_do(mirror, encoding) -> None:
    mirror("rt-polaritydata.tar.gz", {name: text.encode(encoding) for name, text in SENTENCES.items()})
    data = mr_polarity()
    assert data.rows == {"train": 10, "validation": 2, "test": 4}
    assert data.train.inputs.shape == (10, 6) and data.train.inputs.dtype == "int32"
    assert {"film", "naïve"} <= {*data.texts.tokens}
    for part in ("train", "test"):
        for text, label in zip(words(data, part), getattr(data, part).labels, strict=True):
            assert text.startswith(["dull", "fine"][label])
    assert data.texts.shares["train"]["cut"] == 0 and data.class_names == ("negative", "positive")
    assert mr_polarity(seed=1).sha256 != data.sha256 == mr_polarity().sha256
    assert mr_polarity(tokens="bytes").texts.ids == 258


def test_reviews_in_the_publishers_split(mirror) -> None:
    mirror("aclImdb_v1.tar.gz", REVIEWS | OTHERS)
    data = imdb()
    assert data.rows == {"train": 6, "validation": 2, "test": 8}
    expected = [f"film {number} is {word} . see it !" for word in ("bad", "great") for number in (0, 1, 2, 10)]
    numbers_known = [text for text in words(data, "test") if "?" not in text]
    assert [*data.test.labels] == [0] * 4 + [1] * 4 and {*numbers_known} <= {*expected}
    assert not {"what", "br"} & {*data.texts.tokens}
    assert words(imdb(max_tokens=3), "test") == ["see it !"] * 8
    first = words(imdb(max_tokens=2, keep="first", validation_rows=0), "test")
    assert first == [f"film {number}" for number in (0, 1, 2, 10)] * 2
    np.testing.assert_array_equal(imdb(max_tokens=20).test.inputs[:, :8] > 0, True)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "has no reviews of both classes in aclImdb/train"),
        ({name: text for name, text in REVIEWS.items() if "test/neg" not in name}, "both classes in aclImdb/test"),
        (REVIEWS | {f"{IMDB}/test/pos/5_9.txt": b"\xff"}, "has a review in aclImdb/test that is no text in UTF-8"),
    ],
)
def test_other_archives_of_reviews_are_refused(mirror, members, words) -> None:
    path = mirror("aclImdb_v1.tar.gz", members | OTHERS)
    with pytest.raises(UserError, match=words) as caught:
        imdb()
    assert str(caught.value).startswith(str(path)) and "put a whole copy" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b" \n\n", "has no sentence in rt-polaritydata/rt-polarity.neg"), (None, "has no file rt-polaritydata/rt-")],
)
def test_other_archives_of_sentences_are_refused(mirror, content, words) -> None:
    members = {name: text.encode() for name, text in SENTENCES.items()}
    first = next(iter(members))
    members = members | {first: content} if content else {name: members[name] for name in members if name != first}
    mirror("rt-polaritydata.tar.gz", members)
    with pytest.raises(UserError, match=words):
        mr_polarity()


def characters(**options: object) -> DataSet:
    asked = {"max_tokens": 16, "reviews": 5, "validation_reviews": 2, "test_reviews": 3, "seed": 0}
    return plugins.load("datasets", "characters").prepare(**asked | options)


def test_characters_are_of_other_reviews_in_each_part(mirror) -> None:
    mirror("aclImdb_v1.tar.gz", REVIEWS | OTHERS)
    data = characters()
    assert [len({*part.groups}) for part in (data.train, data.validation, data.test)] == [5, 2, 3]
    assert data.class_names[:2] == ("<padding>", "<unknown>") and {"\\x20", "\\x0a", "F", "!"} <= {*data.class_names}
    fewer = characters(reviews=4, test_reviews=1)
    assert words(fewer, "validation") == words(data, "validation")
    assert fewer.texts.counts != data.texts.counts and characters(seed=1).sha256 != data.sha256 == characters().sha256
    for options, said in (
        ({"reviews": 7}, "reviews + validation_reviews are 9; at most 8 are allowed, as many as there are"),
        ({"test_reviews": 9}, "test_reviews are 9; at most 8 are allowed, as many as there are"),
    ):
        with pytest.raises(UserError) as error:
            characters(**options)
        assert str(error.value) == said
