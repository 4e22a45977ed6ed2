"""The tables of all studies as the claims read them."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from batchwise.analysis import profile_summary, seed_values, study_tables
from batchwise.analysis.cost_tables import Costs, read_costs
from batchwise.analysis.seed_values import SeedValues
from batchwise.analysis.selection import DIGITS
from batchwise.analysis.study_tables import Tables
from batchwise.config import phases
from batchwise.data.metric import Metric
from batchwise.measuring.landscape import landscape_files
from batchwise.measuring.landscape.landscape_files import Landscape
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.profile_files import REPETITIONS, Profile

LENGTHS = ("name", "max_tokens", "size", "height", "width")  # options by which the rows of two data sets may differ
TOKEN_BYTES = 4


@dataclass(frozen=True)
class StudyResults:
    """What is known of a study: its results, its costs, what was measured of time and memory, and its landscape."""

    tables: Tables
    costs: Costs | None = None
    profile: Profile | None = None
    landscape: Landscape | None = None

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.tables.study

    @property
    def metric(self) -> Metric:
        """The metric by which the study chooses."""
        return self.tables.metric

    @property
    def recipe(self) -> dict[str, Any]:
        """How the study trains."""
        return self.tables.summary["recipe"]

    @property
    def grows(self) -> bool:
        """Whether the batch size grows within a run, so that m is that of its start."""
        return self.tables.grows

    @property
    def has_validation(self) -> bool:
        """Whether a rate can be chosen on validation rows."""
        return self.tables.summary["data"]["rows"]["validation"] > 0

    @property
    def rows(self) -> int:
        """The number of training rows."""
        return self.tables.summary["data"]["rows"]["train"]

    @property
    def length(self) -> int | None:
        """The length of its rows, T tokens, or the pixels of its images; None where they are neither."""
        about = self.tables.summary["data"]
        shape = about.get("input_shape") or []
        if self.has_images:
            return int(shape[0] * shape[1])
        return int(shape[0]) if len(shape) == 1 and ("texts" in about or about.get("labels") == "tokens") else None

    def held(self, length: int) -> int:
        """Return the bytes of a row of some length, as it is held in memory."""
        return length * (self.tables.summary["data"]["input_shape"][2] if self.has_images else TOKEN_BYTES)

    @property
    def has_images(self) -> bool:
        """Whether its rows are images."""
        return len(self.tables.summary["data"].get("input_shape") or []) == 3

    @cached_property
    def seed_values(self) -> SeedValues:
        """The metric of its cells by seed."""
        return seed_values.of_study(self.tables)

    @cached_property
    def sizes(self) -> list[int]:
        """The distinct batch sizes that were trained, ascending."""
        return sorted(self.tables.batch_sizes["effective_batch_size"].unique().tolist())

    @cached_property
    def too_few_updates(self) -> list[int]:
        """The distinct batch sizes that make too few updates to train (too_few_updates.py), ascending."""
        rows = self.tables.batch_sizes
        return sorted(rows.loc[rows["too_few_updates"].eq(True), "effective_batch_size"].unique().tolist())

    @cached_property
    def results(self) -> pd.DataFrame:
        """The metric on test rows of the chosen cell of each distinct m, by seed: [seeds, m].

        They are of fresh seeds where the study has a confirmation. A run that diverged counts with the baseline; one
        that ran out of memory or failed is NaN.
        """
        chosen = self.tables.batch_sizes.dropna(subset="base_learning_rate").drop_duplicates("effective_batch_size")
        cells = chosen[["effective_batch_size", "base_learning_rate"]]
        runs = self.tables.confirmed if len(self.tables.confirmed) else self.tables.runs
        runs = runs.merge(cells).drop_duplicates(["effective_batch_size", "seed"])
        values = runs[self.metric.column("test")].astype(float)
        values = values.mask(runs["status"].eq("diverged"), self.metric.baseline)
        return runs.assign(value=values).pivot(index="seed", columns="effective_batch_size", values="value")

    def best_of(self, sizes: Collection[int]) -> int | None:
        """Return the m that is best on validation rows of some, the smallest of equals; None if none was chosen."""
        rows = self.tables.batch_sizes.dropna(subset=self.metric.column("validation", "mean"))
        rows = rows[rows["effective_batch_size"].isin(sizes)].sort_values("effective_batch_size")
        if rows.empty:
            return None
        score = self.metric.sign * rows[self.metric.column("validation", "mean")].round(DIGITS)
        return int(rows.loc[score.idxmax(), "effective_batch_size"])

    @cached_property
    def epoch_seconds(self) -> dict[int, float]:
        """The measured seconds of an epoch by batch size, of those of the grid; a mean where m grows in a run."""
        if self.costs is None:
            return {}
        own = self.costs.measured
        own = own[own["purpose"].eq("grid") & own["dtype"].eq(self.recipe["dtype"]) & own["epoch_seconds"].gt(0)]
        seconds = dict(zip(own["batch_size"], own["epoch_seconds"], strict=True))
        return {m: mean for m in self.sizes if (mean := self._epoch_seconds(m, seconds)) > 0} if self.grows else seconds

    def _epoch_seconds(self, batch_size: int, seconds: dict[int, float]) -> float:
        """Return the mean over the epochs of a run, of which those of each phase are measured; else NaN."""
        run = self.tables.phases(batch_size)
        whole = phases.spent(run, lambda phase: seconds.get(phase.batch_size, np.nan), run[-1].end_epoch)
        return float(whole / run[-1].end_epoch)

    @cached_property
    def process_seconds(self) -> pd.Series:
        """The median seconds of an update of each process, by part, batch size, number type and process."""
        if self.profile is None:
            return profile_summary.process_medians(pd.DataFrame(columns=list(REPETITIONS)))
        return profile_summary.process_medians(self.profile.repetitions[self.profile.repetitions["seconds"].gt(0)])

    def seconds(self, batch_size: int, part: str = "whole", dtype: str | None = None) -> np.ndarray:
        """Return the measured seconds of an update, [processes]; none if they were not measured."""
        found = self.process_seconds.get((part, batch_size, dtype or self.recipe["dtype"]))
        return np.array([]) if found is None else found.to_numpy(float)

    def curve(self, batch_size: int, quantity: str) -> pd.DataFrame:
        """Return a quantity at the chosen rate of a batch size, [epochs, seeds], with epochs as index; may be empty."""
        asked = self.tables.batch_sizes.drop_duplicates("effective_batch_size")
        m = asked.loc[asked["effective_batch_size"].eq(batch_size), "batch_size"]
        rows = self.tables.curves[self.tables.curves["batch_size"].isin(m)]
        seeds = sorted(self.tables.curves["seed"].unique())
        return rows.pivot(index="epoch", columns="seed", values=quantity).reindex(columns=seeds)

    def after(self, batch_size: int, quantity: str, epochs: float) -> np.ndarray:
        """Return a quantity of a curve after so many epochs, [seeds]; NaN where it is not known."""
        curve = self.curve(batch_size, quantity)
        until = curve.loc[:epochs]
        return until.iloc[-1].to_numpy(float) if len(until) else np.full(curve.shape[1], np.nan)


def read(data: Path, names: list[str]) -> list[StudyResults]:
    """Return what is known of the studies. Raises UserError if a table is missing or damaged."""
    return [
        StudyResults(
            study_tables.read(data / "tables" / name),
            read_costs(data / "costs" / name),
            profile_files.read(data / "profiles" / name),
            landscape_files.read(data / "landscapes" / name),
        )
        for name in names
    ]


def whole_batches(studies: list[StudyResults]) -> list[StudyResults]:
    """Return the studies whose batches are not in parts (accumulation): those in parts repeat what the others show."""
    return [study for study in studies if study.recipe["accumulation"] == 1]


def pairs(
    studies: list[StudyResults], belong: Callable[[StudyResults, StudyResults], bool]
) -> Iterator[tuple[StudyResults, StudyResults]]:
    """Yield the pairs of studies of the same rows and statistic that belong together, in both orders."""
    for one, other in permutations(studies, 2):
        here, there = ((it.tables.summary["provenance"]["data"], it.tables.statistic) for it in (one, other))
        if here == there and belong(one, other):
            yield one, other


def same_but(one: StudyResults, other: StudyResults, *keys: str) -> bool:
    """Return whether two studies have the same recipe but for some keys."""
    return all(one.recipe[key] == other.recipe[key] for key in one.recipe if key not in keys)


def other_length(one: StudyResults, other: StudyResults) -> bool:
    """Return whether two studies are alike but for the length of their rows: the same texts, or images, of another."""
    here, there = (_but_for_length(study) for study in (one, other))
    return here == there and one.length != other.length and None not in (one.length, other.length)


def _but_for_length(study: StudyResults) -> tuple[Any, ...]:
    about = study.tables.summary["data"]
    options = {name: value for name, value in about.get("options", {}).items() if name not in LENGTHS}
    asked = {name: value for name, value in about.get("asked", {}).items() if name not in ("data_set", "of_tokens")}
    return about["title"], options, asked, about["rows"], study.recipe, study.tables.statistic
