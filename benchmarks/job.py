"""What every loop of the comparison trains: a run of the study digits_mlp, from the same weights in the same order."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from batchwise.common import plugins
from batchwise.config import params
from batchwise.config.recipe import Budget
from batchwise.data.dataset import DataSet, Split
from batchwise.training import random_streams
from batchwise.training.trainer import Trainer

STUDY = "digits_mlp"
SEED = 0
LEARNING_RATE = 0.05


@dataclass(frozen=True)
class Job:
    """One run: data, start, order, m and η."""

    trainer: Trainer
    parts: tuple[Split, Split, Split]  # train, validation, test
    weights: list[np.ndarray]  # of the start: kernel [in, out] and bias [out] of each layer
    orders: np.ndarray  # [epochs, N] int32
    batch_size: int
    learning_rate: float
    seed: int = SEED

    @property
    def rows(self) -> int:
        """N."""
        return len(self.parts[0].labels)


def make(batch_size: int, epochs: int) -> Job:
    """Return the job of a batch size, at one learning rate, at which all of them train."""
    data, trainer, weights = _shared(epochs)
    orders = random_streams.orders(SEED, 0, epochs, data.rows["train"])
    parts = (data.train, data.validation, data.test)
    return Job(trainer, parts, weights, orders, batch_size, LEARNING_RATE)


@cache
def _shared(epochs: int) -> tuple[DataSet, Trainer, list[np.ndarray]]:
    everything = params.load()
    study = everything.studies[STUDY]
    data = plugins.load("datasets", study.data_set).prepare(**everything.data_sets[study.data_set])
    trainer = Trainer(data, study.recipe.model_copy(update={"budget": Budget(epochs=epochs)}))
    return data, trainer, trainer.model.get_weights()
