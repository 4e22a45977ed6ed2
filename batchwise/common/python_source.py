"""Python that a user may have written, parsed."""

import ast

from batchwise.common.errors import UserError


def parse(source: bytes, file: str) -> ast.Module:
    """Return the syntax tree of a file. Raises UserError, with its line, if it is not Python in UTF-8."""
    try:
        return ast.parse(source.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise UserError(f"{file}, line {line}: this is not UTF-8 text; save the file in that encoding") from None
    except SyntaxError as error:
        place = f", line {error.lineno}" if error.lineno else ""
        raise UserError(f"{file}{place}: this is not Python: {error.msg}") from None
    except ValueError as error:  # zero bytes, before Python 3.11.4
        raise UserError(f"{file}: this is not Python: {error}") from None
    except (RecursionError, MemoryError):  # brackets without end
        raise UserError(f"{file}: this is not Python") from None
