"""The networks start from the same weights on both engines, and compute the same, TensorFlow step by step."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.models import on_engine
from tests.project import HANG

pytestmark = pytest.mark.tensorflow  # and JAX in another process, where TensorFlow is not imported
# Relative to the largest entry of a tensor. Measured: 1e-14 and 0.03, and for starts 7e-16 and 4e-7, of float32.
TOLERANCE = {"float64": 1e-12, "mixed_bfloat16": 0.1}
OF_STARTS = {"float64": 1e-14, "mixed_bfloat16": 2e-6}
# Each program runs once: what XLA takes to make it fast is longer than it runs.
COMPILED_QUICKLY = "--xla_backend_optimization_level=0"


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = tmp_path_factory.mktemp("jax") / "found.npz"
    command = [sys.executable, "-m", "tests.models.on_engine", "jax", str(path)]
    environment = {**os.environ, "XLA_FLAGS": COMPILED_QUICKLY}
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], env=environment, timeout=HANG)
    with np.load(path) as found:
        return dict(found)


@pytest.mark.parametrize("name", on_engine.CASES)
def test_networks_agree(name, on_jax) -> None:
    for dtype in ("float64", "mixed_bfloat16") if name in on_engine.MIXED else ("float64",):
        prefix = f"{name} {dtype} "
        expected = {part: value for part, value in on_jax.items() if part.startswith(prefix)}
        found = {prefix + part: value for part, value in on_engine.computed(name, dtype).items()}
        assert found.keys() == expected.keys()
        for part, value in found.items():
            of = OF_STARTS if part.startswith(f"{prefix}start") else TOLERANCE
            tolerance = of[dtype] * max(np.abs(value).max(), 1e-3)
            np.testing.assert_allclose(expected[part], value, rtol=0, atol=tolerance, err_msg=part)
