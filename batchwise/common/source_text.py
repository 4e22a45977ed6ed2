"""What of a Python source decides what it does: all but comments, docstrings, what mistakes and fields say."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache

Place = tuple[int, int]  # line from 1, character from 0
Span = tuple[Place, Place, str]  # from where to where, and what counts in its place
# What these say, of a mistake of the user's, decides no result: nothing with such an error is kept as one.
MISTAKES = ("UserError", "ValueError", "TypeError")
# Arguments with one of these do something.
DOING = (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
WITH_STATEMENTS = ("body", "orelse", "finalbody", "handlers", "cases")  # of a statement, a handler or a case


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield a module, its statements and what is between them: a handler or a case. Expressions are not gone through.

    They are nine tenths of what ast.walk yields.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in WITH_STATEMENTS:
            waiting += getattr(node, name, ())


@cache  # the same files are in many stages
def deciding(source: str) -> str:
    """Return a Python source without comments, docstrings, what MISTAKES say that it raises, and what fields describe.

    Everything else counts, blank lines too: they may be in a string. What is not Python is returned whole.
    """
    lines = io.StringIO(source, newline="").readlines()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    kept, end = [], 0
    spans = [*_comments(source, lines), *_said(tree, lines), *_described(tree, lines)]
    for begin, until, text in sorted(
        (_offset(starts, first), _offset(starts, last), text) for first, last, text in spans
    ):
        if begin >= end:  # a comment may stand among the arguments
            begin, until = (begin, until) if text else _with_its_line(source, begin, until)
            kept += [source[end:begin], text]
            end = until
    return "".join(kept) + source[end:]


def _comments(source: str, lines: list[str]) -> Iterator[Span]:
    """Yield where comments stand, but for those that do something: name the encoding, or end a continued line."""
    if "#" not in source:
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            continued = line > 1 and lines[line - 2].rstrip("\r\n").endswith("\\")
            if not continued and not (line <= 2 and "coding" in token.string):
                yield token.start, token.end, ""


def _said(tree: ast.Module, lines: list[str]) -> Iterator[Span]:
    """Yield where docstrings stand, and the arguments of mistakes with their brackets."""
    for node in statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False) is not None:
                yield _start(node.body[0], lines), _end(node.body[0], lines), ""
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _only_says(node.exc):
            yield _end(node.exc.func, lines), _end(node.exc, lines), ""


def _described(tree: ast.Module, lines: list[str]) -> Iterator[Span]:
    """Yield where pydantic's fields have a description, which is for people and editors, and the fields without it."""
    imported = [
        name.name
        for node in statements(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "pydantic"
        for name in node.names
    ]
    for node in ast.walk(tree) if "Field" in imported else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
            others = [keyword for keyword in node.keywords if keyword.arg != "description"]
            left = ast.Call(node.func, node.args, others)
            if len(others) < len(node.keywords) and not _does(node):
                yield _start(node, lines), _end(node, lines), ast.unparse(left)


def _only_says(call: ast.Call) -> bool:
    """Return whether a call makes one of MISTAKES, and its arguments do nothing else."""
    if call.keywords or not (isinstance(call.func, ast.Name) and call.func.id in MISTAKES):
        return False
    return not _does(call)


def _does(call: ast.Call) -> bool:
    return any(isinstance(node, DOING) for node in ast.walk(call))


def _start(node: ast.stmt | ast.expr, lines: list[str]) -> Place:
    return _place(node.lineno, node.col_offset, lines)


def _end(node: ast.stmt | ast.expr, lines: list[str]) -> Place:
    assert node.end_lineno is not None and node.end_col_offset is not None  # of what was parsed
    return _place(node.end_lineno, node.end_col_offset, lines)


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
