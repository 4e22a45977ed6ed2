"""Packages that TensorFlow, JAX and Keras import where they can, for parts of them that nothing here uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("IPython", "matplotlib", "pandas", "sklearn")  # a third of the time of their import


@contextmanager
def without_unused(*others: str) -> Iterator[None]:
    """Let imports of them, and of others, fail, as if they were not installed; one that is there costs nothing."""
    hidden = [name for name in (*UNUSED, *others) if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]  # None, for which `import` raises
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
