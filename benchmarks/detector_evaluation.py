"""The share of a run's time that the evaluation of a detector takes, on one core.

`python -m benchmarks.detector_evaluation` (a minute) trains CenterNet on as many random images as BCCD has. The loss of
all of them is evaluated after each epoch, which takes a forward pass, average precision after some epochs, and, at the
end, without each of the test images.
"""

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.random_boxes import AUGMENTATION, data_set, recipe

ROWS = {"train": 205, "validation": 87, "test": 72}
EPOCHS, SCORES_EVERY = 32, 4
TRAINED = 8  # epochs, after which the boxes are about where objects are
BATCH_SIZES, TURNS = (4, 16, 64), 9
LEARNING_RATE = 0.001
AP_AT_MOST = 0.2  # of a run


def parts(m: int) -> dict[str, Callable[[], Any]]:
    """Return what computes an epoch, and evaluations of it that do more and more."""
    from batchwise.training import host_rows
    from batchwise.training.evaluation import Evaluator
    from batchwise.training.host_metrics import HostMetrics
    from batchwise.training.trainer import Trainer

    data = data_set(**ROWS)
    trainer = Trainer(data, recipe({"epochs": 1}, AUGMENTATION))
    trainer.reset(seed=0)
    [(_, program, inputs, epochs)] = trainer.epoch_calls(m, LEARNING_RATE, seed=0)
    [loss] = [metric for metric in trainer.task.metrics if metric.values]
    rows = host_rows.of_data(data, trainer.task, class_weights=None)
    metrics = HostMetrics([loss], list(ROWS.values()), rows, loss.name)
    of_loss = Evaluator(trainer.model, metrics, trainer.examples, room=trainer.epochs_per_call + 1, xla=False)
    for _ in range(TRAINED):
        snapshots = program(*inputs, np.int32(epochs))
    return {
        "epoch": lambda: program(*inputs, np.int32(epochs))[0].numpy(),
        "loss": lambda: of_loss(snapshots, 1, 1, (), is_end=False),
        "boxes": lambda: trainer.evaluate(snapshots, 1, 1, (), is_end=False),
        "scores": lambda: trainer.evaluate(snapshots, 1, 1, (1,), is_end=False),
        "end": lambda: trainer.evaluate(snapshots, 1, 1, (1,), is_end=True),
    }


def seconds(m: int) -> dict[str, float]:
    """Return the processor's time of each part, the median of all turns."""
    found: dict[str, list[float]] = {}
    computed = parts(m)
    for turn in range(1 + TURNS):
        for name, compute in computed.items():
            start = time.process_time()
            compute()
            found.setdefault(name, [])
            found[name] += [time.process_time() - start] if turn else []  # the first compiles
        gc.freeze()  # as workers do
    return {name: float(np.median(values)) for name, values in found.items()}


def shares(taken: dict[str, float]) -> tuple[float, float]:
    """Return the shares of a run that are for the loss, and for average precision, of the seconds of each part.

    The loss is evaluated at the start, too.
    """
    evaluations, scored = 1 + EPOCHS, EPOCHS // SCORES_EVERY
    loss = evaluations * taken["loss"]
    precision = evaluations * (taken["boxes"] - taken["loss"]) + scored * (taken["scores"] - taken["boxes"])
    precision += taken["end"] - taken["scores"]
    run = EPOCHS * taken["epoch"] + loss + precision
    return loss / run, precision / run


def main() -> None:
    """Print the times of the parts, and the shares."""
    for m in BATCH_SIZES:
        taken = seconds(m)
        loss, precision = shares(taken)
        print(f"m = {m}: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in taken.items()))
        print(
            f"    of {EPOCHS} epochs the losses take {loss:.0%}, average precision every {SCORES_EVERY} epochs "
            f"{precision:.0%} (at most {AP_AT_MOST:.0%}: {'ok' if precision <= AP_AT_MOST else 'short'})"
        )


if __name__ == "__main__":
    main()
