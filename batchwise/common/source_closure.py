"""Which source files decide a result: the import closure of a module, and the hashes of its files."""

import ast
import hashlib
import json
import os
from functools import cache
from pathlib import Path

from batchwise.common import files, python_source
from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.common.source_text import deciding, statements

# What people are told, which decides nothing that a stage writes: a change of it reruns, retrains and measures nothing.
SENTENCES = (
    *("batchwise/common/exits.py", "batchwise/common/messages.py", "batchwise/runtime/silent_stderr.py"),
    *(f"batchwise/execution/{name}.py" for name in ("progress", "progress_text", "worker_states")),
    "batchwise/measuring/profiling/steps.py",
)
# What is worked out for such sentences alone.
ESTIMATES = ("batchwise/execution/engine_notes.py", "batchwise/execution/remaining_stages.py")
# Nor do these, which raise or do nothing: what passes is the same as before. Whatever loads it checks it again.
CHECKS = (
    *("batchwise/common/option_types.py", "batchwise/common/plugin_errors.py", "batchwise/common/python_source.py"),
    "batchwise/common/signature.py",
    *(f"batchwise/data/{name}.py" for name in ("box_checks", "conversions", "input_checks", "label_checks")),
    *("batchwise/data/number_checks.py", "batchwise/data/refusals.py", "batchwise/data/task_checks.py"),
    "batchwise/data/weight_checks.py",
    *(
        f"batchwise/training/model_checks/{name}.py"
        for name in ("__init__", "activations", "memory", "row_values", "structure")
    ),
)


def closure(*files: str) -> list[str]:
    """Return the given files and those that they import, directly or not; sorted, relative to the project's root.

    SENTENCES, ESTIMATES and CHECKS are left out, and what runs with one engine alone, where it is not that of the given
    files: JAX if one of them is of JAX, or TensorFlow. Files are modules, or notebooks of Python. Raises UserError if
    one of them is not Python.
    """
    found, waiting = set(), list(files)
    other = "tensorflow" if any(_is_of(file, "jax") for file in files) else "jax"
    while waiting:
        file = waiting.pop()
        if file not in found and file not in (*SENTENCES, *ESTIMATES, *CHECKS) and not _is_of(file, other):
            found.add(file)
            waiting.extend([*_packages(file), *_imported(file)])
    return sorted(found)


def of_jax() -> list[str]:
    """Return the files of the package that run where JAX trains and nowhere else, sorted, relative to the root."""
    files = (path.relative_to(ROOT).as_posix() for path in (ROOT / "batchwise").rglob("*.py"))
    return sorted(file for file in files if _is_of(file, "jax"))


def hashes(files: list[str]) -> dict[str, str]:
    """Return {file: SHA-256 of its bytes, of Python of what decides what it does}."""
    return {file: hashlib.sha256(_deciding(ROOT / file)).hexdigest() for file in files}


def _is_of(file: str, engine: str) -> bool:
    """Return whether a file, by its name, runs with one engine alone."""
    *folders, name = file.split("/")
    return name == f"{engine}.py" or name.endswith(f"_{engine}.py") or f"on_{engine}" in folders


def _deciding(path: Path) -> bytes:
    content = files.read(path)
    try:
        return deciding(content.decode()).encode() if path.suffix == ".py" else content
    except UnicodeDecodeError:
        return content


def _source(file: str) -> bytes:
    content = files.read(ROOT / file)
    if not file.endswith(".ipynb"):
        return content
    try:
        cells = json.loads(content)["cells"]
        return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code").encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(f"{file} is not a notebook any more; `git restore {file}` brings it back") from None


def _imported(file: str) -> list[str]:
    here = set(os.listdir(ROOT))  # most of what is imported is elsewhere
    return [path for path in _candidates(_source(file), file) if path.partition("/")[0] in here and _is_file(path)]


def _is_file(path: str) -> bool:
    """Return whether there is such a file. It is asked tens of thousands of times, for which pathlib is slow."""
    return os.path.isfile(os.path.join(ROOT, path))


@cache  # the same files are in many closures
def _candidates(source: bytes, file: str) -> tuple[str, ...]:
    """Return where what a module imports could be, and what it takes of that, which may be modules too."""
    names: list[str] = []
    for node in statements(python_source.parse(source, file)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = list(Path(file).parts[: -node.level]) if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    paths = (name.replace(".", "/") for name in dict.fromkeys(names))
    return tuple(f"{path}{ending}" for path in paths for ending in (".py", "/__init__.py"))


def _packages(file: str) -> list[str]:
    """Return the __init__.py of the packages that a file is in, which run when it is imported."""
    candidates = [str(folder / "__init__.py") for folder in Path(file).parents]
    return [path for path in candidates if _is_file(path)]
