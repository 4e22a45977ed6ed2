"""The memory of an update by rows and their length, of a profile: a fit, the largest m that fits, what saves memory."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from batchwise.data.lengths import TOKEN
from batchwise.measuring.profiling.profile_files import EVALUATION, Profile
from batchwise.statistics.intervals import Estimate
from batchwise.statistics.memory_fit import MemoryFit, memory_fit, ratio

KIND = ["dtype", "accumulation"]
LIMIT, UNIT = "length_limit_bytes", "length_unit"  # of machine.json


@dataclass(frozen=True)
class Kind:
    """What was measured in one number type, with one number of parts: rows of lengths.csv."""

    dtype: str
    accumulation: int
    rows: pd.DataFrame

    @cached_property
    def fit(self) -> MemoryFit | None:
        """The fit of its memory; None if there is too little."""
        rows = self.fitting
        return memory_fit(*(rows[name].to_numpy(float) for name in ("batch_size", "length", "memory_peak_bytes")))

    @property
    def fitting(self) -> pd.DataFrame:
        """The updates that had memory."""
        return self.rows[self.rows["status"].eq("fits")].dropna(subset="memory_peak_bytes").reset_index(drop=True)

    @property
    def residuals(self) -> np.ndarray:
        """Return the peaks less those of the fit, bytes, in the order of `fitting`."""
        rows = self.fitting
        expected = self.fit.at(rows["batch_size"].to_numpy(), rows["length"].to_numpy()) if self.fit else np.nan
        return rows["memory_peak_bytes"].to_numpy(float) - expected


@dataclass(frozen=True)
class MemoryByLength:
    """The study as it is, what was measured beside it, and the limit, bytes, up to which its largest m was found."""

    own: Kind
    others: tuple[Kind, ...]
    limit: float
    unit: str  # of a length: token, or pixel
    evaluated: pd.DataFrame  # length, memory_peak_bytes: the evaluation, which runs need at every m

    @property
    def lengths(self) -> list[int]:
        """The lengths of a row, ascending: tokens, or pixels."""
        return sorted(self.own.rows["length"].unique().tolist())

    @cached_property
    def largest(self) -> pd.DataFrame:
        """Return a row for each length: the largest m that was seen to fit into the limit, and where memory ended.

        `length`, `fits`, `out_of_memory` (the smallest m that had none; NaN if that was not found) and `by_fit`, no
        whole number.
        """
        return pd.DataFrame([self._largest(length) for length in self.lengths])

    def _largest(self, length: int) -> dict[str, float]:
        rows = self.own.rows[self.own.rows["length"].eq(length)]
        beyond = rows["status"].eq("out_of_memory") | rows["memory_peak_bytes"].gt(self.limit)
        fits = rows.loc[rows["status"].eq("fits") & ~beyond, "batch_size"].max()
        ended = rows.loc[beyond, "batch_size"]
        by_fit = self.own.fit.most_rows(length, self.limit) if self.own.fit else np.nan
        return {"length": length, "fits": fits, "out_of_memory": ended[ended.gt(fits)].min(), "by_fit": by_fit}

    def evaluation(self, length: int) -> float:
        """Return the bytes that the evaluation takes at a length; NaN if that is not known.

        They are on a line between the lengths that were measured, and beyond these as at the nearest.
        """
        rows = self.evaluated.dropna().sort_values("length")
        if rows.empty:
            return np.nan
        return float(np.interp(length, rows["length"].to_numpy(float), rows["memory_peak_bytes"].to_numpy(float)))

    def memory_of_row(self, other: Kind) -> Estimate | None:
        """Return what a row takes as another kind, divided by what it takes as the study is, at the longest length."""
        if other.fit is None or self.own.fit is None:
            return None
        one, own = (kind.fit.row(max(self.lengths)) for kind in (other, self.own) if kind.fit)
        return ratio(one, own) if min(one.value, own.value) > 0 else None

    def time(self, other: Kind) -> Estimate | None:
        """Return the time of an update as another kind, divided by that of the study, with the least and the most.

        It is the geometric mean over the m and lengths of both.
        """
        columns = ["length", "batch_size", "seconds"]
        both = pd.merge(other.fitting[columns], self.own.fitting[columns], on=columns[:2], suffixes=("", "_own"))
        if both.empty:
            return None
        ratios = (both["seconds"] / both["seconds_own"]).to_numpy(float)
        return Estimate(float(np.exp(np.log(ratios).mean())), float(ratios.min()), float(ratios.max()))


def of_profile(profile: Profile) -> MemoryByLength | None:
    """Return what a profile says of memory by length; None if it was not measured. The first rows are of the study."""
    if profile.lengths.empty or profile.lengths["purpose"].eq(EVALUATION).all():
        return None
    is_evaluation = profile.lengths["purpose"].eq(EVALUATION)
    groups = profile.lengths[~is_evaluation].groupby(KIND, sort=False)
    own, *others = [Kind(str(dtype), int(parts), rows) for (dtype, parts), rows in groups]
    evaluated = profile.lengths.loc[is_evaluation, ["length", "memory_peak_bytes"]].astype(float)
    limit, unit = float(profile.machine.get(LIMIT, np.nan)), str(profile.machine.get(UNIT, TOKEN))
    return MemoryByLength(own, tuple(others), limit, unit, evaluated)
