"""What a program of some epochs is called with: their orders, draws, keys of rows and learning rates."""

from dataclasses import dataclass

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.training import random_streams, row_keys
from batchwise.training.augmentation import draws, numbers


@dataclass(frozen=True)
class CallInputs:
    """Makes the inputs of calls that have room for some epochs: orders, draws, keys of rows and rates, in this order.

    Draws are [room, N, 3], or [room, 0, 3] without augmentation; keys [room, N] uint32, or [room, 0] where no layer
    asks for them.
    """

    recipe: Recipe
    rows: int  # N, to train
    room: int
    has_keys: bool

    def of_epochs(self, seed: int, epoch: int, epochs: int, rates: np.ndarray, updates: int) -> list[np.ndarray]:
        """Return those of the next epochs: orders [room, N] int32, rates [room, updates] of all updates to come.

        There are zeros for the epochs that a call has room for beside.
        """
        augmentation = self.recipe.augmentation
        orders = np.zeros((self.room, self.rows), "int32")
        orders[:epochs] = random_streams.orders(seed, epoch, epochs, self.rows)
        drawn, keys = self._nothing_by_row(self.room)
        if augmentation:
            drawn[:epochs] = [draws(augmentation, seed, epoch + number, self.rows) for number in range(epochs)]
        if self.has_keys:
            keys[:epochs] = [row_keys.of_epoch(seed, epoch + number, self.rows) for number in range(epochs)]
        of_updates = np.zeros((self.room, updates), self.recipe.variable_dtype)
        of_updates[:epochs] = rates[: epochs * updates].reshape(epochs, updates)
        return [orders, drawn, keys, of_updates]

    def of_rehearsal(self, room: int, rows: int, updates: int) -> list[np.ndarray]:
        """Return those of epochs with any number of rows, which are taken again if need be, at a rate of 0."""
        orders = [np.resize(order, rows) for order in random_streams.orders(0, 0, room, self.rows)]
        rates = np.zeros((room, updates), self.recipe.variable_dtype)
        return [np.stack(orders).astype("int32"), *self._nothing_by_row(room), rates]

    def _nothing_by_row(self, room: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.rows if self.recipe.augmentation else 0
        drawn = np.zeros((room, rows, numbers(self.recipe.augmentation)), "int32")
        return drawn, np.zeros((room, self.rows if self.has_keys else 0), "uint32")
