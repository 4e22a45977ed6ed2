"""Keras `model.fit`, as a user writes it: data as arrays, loss and accuracy of the training and validation rows.

It does a little less than the others: its training metrics are averages over an epoch of changing weights, which cost
no evaluation, and it has none of the test rows. Its order of examples is the one that Keras shuffles.
"""

from collections.abc import Callable

import keras
import numpy as np

from benchmarks.job import Job


def prepare(job: Job, *, shuffle: bool = True) -> Callable[[], np.ndarray]:
    """Return what trains the job and returns the losses after each epoch, [epochs, 3]: validation, else NaN."""
    train, validation, _ = job.parts
    shapes = [weight.shape for weight in job.weights[::2]]
    hidden = [keras.layers.Dense(units, "relu") for _, units in shapes[:-1]]
    model = keras.Sequential([keras.Input(shapes[0][:1]), *hidden, keras.layers.Dense(shapes[-1][1])])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(job.learning_rate), loss, metrics=["accuracy"])

    def run():
        model.set_weights(job.weights)
        history = model.fit(
            train.inputs,
            train.labels,
            batch_size=job.batch_size,
            epochs=len(job.orders),
            validation_data=(validation.inputs, validation.labels),
            shuffle=shuffle,
            verbose=0,
        )
        losses = np.full((len(job.orders), 3), np.nan)
        losses[:, 1] = history.history["val_loss"]
        return losses

    return run
