"""How often something held in a simulation, beside how often it should."""

from typing import NamedTuple


class Rate(NamedTuple):
    """A row of the table of planted truths."""

    kind: str
    what: str
    rate: float
    wanted: str  # "≥ 0.93"
    holds: bool  # whether the rate is as wanted


def at_least(kind: str, what: str, rate: float, least: float) -> Rate:
    """Return a rate that should be `least` or more."""
    return Rate(kind, what, rate, f"≥ {least}", rate >= least)


def at_most(kind: str, what: str, rate: float, most: float) -> Rate:
    """Return a rate that should be `most` or less."""
    return Rate(kind, what, rate, f"≤ {most}", rate <= most)
