"""Files of Pascal VOC: what is in them is read, and what is none is told in a sentence, whatever the bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import voc
from tests import annotated
from tests.damage import damaged

FILE = Path("folder/a.xml")
SIDES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 1000)
NAMES = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\ufffe\uffff"), min_size=1)
SMALL = annotated.voc([("cell", (1, 2, 3, 4)), ("é & <", (0, 0, 64, 32))], image="a.png").encode()


@given(st.lists(st.tuples(NAMES, st.tuples(SIDES, SIDES, SIDES, SIDES)), max_size=5), NAMES)
def test_what_is_written_is_read(boxes, image) -> None:
    found = voc.parse(FILE, annotated.voc(boxes, (640, 480), image).encode())
    assert found == (image, (640, 480), boxes)


@given(damaged(SMALL))
def test_other_bytes_are_read_or_told(content) -> None:
    try:
        found = voc.parse(FILE, content)
    except UserError as error:
        assert str(error).startswith("folder/a.xml") and str(error).isprintable() and len(str(error)) < 400
    else:
        assert all(len(box) == 4 for _, box in found.boxes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_file_in_another_encoding_is_read(encoding) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{annotated.voc([("é", (1, 2, 3, 4))])}'
    assert voc.parse(FILE, text.encode(encoding)).boxes == [("é", (1, 2, 3, 4))]


def test_parts_of_an_object_are_no_objects_and_their_boxes_none_of_it() -> None:
    part = "<part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>"
    text = annotated.voc([("cat", (1, 2, 3, 4))]).replace("<name>", f"{part}<name>")
    assert voc.parse(FILE, text.encode()).boxes == [("cat", (1, 2, 3, 4))]


@pytest.mark.parametrize("size", [(0, 0), (-3, 4), ("", 5), ("wide", 5), ("nan", 5), ("inf", 5)])
def test_a_size_that_is_none_is_not_known(size) -> None:
    assert voc.parse(FILE, annotated.voc([("cell", (1, 2, 3, 4))], size).encode()).size is None


ENTITY = '<!DOCTYPE annotation [<!ENTITY a "b">]><annotation><filename>&a;</filename></annotation>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no XML with boxes (no element found: line 1, column 0); mend it, or take it out of the folder"),
        (b"<annotation>", "is no XML with boxes (no element found"),
        (b'<?xml version="1.0" encoding="none"?><a/>', "is no XML with boxes (unknown encoding: none)"),
        (b'<?xml version="1.0" encoding="big5"?><a/>', "is no XML with boxes (multi-byte encodings are not supported)"),
        (b"<html/>", "is a 'html'; an <annotation> of Pascal VOC is expected"),
        (ENTITY.encode(), "it has a document type, <!DOCTYPE …>, which could define entities"),
        (ENTITY.encode("utf-16"), "it has a document type, <!DOCTYPE …>, which could define entities"),
        (annotated.voc([("", (1, 2, 3, 4))]).encode(), "an object has no name; write the class between <name>"),
        (
            annotated.voc([("cell", (1, "x", 3, 4))]).encode(),
            "the box of 'cell' has the sides ['1', 'x', '3', '4']; four numbers",
        ),
        (
            b"<annotation><object><name>cell</name></object></annotation>",
            "the box of 'cell' has the sides [None, None, None, None]; four",
        ),
        (annotated.voc([("cell", (1, 2, "nan", 4))]).encode(), "['1', '2', 'nan', '4']; four numbers are expected"),
        (bytes(voc.MAX_BYTES + 1), "has 4,194,305 bytes; a file of boxes has at most 4,194,304"),
    ],
)
def test_what_is_no_file_of_boxes_is_told(content, words) -> None:
    with pytest.raises(UserError) as told:
        voc.parse(FILE, content)
    assert str(told.value).startswith("folder/a.xml") and words in str(told.value) and str(told.value).isprintable()
