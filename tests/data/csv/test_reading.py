"""CSV files: what was written is read, however it was written; what cannot be read is one sentence with its line."""

import csv
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data.csv import checks, reading
from batchwise.data.csv.form import MISSING, Form

FLOATS = st.floats(-(2**100), 2**100) | st.none()
CHARACTERS = st.characters(codec="cp1252", exclude_categories=["Cc", "Zs"])
INSIDE = st.text(CHARACTERS | st.sampled_from(" ,;\n\"'"), max_size=6)
TEXTS = INSIDE.filter(lambda text: text == text.strip() and text not in MISSING)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[float | None], list[str]]:
    """Draw a column of numbers and one of texts, some missing."""
    rows = draw(st.lists(st.tuples(FLOATS, TEXTS), min_size=1, max_size=12))
    return [number for number, _ in rows], [text for _, text in rows]


@st.composite
def forms(draw: st.DrawFn) -> tuple[Form, str, int, str]:
    """Draw how a file is written: (form, end of a line, quoting, spaces around what is not quoted)."""
    form = Form(draw(st.sampled_from(",;\t|")), draw(st.sampled_from(".,")), draw(st.sampled_from(ENCODINGS)))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    return form, draw(st.sampled_from(["\n", "\r\n"])), quoting, draw(st.sampled_from(["", "\n", "   \n\n"]))


def written(folder, content: str | bytes, encoding: str = "utf-8") -> Path:
    """Return the path of a file with this content."""
    path = folder / "wine.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("csv")


@example(([1.0], ['"']), (Form(), "\n", csv.QUOTE_MINIMAL, ""))
@given(tables(), forms())
def test_what_is_written_is_read(folder, table, how) -> None:
    """In any separator, decimal sign, encoding and quoting, with blank lines, and quotes and ends of lines in texts."""
    (numbers, texts), (form, end, quoting, blank) = table, how
    shown = ["" if number is None else repr(float(number)).replace(".", form.decimal) for number in numbers]
    content = io.StringIO()
    writer = csv.writer(content, delimiter=form.separator, lineterminator=end, quoting=quoting)
    writer.writerow(["size", "colour"])
    writer.writerows(zip(shown, texts, strict=True))
    encoding = form.encoding
    path = written(folder, blank + content.getvalue() + blank, encoding)
    found = reading.read(path, form, numbers=["size"], texts=["colour"])
    np.testing.assert_array_equal(found["size"], np.array(numbers, "float64"))
    assert [text if isinstance(text, str) else "" for text in found["colour"]] == texts


@given(tables())
def test_what_pandas_writes_is_read(folder, table) -> None:
    frame = pd.DataFrame({"size": table[0], "colour": table[1]})
    path = folder / "pandas.csv"
    frame.to_csv(path, index=False)
    found = reading.read(path, Form(), numbers=["size"], texts=["colour"])
    np.testing.assert_array_equal(found["size"], frame["size"].astype("float64"))
    assert [text if isinstance(text, str) else "" for text in found["colour"]] == table[1]


def test_texts_are_categories_in_order_and_spaces_around_them_are_none_of_them(tmp_path) -> None:
    path = written(tmp_path, 'y,n\n b,10\nb ,9\n"a" ,09\n a,1\nNA,\n,NA \n"c c", 9 \n')
    found = reading.read(path, Form(), texts=["y", "n"])
    assert found["y"].cat.categories.tolist() == ["a", "b", "c c"]
    assert found["y"].cat.codes.tolist() == [1, 1, 0, 0, -1, -1, 2]
    assert found["n"].cat.categories.tolist() == ["1", "09", "9", "10"]  # as numbers, but as they are written
    assert found["n"].cat.codes.tolist() == [3, 2, 1, 0, -1, -1, 2]


def test_a_column_of_texts_has_any_name(tmp_path) -> None:
    found = reading.read(written(tmp_path, "self,other\nb,1\na,2\n"), Form(), numbers=["other"], texts=["self"])
    assert found["self"].tolist() == ["b", "a"] and found["other"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "text", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", " NA ", "NA ", '"NA"', "-nan"]
)
def test_what_means_that_there_is_no_number(tmp_path, text) -> None:
    found = reading.read(written(tmp_path, f"a,b\n{text},2\n1,3\n"), Form(), numbers=["a"])["a"]
    np.testing.assert_array_equal(found, [np.nan, 1])


def test_what_means_that_there_is_no_text_can_be_said(tmp_path) -> None:
    """`None` is the name of a category, as of a veneer of no masonry; and NA may be that of a continent."""
    path = written(tmp_path, "a,b\nNA,1\nNone,2\n,3\n-999,-999\n")
    assert reading.read(path, Form(), texts=["a"])["a"].isna().tolist() == [True, False, True, False]
    assert reading.read(path, Form(missing=()), texts=["a"])["a"].isna().tolist() == [False, False, True, False]
    found = reading.read(path, Form(missing=("-999",)), numbers=["b"], texts=["a"])
    assert found.isna().to_numpy().tolist() == [[False, False], [False, False], [False, True], [True, True]]


def test_rows_beyond_a_chunk_are_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", 3)
    path = written(tmp_path, "a,b\n" + "".join(f"{row},x{row % 7}\n" for row in range(20)))
    found = reading.read(path, Form(), numbers=["a"], texts=["b"])
    assert found["a"].tolist() == [*range(20)]
    assert found["b"].tolist() == [f"x{row % 7}" for row in range(20)]


# {what is wrong: (content, form, words)}; the columns asked for are a, of numbers, and b, of texts
WRONG: dict[str, tuple[str | bytes, dict, str]] = {
    "empty": ("", {}, "wine.csv is empty; a line with the names of the columns is needed"),
    "empty but for a mark": (b"\xef\xbb\xbf\n", {}, "is empty"),
    "only a header": ("a,b\n", {}, "wine.csv has no rows, only the line with the names of its columns"),
    "only a header, and blank lines": ("a,b\n\n  \n", {}, "has no rows"),
    "without a column": ("aa,b\n1,2\n", {}, "wine.csv: 'a' is not a known column; allowed: aa, b; did you mean 'aa'?"),
    "two of one name": ("a,b,a\n1,2,3\n", {}, "wine.csv has 2 columns of the name 'a'; each needs a name of its own"),
    "two of one name but for spaces": ("a,b,b \n1,2,3\n", {}, "has 2 columns of the name 'b'"),
    "a column without a name": (",a,b\n0,1,2\n", {}, "column 1 of wine.csv has no name; name it"),
    "a line for Excel": ("sep=,\na,b\n1,2\n", {}, "wine.csv begins with 'sep=,', which is for Excel; take that line"),
    "a line for Excel, of another separator": ("sep=;\na;b\n1;2\n", {}, "begins with 'sep=;', which is for Excel"),
    "no header": ("5.1,3.5\n4.9,3.0\n", {}, "wine.csv begins with numbers; a line with the names of its columns"),
    "no header, numbers twice": ("1,1\n2,3\n", {}, "wine.csv begins with numbers"),
    "too many fields": ("a,b\n1,2\n1,2,3\n", {}, "wine.csv, line 3: 3 fields, more than the 2 columns with names"),
    "too many fields, all": ("a,b\n1,2,3\n1,2,3\n", {}, "line 2: 3 fields, more than the 2"),
    "an empty field too many": ("a,b\n1,2\n1,2,\n", {}, "line 3: 3 fields, more than the 2"),
    "too few fields": ("a,b,c\n1,2,3\n\n1,2\n", {}, "wine.csv, line 4: 2 fields, fewer than the 3 columns"),
    "too few fields at the end": ("a,b\n1,2\n3", {}, "line 3: 1 field, fewer than the 2"),
    "too few fields after lines in quotes": ('a,b,c\n1,"x\ny",3\n1,2\n', {}, "wine.csv, line 4: 2 fields"),
    "a quote that is not closed": ('a,b\n1,"x\n2,y\n', {}, "is a quote not closed?"),
    "a quote that is not closed, within": ('a,b,c\n1,"x,3\n2,y,4\n', {}, "line 2: 2 fields, fewer than the 3"),
    "a quote that is never closed": ('a,b\n1,"x' + "x" * 2**22, {}, "after line 1: a field of more than 4,194,304"),
    "latin-1": ("a,b\n1,x\n1,é\n".encode("latin-1"), {}, "line 3: the byte e9 is none of utf-8; write the `encoding`"),
    "cut within a letter": ("a,b\n1,é".encode()[:-1], {}, "line 2: the byte c3 is none of utf-8"),
    "utf-16": ("a,b\n1,x\n".encode("utf-16"), {}, "wine.csv is written in UTF-16; write `encoding: utf-16`"),
    "utf-16 without a mark": ("a,b\n1,x\n".encode("utf-16-le"), {}, "line 1: there is a zero byte"),
    "utf-8, said to be utf-16": (b"a,b\n1,xx\n\xff", {"encoding": "utf-16"}, "is none of utf-16; write the `encoding`"),
    "utf-8, said to be ascii": ("a,b\n1,é\n", {"encoding": "ascii"}, "line 2: the byte c3 is none of ascii"),
    "a zero byte": ("a,b\n1,x\n1,\0\n", {}, "wine.csv, line 3: there is a zero byte; the file is damaged"),
    "xlsx": (b"PK\x03\x04rest", {}, "wine.csv is an Excel, OpenDocument or zip file, not a CSV file; save it as CSV"),
    "parquet": (b"PAR1rest", {}, "wine.csv is a Parquet file, not a CSV file; write it as CSV"),
    "gzip": (b"\x1f\x8b\x08rest", {}, "wine.csv is a gzip file, not a CSV file; unpack it"),
    "a web page": (b"<!doctype html>", {}, "wine.csv is a web page, not a CSV file; download the file itself"),
    "another separator": (
        "a;b\n1;2\n",
        {},
        "wine.csv has one column, 'a;b', with the separator ','; write `separator: \";\"`",
    ),
    "tabs": ("a\tb\n1\t2\n", {}, r'write `separator: "\t"`'),
    "one column": ("a\n1\n", {}, "has one column, 'a', with the separator ','; columns of inputs are needed"),
    "a text": (
        "a,b\n1,x\n\nred,x\n",
        {},
        "line 4: 'a' is 'red', which is no number; name the column under `categories`",
    ),
    "a decimal comma": (
        "a;b\n1;x\n1,5;x\n",
        {"separator": ";"},
        "line 3: 'a' is '1,5', which is no number; write `decimal: \",\"`",
    ),
    "a decimal point": (
        "a;b\n1.5;x\n",
        {"separator": ";", "decimal": ","},
        "is '1.5', which is no number; write `decimal: \".\"`",
    ),
    "thousands": (
        'a,b\n"1,234.5",x\n',
        {},
        "is '1,234.5', which is no number; write the numbers without signs between",
    ),
    "thousands that may be decimals": ('a,b\n"1,234",x\n', {}, "or the numbers without signs between thousands"),
    "thousands with spaces": ("a,b\n1 234 567,x\n", {}, "write the numbers without signs between thousands"),
    "underscores": ("a,b\n1_000,x\n", {}, "'1_000', which is no number"),
    "hexadecimal": ("a,b\n0x10,x\n", {}, "'0x10', which is no number"),
    "other digits": ("a,b\n١,x\n", {}, "which is no number"),
    "infinite": ("a,b\n1,x\ninf,x\n", {}, "wine.csv, line 3: 'a' is inf, beyond the range of float32 (±3.4e+38)"),
    "infinite, and what to do": ("a,b\ninf,x\n", {}, "(±3.4e+38); leave the field empty if it is not known"),
    "beyond float64": ("a,b\n-1e400,x\n", {}, "line 2: 'a' is -inf, beyond the range of float32"),
    "beyond float32": ("a,b\n1,x\n1e39,x\n", {}, "line 3: 'a' is 1e+39, beyond the range of float32"),
    "beyond 64 bits, but a number": ("a,b\n" + "9" * 40 + ",x\n", {}, "'a' is 1e+40, beyond"),
    "a separator of two": ("a,b\n1,2\n", {"separator": ",,"}, "separator is ',,'; a sign is expected"),
    "a separator that quotes": ("a,b\n1,2\n", {"separator": '"'}, "separator is '\"'; a sign is expected"),
    "a decimal sign of another kind": ("a,b\n1,2\n", {"decimal": "'"}, 'decimal is "\'"; allowed: a point or a comma'),
    "an unknown encoding": ("a,b\n1,2\n", {"encoding": "utf8000"}, "encoding is 'utf8000', which is not known"),
    "an encoding of no text": ("a,b\n1,2\n", {"encoding": "base64"}, "encoding is 'base64', which is not known"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_one_sentence(tmp_path, monkeypatch, case) -> None:
    content, form, words = WRONG[case]
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, content).relative_to(tmp_path)
    with pytest.raises(UserError) as caught:
        reading.read(path, Form(**form), numbers=["a"], texts=["b"])
    said = str(caught.value)
    assert words in said and said.isprintable() and len(said) < 400, said


@pytest.mark.parametrize("kind", ["nothing", "a folder", "a pipe", "a device", "a broken link", "a name of no file"])
def test_what_is_no_file_is_said_at_once(tmp_path, kind) -> None:
    path = tmp_path / ("a\0b" if kind == "a name of no file" else "wine.csv")
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind in ("a broken link", "a device"):
        path.symlink_to("/dev/zero" if kind == "a device" else tmp_path / "nothing")
    with pytest.raises(UserError, match=r"cannot be read: .*; a CSV file is needed there"):
        reading.read(path, Form(), numbers=["a"])


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checks, "opened", refused)
    with pytest.raises(UserError, match=r"wine.csv cannot be read: Permission denied"):
        reading.read(written(tmp_path, "a,b\n1,2\n"), Form(), numbers=["a"])


@given(st.binary(max_size=200) | st.text('a,b;"\n\r\t 1.x\0é', max_size=60).map(str.encode))
@example(b'a,b\r1,"x"y\r')
@example(b'"a\nb",c\n1,2\n')
@example(b'a,b\n""\n1,2\n')
def test_any_bytes_are_read_or_refused_in_one_sentence(folder, content) -> None:
    path = written(folder, content)
    try:
        names, rows = checks.check(path, Form())
        found = reading.read(path, Form(), texts=names)
    except UserError as error:
        assert str(error).isprintable(), error
    else:
        assert (len(found), [*found]) == (rows, names)


LEVELS = st.lists(
    st.sampled_from(["1", "1.0", "1.", "01", "2.5", "2", "-3.00", "-3", "7.0", "x", "x.0", ""]), min_size=2
)


@given(LEVELS)
def test_whole_numbers_with_and_without_a_point_are_one_level(tmp_path_factory, values) -> None:
    path = written(tmp_path_factory.getbasetemp(), "\n".join(["a,b", *(f"{value},1" for value in values), "9,1"]))
    found = reading.read(path, Form(), texts=["a"])["a"]
    bare = {"1.0": "1", "1.": "1", "-3.00": "-3", "7.0": "7"}
    numbers = not {"x", "x.0"} & {*values}
    expected = [bare[value] if numbers and bare.get(value) in values else value or np.nan for value in values]
    assert found.tolist()[:-1] == expected
