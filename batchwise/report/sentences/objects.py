"""What is said of the objects that detectors find."""

from typing import Any

import pandas as pd

from batchwise.report.number_format import number, size
from batchwise.report.sentences.grammar import count

PRECISION = (
    "Of the boxes from the highest score down, precision is the share that overlap with an object of their class by "
    "half or more, recall the share of the objects that they find. Means over the seeds, at the final weights."
)
BOXES = (
    "Black and white: the objects that there are. Blue: boxes that are found and overlap with an object of their "
    "class by half or more; red: others. With class and score in percent, from the score on at which there is one "
    "false box an image on average. The photographs are evenly spaced among the test rows."
)


def precision(table: pd.DataFrame) -> str:
    """Return how the batch sizes differ in the area under the curves, over all classes."""
    classes = table.loc[table["precision"].notna(), "class"].nunique()
    areas = 100 * table.groupby("batch_size")["precision"].mean()
    each = ", ".join(f"{number(area, 1)} % at m = {size(int(m))}" for m, area in areas.items())
    return f"Mean precision over all recalls, of {count(classes, 'class')}: {each}."


def photograph(shown: dict[str, Any], found: pd.DataFrame, m: int) -> str:
    """Return what is found in a photograph, in words."""
    objects, boxes = count(len(shown["boxes"]), "object"), count(len(found), "box")
    right = f", {int(found['is_object'].sum()):,} right" if len(found) else ""
    return f"Test row {shown['row']} at m = {size(m)}: {objects}, {boxes} found{right}"
