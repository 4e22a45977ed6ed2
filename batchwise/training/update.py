"""An update of the weights: some training rows, their mean gradient, and the optimiser's step."""

from typing import NamedTuple

from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data.task import Task
from batchwise.runtime.tensorflow import keras, tf
from batchwise.training import network, row_keys
from batchwise.training.augmented import augmented
from batchwise.training.averages import Averages
from batchwise.training.device_data import Examples

SPARSE = {"sgd"}  # optimisers that take the gradient of an Embedding as it is: they square nothing


class Epoch(NamedTuple):
    """What the updates of an epoch are given."""

    order: tf.Tensor  # [N] int32, of the training rows
    drawn: tf.Tensor  # [N, 3 or 7] int32, of each row (augmentation.py); [0, …] without augmentation
    row_keys: tf.Tensor  # [N] uint32, of each row (row_keys.py); [0] if no layer asks for them
    rates: tf.Tensor  # [updates]


class Updater:
    """Updates the weights of a model with batches of the training rows, of which there are `rows`."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        task: Task,
        examples: Examples,
        recipe: Recipe,
        rows: int,
    ) -> None:
        self.model, self.optimizer, self.task, self.examples = model, optimizer, task, examples
        self.augmentation, self.weight_decay = recipe.augmentation, recipe.weight_decay
        self.name, self.accumulation, self.options = recipe.model.name, recipe.accumulation, recipe.optimizer
        # The gradient of an Embedding has a row for each token of a batch. Keras squares and clips these before it adds
        # those of one token, which is the square of no gradient, and another one in each batch.
        self.sparse = recipe.optimizer.name in SPARSE and not (
            recipe.optimizer.clips or recipe.weight_decay or recipe.accumulation > 1
        )
        self.averages = Averages(optimizer, model.trainable_variables)
        self.changing_rate = recipe.schedule.changes_rate
        self.normalization_batch = min(network.normalization_batch(model), rows)
        self.asking = row_keys.layers(model)

    def __call__(self, epoch: Epoch, number: tf.Tensor | int, batch_size: int, size: int) -> None:
        """Apply the update with the given number in an epoch, of the `size` rows of that batch."""
        for option, decay in self.options.decays(batch_size).items():
            setattr(self.optimizer, option, decay)  # a constant of the program that is traced
        if self.changing_rate:
            self.optimizer.learning_rate.assign(epoch.rates[number])
        part = -(-batch_size // self.accumulation)
        gradients = self._accumulated(epoch, number * batch_size, size, part)
        weights = self.model.trainable_variables
        self.optimizer.apply(self._decayed(gradients, weights), weights)

    def _accumulated(self, epoch: Epoch, start: tf.Tensor | int, size: int, part: int) -> list[tf.Tensor]:
        """Return the mean gradient of `size` rows from `start` on, of which `part` are in memory at a time.

        Parts count by their rows, so that the last may be smaller.
        """
        whole, rest = divmod(size, part)
        if size <= part:
            return self._gradient(epoch, start, size, part)

        def add(number: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            gradients = self._gradient(epoch, start + number * part, part, part)
            return number + 1, [total + part / size * gradient for total, gradient in zip(sums, gradients, strict=True)]

        zeros = [tf.zeros(weight.shape, weight.dtype) for weight in self.model.trainable_variables]
        inside = (lambda number, _: number < whole), add, (tf.constant(0), zeros)
        _, sums = tf.while_loop(*inside, parallel_iterations=1)  # one part after the other, or it would save no memory
        if not rest:
            return sums
        last = self._gradient(epoch, start + whole * part, rest, part)
        return [total + rest / size * gradient for total, gradient in zip(sums, last, strict=True)]

    def _gradient(self, epoch: Epoch, start: tf.Tensor | int, size: int, part: int) -> list[tf.Tensor]:
        """Return the mean gradient of `size` rows from `start` on; normalised together with rows before if so asked."""
        together = self.normalization_batch if self.normalization_batch > part else size
        inputs, labels, rows = self._batch(epoch, start, size, together)
        with tf.GradientTape() as tape:
            outputs = self._outputs(epoch, inputs, rows)
            if together > size:
                outputs, labels, rows = outputs[-size:], labels[-size:], rows[-size:]
            loss = tf.reduce_mean(self.examples.weighted(self.task.loss(labels, outputs), rows))
            loss = tf.add_n([loss, *(tf.cast(penalty, loss.dtype) for penalty in self.model.losses)])
        return self._checked(tape.gradient(loss, self.model.trainable_variables))

    def _outputs(self, epoch: Epoch, inputs: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        if not self.asking:
            return network.outputs_of(self.model, inputs, training=True)
        with row_keys.given(self.asking, tf.gather(epoch.row_keys, rows)):
            return network.outputs_of(self.model, inputs, training=True)

    def _checked(self, gradients: list[tf.Tensor | None]) -> list[tf.Tensor]:
        """Return gradients that can be added. Raises UserError for weights on which the loss does not depend."""
        weights = self.model.trainable_variables
        without = [weight.path for weight, gradient in zip(weights, gradients, strict=True) if gradient is None]
        if without:
            raise UserError(
                f"the loss does not depend on {len(without)} of the {len(weights)} trainable weights of model "
                f"{self.name}, {without[0]} the first of them, or not differentiably; connect them to the output, or "
                "set trainable = False"
            )
        if self.sparse:
            return gradients
        return [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _batch(
        self, epoch: Epoch, start: tf.Tensor | int, size: int, together: int
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return the training inputs, the labels and the rows of an update with `size` rows from `start` on.

        Where statistics are over more rows than a batch has, those before it in the order come first: `together` rows.
        Before the first row of the order comes its last.
        """
        if together > size:
            rows = tf.gather(
                epoch.order, tf.math.floormod(start + size - together + tf.range(together), epoch.order.shape[0])
            )
        else:
            rows = tf.slice(epoch.order, [start], [size])
        inputs, labels = self.examples.take(rows)
        if self.augmentation:
            drawn, boxes = tf.gather(epoch.drawn, rows), self.task.labels.are_boxes
            inputs, labels = augmented(inputs, labels, drawn, self.augmentation, boxes=boxes)
        return inputs, labels, rows

    def _decayed(self, gradients: list[tf.Tensor], weights: list[keras.Variable]) -> list[tf.Tensor]:
        """Return the gradients with that of the L2 penalty: on kernels, not on biases and the like."""
        if not self.weight_decay:
            return gradients
        return [
            gradient + self.weight_decay * weight if len(weight.shape) > 1 else gradient
            for gradient, weight in zip(gradients, weights, strict=True)
        ]
