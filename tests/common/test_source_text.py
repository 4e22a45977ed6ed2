"""Of a Python source counts what decides: an edit of a comment, a docstring or an error's text is none."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.repository import ROOT
from batchwise.common.source_closure import hashes
from batchwise.common.source_text import MISTAKES, deciding, statements

SOURCE = '''"""A module."""

import os  # why
from pydantic import Field

# About it:
# two lines.
LIMIT = 3  # rows
TEXT = """a # no comment

   """


class Thing:
    """A thing."""

    number: int = Field(3, description="how many, η̃", ge=1)

    def size(self, rows: int) -> int:
        """Return the size, η̃ rows."""
        if rows > LIMIT:
            raise UserError(
                f"η̃ {rows} rows; at most {LIMIT}",  # said
                "use fewer",
            )
        if rows < 0:
            raise Ended("out_of_memory", "no rows")
        return rows
'''
SAME = [
    ("A module.", "Another sentence."),
    ("  # why", ""),
    ("# About it:\n# two lines.\n", "# About it.\n"),
    ("# two lines.\n", ""),
    ('"""A thing."""', '"""Things,\n\n    several."""'),
    ("the size, η̃ rows", "how large"),
    ("{rows} rows; at most {LIMIT}", "{rows} are too many"),
    ("  # said", ""),
    ("how many, η̃", "number of rows"),
    (
        'Field(3, description="how many, η̃", ge=1)',
        'Field(\n        3,\n        ge=1,  # one\n        description="number "\n        "of rows",\n    )',
    ),
    (', description="how many, η̃"', ""),
    ('                "use fewer",\n', ""),
    (
        '(\n                f"η̃ {rows} rows; at most {LIMIT}",  # said\n                "use fewer",\n            )',
        "('few')",
    ),
]
OTHER = [
    ("LIMIT = 3", "LIMIT = 4"),
    ("a # no comment", "a # another"),
    ("comment\n\n", "comment\n"),
    ('   """\n', '  """\n'),
    ("raise UserError", "raise ValueError"),
    ("Field(3", "Field(4"),
    ("ge=1", "ge=2"),
    ("Field(3, description=", "Field(3, title="),
    ("out_of_memory", "failed"),
    ("no rows", "none"),
    ("rows > LIMIT", "rows >= LIMIT"),
    ("        return rows\n", ""),
]
# (one source, another that does something else)
UNLIKE = [
    ("rate = 2 * 3 \\\n    - 1\n", "rate = 2 * 3 \\\n    # why\n    - 1\n"),
    ("# coding: latin-1\nx = 1\n", "# coding: utf-8\nx = 1\n"),
    ("raise ValueError(y := 1)\n", "raise ValueError(y := 2)\n"),
    ("def f():\n    raise ValueError((yield))\n", "def f():\n    raise ValueError(())\n"),
    ("raise ValueError(k=1)\n", "raise ValueError(k=2)\n"),
    ("x = Field(description='a')\n", "x = Field(description='b')\n"),  # not pydantic's
    (
        "from pydantic import Field\nField(description=(y := 1))\n",
        "from pydantic import Field\nField(description=(y := 2))\n",
    ),
    ("raise Ended('failed')\n", "raise Ended('stopped')\n"),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_what_is_said_does_not_count(before: str, after: str) -> None:
    assert before in SOURCE
    assert deciding(SOURCE.replace(before, after)) == deciding(SOURCE)


@pytest.mark.parametrize(("before", "after"), OTHER)
def test_all_else_counts(before: str, after: str) -> None:
    assert before in SOURCE
    assert deciding(SOURCE.replace(before, after)) != deciding(SOURCE)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_comments_and_arguments_that_do_something_count(one: str, other: str) -> None:
    assert deciding(one) != deciding(other)


def test_what_is_not_python_counts_whole() -> None:
    assert deciding("def (:  # what") == "def (:  # what"


def test_nothing_else_is_lost() -> None:
    """What is left of a module is the same program, but for docstrings and what is said of mistakes and of fields."""
    programs = 0
    for path in [*(ROOT / "batchwise").rglob("*.py"), *(ROOT / "stages").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        try:
            left = program(deciding(source))
        except IndentationError:  # a class was its docstring alone
            continue
        assert left == program(source), path
        programs += 1
    assert programs > 150


def program(source: str) -> str:
    """Return the syntax tree of a source without docstrings and what is said of mistakes and of fields."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in MISTAKES:
            node.exc = node.exc.func
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Field":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
    return ast.dump(tree)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_comment_may_change(text: str) -> None:
    assert deciding(f"x = 1  # {text}\ny = 2\n") == "x = 1\ny = 2\n"


def test_the_hash_of_a_notebook_is_that_of_its_bytes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("batchwise.common.source_closure.ROOT", tmp_path)
    found = []
    for comment in ("", "# one", "# another"):
        (tmp_path / "one.py").write_text(f"x = 1\n{comment}")
        (tmp_path / "one.ipynb").write_text(comment)
        found.append(hashes(["one.py", "one.ipynb"]))
    assert len({one["one.py"] for one in found}) == 1 and len({one["one.ipynb"] for one in found}) == 3


NESTED = """
async def one():
    async with a: import b1
    async for c in d: import b2
    else: import b3
class Two:
    def three(self):
        try: import b4
        except E: import b5
        else: import b6
        finally: import b7
        try: pass
        except* E: import b8
        match x:
            case [y] if y: import b9
        while z: import b10
        if (lambda: 1)(): from . import b11
"""


def test_all_statements_are_found() -> None:
    for source in (NESTED, *(path.read_text("utf-8") for path in (ROOT / "batchwise").rglob("*.py"))):
        tree = ast.parse(source)
        found = [node for node in statements(tree) if isinstance(node, ast.stmt)]
        assert len(found) == len({*found})
        assert {*found} == {node for node in ast.walk(tree) if isinstance(node, ast.stmt)}
