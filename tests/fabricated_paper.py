"""Made-up studies named after the figures of the paper, in worlds whose truth is known."""

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from batchwise.analysis import study_tables
from batchwise.analysis.evaluate import evaluate
from batchwise.analysis.seed_values import SeedValues, of_study
from batchwise.analysis.study_tables import Tables
from batchwise.common import stage_outputs
from batchwise.config import grid, params
from batchwise.config.grid import Run
from batchwise.config.study import Study
from batchwise.data import loading
from batchwise.training.run_result import RunResult
from tests.fabricated import by_run, diverged, metrics, metrics_of, parse

ROWS = {"train": 4096, "validation": 20_000, "test": 20_000}
TEN = {part: [rows // 10] * 10 for part, rows in ROWS.items()}
MANIFEST = {
    "title": "Made up",
    "source": "nowhere",
    "licence": "CC0",
    "task": "multiclass_classification",
    "labels": "classes",
    "class_names": [f"class {number}" for number in range(10)],
    "rows": ROWS,
    "class_counts": TEN,
    "sha256": "d" * 64,
}
MANIFEST["metrics"] = [asdict(metric) for metric in metrics_of(MANIFEST)]
SIZES = [2, 4, 8, 16, 32, 64, 128, 256]
RATES = [2.0**-power for power in (10, 8, 6, 4, 2)]
FIGURES = ["section_3_2", *(f"figure_{number}" for number in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 17, 18))]
AUGMENTED = ("8", "9", "10", "11", "17", "18")
NORMALIZATION = [f"figure_13{part}_normalization_{k}" for part in "ab" for k in (2, 4, 8, 16)]
# The accuracy of (study, m, η̃), or None where training diverges.
World = Callable[[str, int, float], float | None]


def as_the_paper_says(name: str, m: int, base: float) -> float | None:
    """Return an accuracy with which every statement is right: the best η̃ diverges from m = 32 on (figure 9: 16)."""
    number = name.removeprefix("figure_")
    if number == "4":
        return 0.8 if m <= 64 else 0.6
    if number == "section_3_2" and m > 8:
        return None
    best = {"1": 2, "2": 2, "3": 2, "5": 16, "6": 8, "13a": 4, "13b": 4}.get(number.split("_")[0], 4)
    normalized = {"1": 0, "2": 0, "3": 0, "section_3_2": 0}.get(number, 0.08) + 0.02 * (number in AUGMENTED)
    longer = {"17": -0.01, "18": 0.01}.get(number, 0)
    far = abs(np.log2(m / best))
    accuracy = 0.7 + normalized - {"3": 0.015, "5": 0.005, "10": 0}.get(number, 0.01) * far
    warm_up = {"10": 0.012 if m in (4, 8) else 0.004, "11": 0.002 * np.log2(m) + 0.002}
    accuracy += longer * (1 + far) + warm_up.get(number, 0)
    if "normalization" in number:
        accuracy += 0.05 - 0.03 * abs(np.log2(int(number.split("_")[-1]) / 4))
    steps = abs(np.log2(base) + 6) / 2  # from the best η̃, 2⁻⁶
    last = {"10": 128, "5": 64, "6": 32, "1": 8, "2": 8, "3": 8, "9": 8}.get(number, 16)
    if base >= 2**-6 and m * base > last * 2**-6:
        return None if base > 2**-6 else accuracy - 0.1
    return accuracy - 0.02 * steps


def the_other_way(name: str, m: int, base: float) -> float | None:
    """Return an accuracy with which every statement is wrong: large m are better, and train at more η̃."""
    number = name.removeprefix("figure_")
    if base * 256 / m > 16:
        return None
    size = np.log2(m)
    worse = {"3": 0.05 - 0.006 * size, "5": 0.03 + 0.004 * size, "6": 0.03, "10": 0.03, "11": 0.03}.get(number, 0)
    worse += 0.03 * (number in AUGMENTED)
    shorter = {"17": 0.01, "18": -0.01}.get(number, 0) * (1 + size)
    k = int(number.split("_")[-1]) if "normalization" in number else 1
    return 0.5 + 0.02 * size - 0.005 * abs(np.log2(base) + 6) - worse + shorter + 0.03 * np.log2(k)


def content(rates: list[float], sizes: list[int]) -> dict:
    """Return a study as params.yaml has it."""
    return {
        "data_set": "digits",
        "model": {"name": "mlp", "hidden_units": [2]},
        "optimizer": {"name": "sgd"},
        "budget": {"epochs": 7},
        "learning_rate_scaling": "linear",
        "statistic": "median_of_last_5_epochs",
        "grid": {"batch_sizes": sizes, "base_learning_rates": rates, "seeds": 3},
    }


def all_params(studies: dict[str, dict]) -> dict:
    """Return params.yaml."""
    return {"data_sets": {"digits": {"test_rows": 20, "validation_rows": 20, "seed": 0}}, "studies": studies}


def planned(name: str) -> dict:
    """Return the study of a figure: figure 4 has one η̃, figure 13 two, so that the tables are soon made."""
    rates = [2.0**-8] if name == "figure_4" else RATES[1:3] if "13" in name else RATES
    k = int(name.split("_")[-1]) if "13" in name else 0
    return content(rates, [m for m in SIZES if m >= k and (m <= 64 or not k)])


def result(name: str, run: Run, made: Study, world: World, noise: float = 0.001) -> RunResult:
    """Return a run with the world's accuracy, and luck that its validation and test rows share."""
    base = run.learning_rate / run.effective_batch_size
    accuracy = world(name, run.effective_batch_size, base)
    luck = np.random.default_rng([zlib.crc32(name.encode()), run.effective_batch_size, round(base * 2**20), run.seed])
    evaluations = 1 + grid.epochs(made.budget, ROWS["train"], run.effective_batch_size)
    rise = np.linspace(0.3, 1, evaluations)[:, None] ** 0.2
    value = np.clip((accuracy or 0.1) * rise + luck.normal(0, noise) + luck.normal(0, 0.001, (evaluations, 3)), 0, 1)
    fine = RunResult("ok", metrics(2.3 * (1.05 - value), np.round(value * list(ROWS.values())), MANIFEST), {}, 12)
    return diverged(fine, 2) if accuracy is None else fine


@cache
def files(name: str, world: World) -> dict[str, bytes]:
    """Return the files of the tables of a study, with its normalisation batch in the summary."""
    made = params.check(all_params({name: planned(name)})).studies[name]
    found = by_run(made, lambda run: result(name, run, made, world), MANIFEST)
    written = evaluate(name, made, MANIFEST, loading.metrics(made, MANIFEST), found)
    summary = json.loads(written["summary.json"])
    if "13" in name:
        summary["recipe"]["model"]["normalization_batch"] = int(name.split("_")[-1])
    return {**written, "summary.json": json.dumps(summary).encode()}


def measured(name: str, world: World) -> SeedValues:
    """Return the values of a made-up study."""
    tables = parse(files(name, world))
    return of_study(Tables(**{part: tables[part] for part in ("summary", *study_tables.NAMES)}))


def folder(root: Path, names: list[str], world: World) -> Path:
    """Write params.yaml and the tables of the named studies, as a folder that the stage compares."""
    root.mkdir(parents=True)
    content = all_params({name: planned(name) for name in names})
    (root / "params.yaml").write_text(json.dumps(content), encoding="utf-8")
    for name in names:
        stage_outputs.write(root / "data/tables" / name, files(name, world))
    return root
