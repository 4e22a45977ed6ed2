"""Which source files decide a result: the import closure of a module, and the hashes of its files."""

import ast
import hashlib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def closure(*files: str) -> list[str]:
    """Return the given files and those that they import, directly or not; sorted, relative to the project's root."""
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
        elif isinstance(node, ast.ImportFrom):
            package = list(Path(file).parts[: -node.level]) if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return [path for name in names for path in _files(name)]


def _files(module: str) -> list[str]:
    """Return the project's files that importing a module runs: its own, and the __init__.py of its packages."""
    parts = module.split(".")
    packages = ["/".join([*parts[:length], "__init__.py"]) for length in range(1, len(parts) + 1)]
    return [path for path in [*packages, "/".join(parts) + ".py"] if (ROOT / path).is_file()]
