"""python -m batchwise verify: whether the results here are those committed."""

import argparse
from pathlib import Path

from batchwise.commands import chosen
from batchwise.common import dvc_files
from batchwise.config import params
from batchwise.execution.verify import verify

HINT = """Another kind of processor or GPU, or other versions, may give other bits (README, Exactness). Where these are
the same, `python -m batchwise reproduce` trains a cell again and says whether its file here is right."""


def run(arguments: argparse.Namespace) -> int:
    """Print what was found of each study, or of one; return 1 if results differ."""
    committed, any_differs = dvc_files.reader(Path(), rev="HEAD"), False
    for name in chosen(params.load(), arguments.study):
        differs, (sentence, *details) = verify(name, Path(), committed)
        print(f"{name}: {sentence}", *(f"  {line}" for line in details), sep="\n", flush=True)
        any_differs |= differs
    if any_differs:
        print(HINT)
    return 1 if any_differs else 0
