"""Standard error, closed for a while."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what C++ libraries write to standard error before their own log level holds: TensorFlow's greetings.

    Where TF_CPP_MIN_LOG_LEVEL is 0 or 1, nothing is dropped: so one sees why TensorFlow does not use a GPU, say. Unless
    it is given, it becomes 3: errors come as exceptions, and what is logged as one is that a processor cannot do this
    or that, which TensorFlow then does otherwise.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1"):
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
