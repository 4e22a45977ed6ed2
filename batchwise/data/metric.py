"""What a metric is, as data: by it a study chooses, and in it a report speaks. Nothing here imports TensorFlow."""

from dataclasses import dataclass
from typing import Any

LOSS = "loss"  # the metric of every task that is the mean of its loss: a run has diverged when it is too large


@dataclass(frozen=True)
class Metric:
    """A quantity that each evaluation gives for each split, on the data of a study.

    People read `scale` times a value, in `unit`. Differences of what they read are in `difference_unit`, and so are the
    margins.
    """

    name: str  # in columns
    title: str  # in sentences
    description: str  # what a value is, with its unit
    higher_is_better: bool
    baseline: float  # the value of the best constant answer: that of chance
    learned: float  # a run that is not better than the baseline by more than this, on training rows, has not trained
    # as far behind the best as a learning rate may be that trains reliably, ascending; sentences name the second
    margins: tuple[float, float, float]
    scale: float = 1.0
    unit: str = ""
    difference_unit: str = ""  # in the singular
    differences: str = ""  # the same in the plural: `points`
    decimals: int = 3  # of what people read; a difference has one more, unless margins are coarser
    lowest: float | None = None  # values that there can be; None for no bound
    highest: float | None = None
    counted: tuple[str, str] | None = None  # of a share of the rows: what those in it are called, and the others
    if_named: bool = False  # runs have it if their study names it, and not otherwise

    @property
    def sign(self) -> int:
        """1 where a higher value is better, −1 where a lower one is: of sign × values the highest is the best."""
        return 1 if self.higher_is_better else -1

    @property
    def best(self) -> str:
        """What the best value is: highest or lowest."""
        return "highest" if self.higher_is_better else "lowest"

    @property
    def worst(self) -> str:
        """What the worst value is: lowest or highest."""
        return "lowest" if self.higher_is_better else "highest"

    @property
    def least_margin(self) -> float:
        """Below what a difference makes none."""
        return self.margins[0]

    @property
    def margin(self) -> float:
        """The margin of the reliable range that sentences name."""
        return self.margins[1]

    def column(self, split: str, *ending: str) -> str:
        """Return the name of a column of a table: `test_accuracy`, `test_accuracy_mean`."""
        return "_".join((split, self.name, *ending))

    def clip(self, value: float) -> float:
        """Return a value cut at what there can be: an interval over few seeds may reach beyond."""
        low = value if self.lowest is None else max(value, self.lowest)
        return low if self.highest is None else min(low, self.highest)

    def gain(self, values: Any, reference: Any) -> Any:
        """Return how much better values are than a reference, in the unit of differences; negative where worse."""
        return self.sign * self.scale * (values - reference)


def from_facts(facts: dict[str, Any]) -> Metric:
    """Return the metric of which a JSON file holds the fields."""
    lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Metric(**facts | lists)
