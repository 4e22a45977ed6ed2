"""Own texts for models of language, from files as people have them."""

from pathlib import Path

import pytest

from batchwise.common.errors import UserError
from batchwise.data.dataset import DataSet
from batchwise.datasets import text_folder


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "within").mkdir()
    for number in range(6):
        place = tmp_path / ("within" if number % 2 else "") / f"{number}.txt"
        place.write_bytes(
            f"Nr {number}: été, 日本語, 한국어, שלום 🙂\r\n<b>".encode("utf-8-sig" if number == 3 else "utf-8")
        )
    (tmp_path / "._0.txt").write_bytes(b"\xff")
    (tmp_path / "notes.md").write_text("not a document", encoding="utf-8")
    return tmp_path


def prepared(folder, **options) -> DataSet:
    asked = {"max_tokens": 10, "vocabulary": 60, "validation_documents": 1, "test_documents": 2, "seed": 0}
    return text_folder.prepare(folder=folder, **asked | options)


def test_each_file_is_a_document_of_one_part(folder) -> None:
    data = prepared(folder)
    of_parts = [{*part.groups} for part in (data.train, data.validation, data.test)]
    assert [len(numbers) for numbers in of_parts] == [3, 1, 2] and not of_parts[0] & of_parts[1] | of_parts[
        0
    ] & of_parts[2]
    assert "\n" in data.texts.tokens and not {"\r", "\ufeff"} & {*data.texts.tokens}
    assert data.description.title == f"Texts of {folder.name}" and data.sha256 == prepared(folder).sha256
    assert {"日", "한국어", "שלום", "🙂"} <= {*prepared(folder, tokens="words").texts.tokens}
    assert prepared(folder, tokens="bytes", vocabulary=300).texts.ids == 258


def test_what_is_no_text_or_too_little_is_refused(folder) -> None:
    with pytest.raises(UserError, match=r"has 6 files that end in \.txt; more than 7 are needed"):
        prepared(folder, test_documents=6)
    with pytest.raises(UserError, match="has 0 files"):
        prepared(folder / "0.txt")
    (folder / "other.txt").write_bytes("été".encode("latin-1"))
    with pytest.raises(
        UserError, match=r"other.txt is no text in UTF-8 \(invalid continuation byte at byte 0\); save it"
    ):
        prepared(folder)
