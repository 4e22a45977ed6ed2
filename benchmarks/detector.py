"""Training images per second of a small detector, CenterNet at 160×120 pixels, on all cores: of this engine and others.

The others train one run on all cores, and, as this engine does, a run on each core side by side. benchmarks/network.py
has the clock.
"""

import numpy as np

from benchmarks import detector_loops, network

NAMES = {
    "this_engine": "this engine",
    "this_engine_augmented": "this engine, augmented",
    "keras_fit": "model.fit",
    "keras_fit_side_by_side": "model.fit, side by side",
    "pytorch_loop": "PyTorch, eager",
    "pytorch_loop_side_by_side": "PyTorch, eager, side by side",
}
# How many times faster than the others the engine is to be, by m, whichever way they take.
AT_LEAST = {"keras_fit": {4: 1.7, 16: 1.3, 64: 1.2}, "pytorch_loop": dict.fromkeys((4, 16, 64), 1.2)}


def rows() -> list[tuple]:
    """Return the rows of the table of benchmarks/speed.py."""
    rates = network.measure(detector_loops)
    found = []
    for (loop, m), values in rates.items():
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
        found.append((f"CenterNet, {NAMES[loop]}", m, f"{median:.0f} images/s", f"{low:.0f} … {high:.0f}", "", ""))
    return found + [ratio(*key, value) for key, value in network.ratios(rates).items()]


def ratio(other: str, m: int, value: float) -> tuple:
    """Return the row of how many times as fast this engine is as another loop, and whether that is enough."""
    if other == "this_engine_augmented":
        return "time with augmentation / without", m, f"{value:.2f}", "", "", ""
    target = AT_LEAST[other.removesuffix("_side_by_side")][m]
    met = "ok" if value >= target else "short"
    return f"times faster than {NAMES[other]}", m, f"{value:.2f}", "", f"at least {target}", met
