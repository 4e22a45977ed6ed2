"""Figures of detectors: precision against recall by class, and boxes on a photograph."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from batchwise.common.messages import cut
from batchwise.report.figures import style
from batchwise.report.figures.style import BLUE, DASHES, INK, SEQUENCE, VERMILION
from batchwise.report.number_format import size

WIDTH, HEIGHT = 8.0, 3.0  # inches
COLUMNS, TITLE = 3, 28  # panels beside each other, and the letters for which there is room above one
SHOWN = 480  # pixels of the longer side, to which a photograph is brought, so that lines and letters are alike
LINE, TEXT = 3, 18  # pixels: pages show three beside each other, about half as large
LETTER = 0.65  # of its size, the width of a letter, about
WHITE = "#ffffff"


def precision(table: pd.DataFrame, names: Sequence[str]) -> str:
    """Return precision against recall of each class, a line for each batch size, as SVG."""
    with style.drawing():
        rows = -(-len(names) // COLUMNS)
        figure, axes = style.panels(WIDTH, HEIGHT * rows, rows, min(len(names), COLUMNS), sharex=True, sharey=True)
        for label, (name, ax) in enumerate(zip(names, axes, strict=False)):
            for look, (m, curve) in enumerate(table[table["class"].eq(label)].groupby("batch_size")):
                drawn: dict[str, Any] = {
                    "color": SEQUENCE[look],
                    "dashes": DASHES[look],
                    "label": f"m = {size(int(m))}",
                }
                ax.plot(100 * curve["recall"], 100 * curve["precision"], linewidth=1.6, **drawn)
            ax.set_title(cut(name, TITLE))
            ax.set(xlabel="recall (%)", xlim=(0, 101), ylim=(0, 101))
        for ax in axes[len(names) :]:
            ax.set_axis_off()
        axes[0].set_ylabel("precision (%)")
        figure.legend(*style.legend_entries(axes), loc="outside upper left", ncols=3)
        return style.svg(figure)


def photograph(shown: dict[str, Any], found: pd.DataFrame, names: Sequence[str]) -> str:
    """Return a photograph as SVG: the boxes that there are, black and white, those found with class and score."""
    scale = SHOWN / max(shown["width"], shown["height"])
    width, height = scale * shown["width"], scale * shown["height"]
    # White dashes on black lines are seen on any ground.
    true = [_box(box[:4], width, height, *line) for box in shown["boxes"] for line in ((INK, ""), (WHITE, "5 5"))]
    of_found = [
        _found(row, width, height, names) for row in found.sort_values("score", kind="stable").to_dict("records")
    ]
    image = f'<image width="{width:.0f}" height="{height:.0f}" href="data:image/jpeg;base64,{shown["jpeg"]}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="{TEXT}" font-weight="bold">'
        f"{image}{''.join([*true, *of_found])}</svg>"
    )


def _found(row: dict[str, Any], width: float, height: float, names: Sequence[str]) -> str:
    """Return a box that is found, and above or in it what it is taken for: false ones are of another colour."""
    colour = BLUE if row["is_object"] else VERMILION
    box = [row[side] for side in ("left", "top", "right", "bottom")]
    left, top, right, _ = np.clip(box, 0, 1)
    text = f"{names[int(row['class'])]} {100 * row['score']:.0f}"
    fits = left * width + LETTER * TEXT * len(text) < width  # else it ends where the box does
    x, anchor = (left, "start") if fits else (right, "end")
    look = f'text-anchor="{anchor}" fill="{colour}" stroke="{WHITE}" stroke-width="4" paint-order="stroke"'
    at = f'x="{x * width:.1f}" y="{max(top * height - 3, TEXT):.1f}"'
    return f"{_box(box, width, height, colour)}<text {at} {look}>{escape(text)}</text>"


def _box(box: Iterable[float], width: float, height: float, colour: str, dashes: str = "") -> str:
    left, top, right, bottom = box
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<rect x="{left * width:.1f}" y="{top * height:.1f}" width="{(right - left) * width:.1f}" '
        f'height="{(bottom - top) * height:.1f}" fill="none" stroke="{colour}" stroke-width="{LINE}"{dashed}/>'
    )
