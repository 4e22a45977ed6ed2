"""Short runs are trained as many at a time as their engine does, and are those that would be trained one by one."""

from pathlib import Path

import numpy as np

from batchwise.config.study import Study
from batchwise.execution.run_store import Store
from batchwise.execution.short_runs import ShortRuns
from batchwise.runtime.engine import used
from tests.training.runs import data_set

M, RATES = 8, [0.001, 0.01, 0.1, 1e19, 1.0]
STUDY = {
    "data_set": "digits",
    "model": {"name": "mlp", "hidden_units": [4]},
    "optimizer": {"name": "sgd"},
    "budget": {"epochs": 3},
    "learning_rate_scaling": "none",
    "grid": {"batch_sizes": [M], "base_learning_rates": RATES, "seeds": 1},
}


def short_runs(folder: Path) -> ShortRuns:
    engine = {"engine": "jax", "lanes": 2} if used() == "jax" else {}
    study = Study.model_validate({**STUDY, **engine})
    return ShortRuns(study, data_set(), 60, Store(folder / "store"), folder / "timings.csv")


def test_runs_together_are_those_one_by_one(tmp_path) -> None:
    together, alone = short_runs(tmp_path / "together"), short_runs(tmp_path / "alone")
    found = together.results(M, RATES)
    expected = [alone.results(M, [rate])[0] for rate in RATES]
    for one, other in zip(found, expected, strict=True):
        assert one.status == other.status
        assert all(np.array_equal(one.metrics[name], other.metrics[name], equal_nan=True) for name in other.metrics)
    assert [one.status for one in found].count("diverged") == 1
    assert together.trained == alone.trained == len(RATES)
    calls = together.timings.read_text().split()
    assert len(calls) == (3 if used() == "jax" else 4)  # of those that did not all diverge


def test_those_that_are_kept_are_not_trained_again(tmp_path) -> None:
    runs = short_runs(tmp_path)
    runs.results(M, RATES[:2])
    again = short_runs(tmp_path)
    again.results(M, RATES[:3])
    assert again.trained == 1
