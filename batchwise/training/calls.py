"""The calls that train a run: some epochs each, with an m of its own, and what the program of that m is called with."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from batchwise.config import phases
from batchwise.config.phases import Branch, Phase
from batchwise.config.recipe import Recipe
from batchwise.training.call_inputs import CallInputs
from batchwise.training.schedule import multiples

# Small data: all epochs in one call, which is the fastest. Large data: calls short enough to see a run diverge.
ROWS_PER_CALL = 2**16
# A call keeps the variables of the model as they are after each of its epochs, for their evaluation.
BYTES_PER_CALL = 2**26


class Call(NamedTuple):
    """Some epochs of a run, trained by one program."""

    first_epoch: int
    program: tuple[int, int, int]  # m, the batches of m rows in an epoch, and the rows of a last one
    inputs: list[np.ndarray]  # as CallInputs.of_epochs
    epochs: int


def epochs_at_once(recipe: Recipe, rows: int, size: int) -> int:
    """Return for how many epochs a call has room, with so many training rows and bytes of the variables of its runs.

    It is the same for all batch sizes, which share the evaluation.
    """
    epochs = recipe.budget.epochs or ROWS_PER_CALL
    return max(1, min(epochs, ROWS_PER_CALL // rows, BYTES_PER_CALL // size))


def of_run(
    inputs: CallInputs, batch_size: int, learning_rate: float, seed: int, branch: Branch | None = None, done: int = 0
) -> Iterator[Call]:
    """Yield the calls of a run, without the epochs that are `done`. Each is within a phase, whose m it trains with."""
    for phase in phases.of_run(inputs.recipe, inputs.rows, batch_size, branch):
        yield from _of_phase(inputs, phase, learning_rate * phase.rate_factor, seed, done)


def _of_phase(inputs: CallInputs, phase: Phase, learning_rate: float, seed: int, done: int) -> Iterator[Call]:
    """Yield the calls of a phase. How η changes depends on the share of the training that is over, at every m."""
    m, steps, end, room = phase.batch_size, phase.updates_per_epoch, phase.end_epoch, inputs.room
    budget = inputs.recipe.budget  # of epochs or of updates
    updates = budget.updates or (budget.epochs or 0) * steps
    if budget.updates:
        end = updates // steps
    rates = learning_rate * multiples(inputs.recipe.schedule, updates)
    for epoch in range(max(phase.first_epoch, done), end, room):
        epochs = min(room, end - epoch)
        given = inputs.of_epochs(seed, epoch, epochs, rates[epoch * steps :], steps)
        yield Call(epoch, (m, *divmod(inputs.rows, m)), given, epochs)
    if steps_left := updates % steps:
        given = inputs.of_epochs(seed, end, 1, rates[-steps_left:], steps_left)
        yield Call(end, (m, steps_left, 0), given, 1)
