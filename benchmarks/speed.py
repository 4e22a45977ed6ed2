"""How fast training and the pipeline are, against the alternatives: `python -m benchmarks.speed`, some four minutes.

What is compared is measured in one run, turn by turn, since a machine's speed changes from minute to minute: trust the
ratios, not the seconds. `--only loops` (or train, nothing_to_do, reports) measures a part.

`--network` measures a network instead: `resnet8` a convolutional one, with and without normalisation, `detector` one
that finds objects in images, `lstm` some for texts, each in five to ten minutes.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

NAMES = {
    "this_engine": "this engine",
    "this_engine_augmented": "this engine, augmented",
    "keras_fit": "model.fit",
    "pytorch_loop": "PyTorch, eager",
    "jax_loop": "JAX, lax.scan",
}
# How many times faster than the others the engine is to be, by m.
AT_LEAST = {
    "keras_fit": {2: 180, 32: 100, 512: 100},
    "pytorch_loop": {2: 25, 32: 8, 512: 2},
    "jax_loop": dict.fromkeys((2, 32, 512), 1 / 1.2),
}
# The same of training examples per second of ResNet-8, on all cores.
NETWORK_AT_LEAST = {"keras_fit": {4: 3, 32: 1.7, 256: 1.2}, "pytorch_loop": dict.fromkeys((4, 32, 256), 1.8)}
AUGMENTED_AT_MOST = 1.25  # times as long
MEMORY_AT_MOST = 2048  # MiB
# Seconds, on two cores.
AT_MOST = {"train": 12, "nothing_to_do": 5, "reports": 60}
# × 143 cells: 10,010 runs
SEEDS_OF_A_LARGE_STUDY = 70


def main() -> None:
    """Measure what was asked for, and print one table."""
    parts: dict[str, Callable[[], list[tuple]]] = {
        "train": _train,
        "nothing_to_do": _nothing_to_do,
        "reports": _reports,
        "loops": _loops,  # last: it imports TensorFlow, whose threads and memory the others do without
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--only", choices=parts, help="measure this part")
    what.add_argument("--network", choices=["resnet8", "detector", "lstm"], help="measure this network instead")
    arguments = parser.parse_args()
    chosen = [name for name in parts if arguments.only in (None, name)]
    networks = {"resnet8": _network, "detector": _detector, "lstm": _texts}
    rows = networks[arguments.network]() if arguments.network else [row for name in chosen for row in parts[name]()]
    _print([("what", "m", "measured", "quartiles", "target", ""), *rows])


def _loops() -> list[tuple]:
    from benchmarks import loops

    seconds, compiling = loops.measure()
    medians = {key: float(np.median(values)) for key, values in seconds.items()}
    rows = []
    for (loop, m), values in seconds.items():
        low, high = np.quantile(values, (0.25, 0.75))
        compiled = f"compiling {compiling[loop, m]:.1f} s apart" if compiling[loop, m] > 0.1 else ""
        epochs = loops.EPOCHS_OF.get((loop, m))
        scaled = f", {epochs} epochs × {loops.EPOCHS // epochs}" if epochs else ""
        name = f"50 epochs, {NAMES[loop]}{scaled}"
        rows.append((name, m, f"{medians[loop, m]:.4f} s", f"{low:.4f} … {high:.4f} s", "", compiled))
    for other, targets in AT_LEAST.items():
        rows += [_ratio(other, m, target, medians) for m, target in targets.items() if (other, m) in medians]
    return rows + [(f"{package} is not installed", "", "", "", "", "") for package in loops.missing()]


def _ratio(other: str, m: int, target: float, medians: dict[tuple[str, int], float]) -> tuple:
    ratio = medians[other, m] / medians["this_engine", m]
    met = "ok" if ratio >= target else "short"
    if other == "jax_loop":
        return "time of this engine / that of JAX", m, f"{1 / ratio:.2f}", "", f"at most {1 / target:.2f}", met
    return f"times faster than {NAMES[other]}", m, f"{ratio:.1f}", "", f"at least {target}", met


def _network() -> list[tuple]:
    from benchmarks import network, network_loops

    rows = []
    for normalization in ("none", "batch"):
        rates = network.measure(network_loops, normalization)
        for (loop, m), values in rates.items():
            low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
            name = f"ResNet-8, normalization {normalization}, {NAMES[loop]}"
            rows.append((name, m, f"{median:.0f} examples/s", f"{low:.0f} … {high:.0f}", "", ""))
        rows += [_rate_ratio(*key, ratio, normalization) for key, ratio in network.ratios(rates).items()]
    for m in (32, 256):
        mebibytes = network.memory(m)
        met = "ok" if mebibytes <= MEMORY_AT_MOST else "short"
        what = "peak memory on all of CIFAR-10, beside TensorFlow's own"
        rows.append((what, m, f"{mebibytes} MiB", "", f"at most {MEMORY_AT_MOST}", met))
    return rows


def _detector() -> list[tuple]:
    from benchmarks import detector

    return detector.rows()


def _texts() -> list[tuple]:
    from benchmarks import text

    return text.rows()


def _rate_ratio(other: str, m: int, ratio: float, normalization: str) -> tuple:
    if other == "this_engine_augmented":
        met = "ok" if ratio <= AUGMENTED_AT_MOST else "short"
        what = f"time with augmentation / without, normalization {normalization}"
        return what, m, f"{ratio:.2f}", "", f"at most {AUGMENTED_AT_MOST}", met
    target = NETWORK_AT_LEAST[other][m]
    what = f"times faster than {NAMES[other]}, normalization {normalization}"
    return what, m, f"{ratio:.2f}", "", f"at least {target}", "ok" if ratio >= target else "short"


def _train() -> list[tuple]:
    from benchmarks import pipeline

    with TemporaryDirectory() as folder:
        start_up, seconds, cells = pipeline.train(Path(folder))
    return [
        (f"start-up of {pipeline.WORKERS} workers, with TensorFlow", "", f"{start_up:.1f} s", "", "", ""),
        _limit(f"train: {cells} cells, one seed, {pipeline.WORKERS} workers, after start-up", seconds, "train"),
    ]


def _nothing_to_do() -> list[tuple]:
    from benchmarks import pipeline

    what, seconds = "dvc repro with nothing to do", pipeline.nothing_to_do()
    return [
        (what, "", "", "", "", "needs a finished dvc repro")
        if seconds is None
        else _limit(what, seconds, "nothing_to_do")
    ]


def _reports() -> list[tuple]:
    from benchmarks import pipeline

    with TemporaryDirectory() as folder:
        evaluate, report, runs = pipeline.reports(Path(folder), SEEDS_OF_A_LARGE_STUDY)
    what = f"evaluate ({evaluate:.1f} s) and report ({report:.1f} s) of {runs:,} runs"
    return [_limit(what, evaluate + report, "reports")]


def _limit(what: str, seconds: float, target: str) -> tuple:
    limit = AT_MOST[target]
    return what, "", f"{seconds:.1f} s", "", f"at most {limit} s", "ok" if seconds <= limit else "short"


def _print(rows: list[tuple]) -> None:
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
