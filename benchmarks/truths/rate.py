"""How often something held in a simulation, beside how often it should."""

from typing import NamedTuple


class Rate(NamedTuple):
    """A row of the table of planted truths."""

    kind: str
    what: str
    rate: float
    wanted: str  # "≥ 0.93"
    holds: bool  # whether the rate is as wanted
