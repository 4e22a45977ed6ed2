"""The process that is copied has imported what each copy would import otherwise."""

import subprocess
import sys

import pytest

from batchwise.common.repository import ROOT
from batchwise.execution import study_runs
from batchwise.measuring.profiling import rounds


@pytest.mark.parametrize(
    ("stage", "preloaded"), [("train", study_runs.PRELOADED), ("profile", rounds.PRELOADED)], ids=["train", "profile"]
)
def test_a_copy_imports_no_library_anew(stage: str, preloaded: tuple[str, ...]) -> None:
    """It runs the module with which the program was started once more (multiprocessing)."""
    script = f"""
import importlib, sys
for name in {("batchwise.runtime.tensorflow", *preloaded)}:
    importlib.import_module(name)
before = {{*sys.modules}}
importlib.import_module("stages.{stage}")
print(*{{name.partition(".")[0] for name in {{*sys.modules}} - before}} - {{"batchwise", "stages"}})
"""
    printed = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == ""
