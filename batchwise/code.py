"""Which source files decide a result: the import closure of a module, and the hashes of its files."""

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def closure(*files: str) -> list[str]:
    """Return the project's files that the given ones import, directly or not, and themselves; sorted, relative to the root."""
    found, waiting = set(), list(files)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(_imported(file))
    return sorted(found)


def hashes(files: list[str]) -> dict[str, str]:
    """Return {file: SHA-256 of its bytes}."""
    return {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in files}


def _imported(file: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    paths = [name.replace(".", "/") for name in names if name.split(".")[0] in ("batchwise", "stages")]
    candidates = [f"{path}{ending}" for path in paths for ending in (".py", "/__init__.py")]
    return [candidate for candidate in candidates if (ROOT / candidate).is_file()]
