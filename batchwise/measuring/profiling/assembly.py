"""From what was measured of a study's points, on one occasion or several, to the tables of its profile."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from batchwise.measuring.profiling.profile_files import DOUBLING, LENGTHS, POINTS, REPETITIONS, Profile


@dataclass(frozen=True)
class Occasion:
    """When points were measured, in turn; the one of those kept from before that was measured with them once more."""

    started: str  # UTC, ISO 8601
    compared_at: int | None = None  # m of that one
    slowdown: float | None = None  # its median time of an update, divided by that of before


@dataclass(frozen=True)
class Measurement:
    """What is kept of a point: its row of points.csv, and its rows of repetitions.csv with their places in all."""

    row: dict[str, Any]
    repetitions: list[list[Any]]  # [place on the occasion, part, round, process, seconds]
    occasion: Occasion

    @property
    def ok(self) -> bool:
        """Whether the point could be measured."""
        return self.row["status"] == "ok"

    def median(self) -> float:
        """Return the median seconds of an update."""
        return float(np.median([seconds for _, part, *_, seconds in self.repetitions if part == "whole"]))

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Measurement":
        """Return a measurement of its asdict."""
        return cls(kept["row"], kept["repetitions"], Occasion(**kept["occasion"]))


def assemble(
    points: Sequence[Measurement],
    beside: Measurement | None,
    doubled: dict[str, Any],
    facts: dict[str, Any],
    lengths: Sequence[dict[str, Any]] = (),
) -> Profile:
    """Return the profile of points, in their order, and of the processes side by side.

    Repetitions are in the order of time. `doubled` has the rows of doubling.csv and the bytes that were allowed,
    `lengths` are those of lengths.csv.
    """
    every = [*points, *([beside] if beside else [])]
    occasions = sorted({measured.occasion for measured in every}, key=lambda occasion: occasion.started)
    table = pd.DataFrame([measured.row | {"occasion": occasions.index(measured.occasion)} for measured in points])
    repetitions = sorted(
        [occasions.index(measured.occasion), place, measured.row["batch_size"], measured.row["dtype"], *repetition]
        for measured in every
        for place, *repetition in measured.repetitions
    )
    return Profile(
        table.reindex(columns=list(POINTS)).astype(dict.fromkeys(("updates_per_epoch", "ragged_rows"), "Int64")),
        pd.DataFrame([repetition[2:] for repetition in repetitions], columns=list(REPETITIONS)),
        pd.DataFrame(doubled["rows"], columns=list(DOUBLING)),
        {
            **facts,
            "xla": bool(table["xla"].eq(True).any()),
            "memory_limit_bytes": doubled["memory_limit_bytes"],
            "occasions": list(map(asdict, occasions)),
        },
        pd.DataFrame(lengths, columns=list(LENGTHS)),
    )
