"""What is known of a run while it trains: its metrics so far, whether it has diverged, and its result."""

from dataclasses import dataclass, field

import numpy as np

from batchwise.data.task import LOSS
from batchwise.training.run_result import RunResult, Status, without_evaluations

# A run has diverged when its training loss after an epoch is not finite, or is this many times its value at the start.
# Not so of a model with moving averages: these lag behind its weights, so that its loss in inference mode can leap and
# come back; then only a loss that is not finite tells.
DIVERGENCE_FACTOR = 10


@dataclass
class Curves:
    """The metrics of each call of a run."""

    lagging: bool  # whether the model has moving averages
    calls: list[dict[str, np.ndarray]] = field(default_factory=list)
    diverged_epoch: int | None = None  # the first, from 1, whose training loss says so

    def add(self, metrics: dict[str, np.ndarray], epochs_before: int, epochs: int) -> None:
        """Add the metrics of a call that trained some epochs; the first call has those of the start too."""
        self.calls.append(metrics)
        limit = np.inf if self.lagging else DIVERGENCE_FACTOR * self.calls[0][LOSS][0, 0]
        self.diverged_epoch = first_diverged_epoch(metrics[LOSS][-epochs:, 0], limit, epochs_before)

    def result(self, status: Status, weights: dict[str, np.ndarray], parameters: int, *, xla: bool) -> RunResult:
        """Return the result of the run, which ended so; `weights` are kept of one that is `ok`."""
        if not self.calls:
            return without_evaluations(status)
        rows = slice(None if self.diverged_epoch is None else self.diverged_epoch + 1)
        metrics = {name: np.concatenate([call[name] for call in self.calls])[rows] for name in self.calls[0]}
        by_class = {name: metrics.pop(name)[-1] for name, values in [*metrics.items()] if values.ndim > 2}
        whole = status == "ok"
        return RunResult(
            status,
            metrics,
            weights if whole else {},
            parameters,
            self.diverged_epoch,
            xla,
            by_class=by_class if whole else {},
        )


def first_diverged_epoch(losses: np.ndarray, limit: float, epochs_before: int) -> int | None:
    """Return the number of the first epoch, from 1, whose training loss says that the run has diverged."""
    bad = ~(np.isfinite(losses) & (losses <= limit))
    return epochs_before + 1 + int(bad.argmax()) if bad.any() else None
