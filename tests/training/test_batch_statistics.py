"""Normalisation in training: over which rows the statistics of an update are, and what lags behind them."""

import numpy as np
import pytest

from batchwise.models._layers import GhostBatchNormalization
from batchwise.runtime.keras import keras
from batchwise.training import random_streams, trainers
from tests.reference import losses
from tests.training.runs import ROWS, assert_close, data_set, recipe


def test_accumulated_gradients_are_normalised_as_parts_of_the_batch(without_xla, use_model) -> None:
    """Hoffer et al. 2017: accumulation over batches with normalisation is ghost batch normalisation, and no other."""

    def trained(normalization_batch, accumulation):
        def build(shape, outputs):
            inputs = keras.Input(shape)
            hidden = keras.layers.Dense(5, use_bias=False)(inputs)  # a bias would be taken away again
            hidden = GhostBatchNormalization(normalization_batch)(hidden)
            return keras.Model(inputs, keras.layers.Dense(outputs)(keras.ops.relu(hidden)))

        use_model(build)
        result = trainers.load(data_set(), recipe(dtype="float64", accumulation=accumulation)).run(12, 0.5, seed=7)
        return [value for name, value in result.weights.items() if "moving" not in name]

    parts = trained(0, 3)
    assert_close(parts, trained(4, 1), "float64")
    assert max(np.abs(one - other).max() for one, other in zip(parts, trained(0, 1), strict=True)) > 1e-3


@pytest.mark.usefixtures("without_xla")
def test_a_partial_batch_is_normalised_by_itself_unless_statistics_are_over_more_rows_than_a_batch(use_model) -> None:
    """Or runs whose parts are smaller than the batch would see other partial batches than those without parts."""

    def build(shape, outputs, normalization_batch):
        inputs = keras.Input(shape)
        return keras.Model(inputs, keras.layers.Dense(outputs)(GhostBatchNormalization(normalization_batch)(inputs)))

    found = []
    for normalization_batch in (0, 8, 16):
        use_model(lambda shape, outputs, k=normalization_batch: build(shape, outputs, k))
        result = trainers.load(data_set(rows=36), recipe(dtype="float64", budget={"epochs": 1})).run(32, 0.0, seed=7)
        found.append(result.weights["004_moving_weight"].item())
    assert found == [pytest.approx(1 - 0.9 ** (36 / 128))] * 3


def test_a_loss_that_leaps_is_no_divergence_where_averages_lag(without_xla, use_model) -> None:
    class Leap(keras.layers.Layer):
        """In inference mode, multiplies by 1 until it has been called in training, and by 1000 from then on."""

        def __init__(self, variable):
            super().__init__()
            self.variable = variable

        def build(self, shape):
            self.factor = self.add_weight((), "ones", trainable=False, name=self.variable)

        def call(self, inputs, training=False):
            if training:
                self.factor.assign(1000.0)
            return inputs if training else inputs * self.factor

    def build(shape, outputs, variable):
        inputs = keras.Input(shape)
        return keras.Model(inputs, Leap(variable)(keras.layers.Dense(outputs)(inputs)))

    for name, status in (("moving_factor", "ok"), ("factor", "diverged")):
        use_model(lambda shape, outputs, variable=name: build(shape, outputs, variable))
        assert trainers.load(data_set(), recipe(budget={"epochs": 2})).run(8, 0.0001, seed=7).status == status


def normalised_linear(data, weights, order, batch_size, together, rate) -> list[np.ndarray]:
    """Train a normalisation and a linear layer for an epoch; return γ, β, the moving averages, kernel, bias.

    The statistics of an update are those of `together` rows of the epoch's order, of which the last are its own; before
    the first row of an order comes its last.
    """
    gamma, beta, moving_mean, moving_variance, moving_weight, kernel, bias = weights
    for start in range(0, len(order), batch_size):
        end = min(start + batch_size, len(order))
        window = np.take(order, range(end - together, end), mode="wrap")
        inputs = data.train.inputs[window].astype("float64")
        mean, variance = inputs.mean(0), inputs.var(0)
        kept = 0.9 ** (len(window) / 128)
        moving_mean = (kept * moving_weight * moving_mean + (1 - kept) * mean) / (kept * moving_weight + 1 - kept)
        unbiased = inputs.var(0, ddof=1)
        moving_variance = (kept * moving_weight * moving_variance + (1 - kept) * unbiased) / (
            kept * moving_weight + 1 - kept
        )
        moving_weight = kept * moving_weight + 1 - kept
        scaled = ((inputs - mean) / np.sqrt(variance + 1e-5))[start - end :]
        hidden = gamma * scaled + beta
        gradient = losses(hidden @ kernel + bias, data.train.labels[order[start:end]])[1] / (end - start)
        below = gradient @ kernel.T
        kernel, bias = kernel - rate * hidden.T @ gradient, bias - rate * gradient.sum(0)
        gamma, beta = gamma - rate * (below * scaled).sum(0), beta - rate * below.sum(0)
    return [gamma, beta, moving_mean, moving_variance, moving_weight, kernel, bias]


def test_statistics_over_more_rows_than_an_update_has_are_of_those_before_it_too(use_model) -> None:
    def build(shape, outputs):
        inputs = keras.Input(shape)
        return keras.Model(inputs, keras.layers.Dense(outputs)(GhostBatchNormalization(16)(inputs)))

    use_model(build)
    data = data_set()
    trainer = trainers.load(data, recipe(dtype="float64", budget={"epochs": 1}))
    start = [variable.numpy() for variable in trainer.build(7).variables]
    for batch_size in (3, 12):
        result = trainer.run(batch_size, 0.25, seed=7)
        expected = normalised_linear(data, start, random_streams.orders(7, 0, 1, ROWS)[0], batch_size, 16, 0.25)
        assert_close(result.weights.values(), expected, "float64")
