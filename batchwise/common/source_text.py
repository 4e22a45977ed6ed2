"""What of a Python source decides what it does: all but comments, docstrings and what is said of mistakes."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache

Place = tuple[int, int]  # line from 1, character from 0
# How these are worded decides no result: the arguments with which they are raised do not count.
MISTAKES = ("UserError", "ValueError", "TypeError")


@cache  # the same files are in many stages
def deciding(source: str) -> str:
    """Return a Python source without comments, docstrings and the arguments of MISTAKES that it raises.

    Everything else counts, blank lines too: they may be in a string. What is not Python is returned whole.
    """
    lines = io.StringIO(source, newline="").readlines()
    try:
        said = [*_said(ast.parse(source), lines)]
    except SyntaxError:
        return source
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    kept, end = [], 0
    spans = [*_comments(source), *said]
    for begin, until in sorted((_offset(starts, first), _offset(starts, last)) for first, last in spans):
        if begin >= end:  # a comment may stand among the arguments
            begin, until = _with_its_line(source, begin, until)
            kept.append(source[end:begin])
            end = until
    return "".join(kept) + source[end:]


def _comments(source: str) -> Iterator[tuple[Place, Place]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start, token.end


def _said(tree: ast.Module, lines: list[str]) -> Iterator[tuple[Place, Place]]:
    """Yield where docstrings and the arguments of mistakes stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                yield _span(node.body[0], node.body[0], lines)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            name = node.exc.func
            if isinstance(name, ast.Name) and name.id in MISTAKES:
                yield _span(node.exc.args[0], node.exc.args[-1], lines)


def _span(first: ast.stmt | ast.expr, last: ast.stmt | ast.expr, lines: list[str]) -> tuple[Place, Place]:
    assert last.end_lineno is not None and last.end_col_offset is not None  # of what was parsed
    begin, end = (first.lineno, first.col_offset), (last.end_lineno, last.end_col_offset)
    return _place(*begin, lines), _place(*end, lines)


def _place(line: int, column: int, lines: list[str]) -> Place:
    """Return a place of which the column was counted in bytes of UTF-8."""
    return line, len(lines[line - 1].encode()[:column].decode())


def _offset(starts: list[int], place: Place) -> int:
    return starts[place[0] - 1] + place[1]


def _with_its_line(source: str, begin: int, end: int) -> tuple[int, int]:
    """Return a span with the spaces before it, and with its whole lines if nothing else is on them."""
    while begin and source[begin - 1] in " \t":
        begin -= 1
    if (begin == 0 or source[begin - 1] == "\n") and source[end : end + 1] == "\n":
        end += 1
    return begin, end
