"""The only training loop, on TensorFlow through Keras 3.

The data stays on the device and several epochs are one compiled program, with the order of examples and the learning
rate as its inputs, so that a batch size is compiled once for all learning rates and seeds. The layers, gradients and
update rules are Keras's own.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from unittest import mock

import numpy as np

from batchwise import plugins, streams
from batchwise.augmentation import draws
from batchwise.data import DataSet
from batchwise.environment import set_xla_flags
from batchwise.errors import UserError
from batchwise.quiet import quiet
from batchwise.recipe import Recipe, Schedule
from batchwise.results import Result, without_evaluations
from batchwise.schedule import multiples

# Read once, when Keras and TensorFlow are imported.
os.environ["KERAS_BACKEND"] = "tensorflow"
set_xla_flags()
with quiet():
    import keras
    import tensorflow as tf
    from keras.src.random import seed_generator

    from batchwise.examples import Examples, augment, check_augmentation
    from batchwise.tasks import TASKS

    GPUS = tf.config.list_physical_devices("GPU")

# Bits of a loss depend on the rows that are evaluated together, so their number is fixed.
EVALUATION_ROWS = 2048
# Small data: all epochs in one call, which is the fastest. Large data, and networks with convolutions, which take more
# time for a row: calls short enough to see a run diverge.
ROWS_PER_CALL = 2**16
# A call keeps the variables of the model as they are after each of its epochs, for their evaluation.
BYTES_PER_CALL = 2**26
# A run has diverged when its training loss after an epoch is not finite, or is this many times its value at the start.
# Not so of a model with moving averages: these lag behind its weights, so that its loss in inference mode can leap and
# come back; then only a loss that is not finite tells.
DIVERGENCE_FACTOR = 10

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adadelta": keras.optimizers.Adadelta,
}
CONVOLUTIONS = tuple(
    getattr(keras.layers, f"{kind}{dimensions}D{suffix}")
    for kind, all_dimensions, suffix in (
        ("Conv", (1, 2, 3), ""),
        ("Conv", (1, 2, 3), "Transpose"),
        ("DepthwiseConv", (1, 2), ""),
        ("SeparableConv", (1, 2), ""),
    )
    for dimensions in all_dimensions
)
# For what has no loop over tensors: its conversion would take longer than the rest of the tracing.
_without_autograph = tf.autograph.experimental.do_not_convert


def configure() -> None:
    """Make TensorFlow's bits repeatable. Must come before its first operation, and does: on import of this module.

    One thread each: bits change with the number of threads, and as many runs as cores are faster than threads.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    for gpu in GPUS:
        tf.config.experimental.set_memory_growth(gpu, True)


configure()


def gpu() -> str | None:
    """Return the name of the GPU that TensorFlow trains on, or None for the CPU."""
    return tf.config.experimental.get_device_details(GPUS[0]).get("device_name", "GPU") if GPUS else None


class Trainer:
    """Trains runs of one recipe on one data set; between them it keeps the data on the device and compiled programs."""

    def __init__(self, data: DataSet, recipe: Recipe) -> None:
        """Raise UserError if the model cannot be built with the options of the recipe."""
        self.data, self.recipe = data, recipe
        self.task = TASKS[data.description.task]
        self.rows = data.rows["train"]
        check_augmentation(recipe.augmentation, data.train.inputs.shape[1:])
        self.examples = Examples(data, recipe.dtype)
        self.model = self._build(seed=0)
        self.normalization_batch = _largest_normalization_batch(self.model)
        self.optimizer = OPTIMIZERS[recipe.optimizer.name](0.0, **recipe.optimizer.model_dump(exclude={"name"}))
        self.optimizer.build(self.model.trainable_variables)
        self.optimizer_start = [variable.numpy() for variable in self.optimizer.variables]
        convolutions = _has_convolutions(self.model)
        self.epochs_per_call = 1 if convolutions else self._epochs_per_call()
        self.averages = any(variable.name.startswith("moving_") for variable in self.model.non_trainable_variables)
        self.changing_rate = recipe.schedule != Schedule()
        self.xla = bool(gpu()) or not convolutions
        self.evaluate = tf.function(self._evaluate, jit_compile=self.xla)
        self._compile_evaluate()
        self.programs, self.starts = {}, {}

    def run(self, batch_size: int, learning_rate: float, seed: int) -> Result:
        """Return the result of training from the start of `seed`; m > N trains as m = N.

        A run that diverges or has no memory is a result, not an error.
        """
        curves = []
        try:
            self.begin(seed)
            for epoch, program, inputs, epochs in self.calls(min(batch_size, self.rows), learning_rate, seed):
                snapshots = program(*map(tf.constant, inputs), tf.constant(epochs))
                first = int(epoch > 0)  # the first call evaluates the start too
                values = self.evaluate(snapshots, tf.constant(first), tf.constant(epochs))
                curves.append([value.numpy()[first : epochs + 1] for value in values])
                limit = np.inf if self.averages else DIVERGENCE_FACTOR * curves[0][0][0, 0]
                bad_epoch = _first_bad_epoch(curves[-1][0][-epochs:, 0], limit, epoch)
                if bad_epoch:
                    return self._result("diverged", curves, bad_epoch)
        except tf.errors.ResourceExhaustedError:
            return self._result("out_of_memory", curves) if curves else without_evaluations("out_of_memory")
        return self._result("ok", curves)

    def _epochs_per_call(self) -> int:
        """Return for how many epochs a call has room: the same for all batch sizes, which share the evaluation."""
        variables = self.model.variables
        model_bytes = sum(variable.value.dtype.size * int(np.prod(variable.shape)) for variable in variables)
        epochs = self.recipe.budget.epochs or ROWS_PER_CALL
        return max(1, min(epochs, ROWS_PER_CALL // self.rows, BYTES_PER_CALL // model_bytes))

    def _build(self, seed: int) -> keras.Model:
        keras.config.set_floatx(self.recipe.dtype)
        keras.config.set_dtype_policy(self.recipe.dtype)  # Keras keeps its first policy, whatever floatx is later
        chosen, input_shape = self.recipe.model, self.data.train.inputs.shape[1:]
        outputs = self.task.outputs(len(self.data.class_names))
        try:
            with _keras_seeded(int(streams.generator(seed, "weights").integers(2**31))):
                model = plugins.load("models", chosen.name).build(input_shape, outputs, **chosen.options)
        except (ValueError, TypeError) as error:
            raise UserError(f"model {chosen.name} cannot be built with {chosen.options}: {error}") from None
        shape = model.output_shape if model.built else "unknown, for want of a keras.Input,"
        if shape != (None, outputs):
            raise UserError(f"the output shape of model {chosen.name} is {shape}; it must be {(None, outputs)}")
        return model

    def _start(self, seed: int) -> list[tf.Tensor]:
        """Return the values at the start of a seed: of the model's variables, then of the optimiser's."""
        if seed not in self.starts:
            model_start = _start_of_model(self._build(seed), seed)
            self.starts[seed] = [tf.constant(value) for value in [*model_start, *self.optimizer_start]]
        return self.starts[seed]

    def begin(self, seed: int) -> None:
        """Set the variables of the model and the optimiser to the start of a seed."""
        for variable, value in zip([*self.model.variables, *self.optimizer.variables], self._start(seed), strict=True):
            variable.assign(value)

    def calls(
        self, batch_size: int, learning_rate: float, seed: int
    ) -> Iterator[tuple[int, Callable[..., list[tf.Tensor]], list[np.ndarray], int]]:
        """Yield (first epoch, program, its inputs, epochs) for each call of a run; the epochs are its last input."""
        steps = -(-self.rows // batch_size)
        budget = self.recipe.budget
        whole_epochs, steps_left = (budget.epochs, 0) if budget.epochs else divmod(budget.updates, steps)
        rates = learning_rate * multiples(self.recipe.schedule, whole_epochs * steps + steps_left)
        if whole_epochs:
            program = self._program(batch_size, *divmod(self.rows, batch_size))
        for epoch in range(0, whole_epochs, self.epochs_per_call):
            epochs = min(self.epochs_per_call, whole_epochs - epoch)
            yield epoch, program, self._inputs(seed, epoch, epochs, rates[epoch * steps :], steps), epochs
        if steps_left:
            program = self._program(batch_size, steps_left, 0)
            yield whole_epochs, program, self._inputs(seed, whole_epochs, 1, rates[-steps_left:], steps_left), 1

    def _inputs(self, seed: int, epoch: int, epochs: int, rates: np.ndarray, steps: int) -> list[np.ndarray]:
        """Return orders [room, N], draws [room, N, 3] or none, and rates [room, steps] of the next epochs.

        There are zeros for the epochs that the call has room for beside. `rates` are those of all updates to come.
        """
        room, augmentation = self.epochs_per_call, self.recipe.augmentation
        orders = np.zeros((room, self.rows), "int32")
        orders[:epochs] = streams.orders(seed, epoch, epochs, self.rows)
        drawn = np.zeros((room, self.rows if augmentation else 0, 3), "int32")
        for number in range(epochs if augmentation else 0):
            drawn[number] = draws(augmentation, seed, epoch + number, self.rows)
        of_updates = np.zeros((room, steps), self.recipe.dtype)
        of_updates[:epochs] = rates[: epochs * steps].reshape(epochs, steps)
        return [orders, drawn, of_updates]

    def _program(self, batch_size: int, batches: int, remainder: int):
        """Return the compiled (orders, draws, rates of `_inputs`, epochs) → snapshots.

        They hold each variable of the model as it is before the call and after each epoch, [1 + room, …].
        """
        key = (batch_size, batches, remainder)
        if key not in self.programs:

            def program(orders, drawn, rates, epochs):
                self.optimizer.learning_rate.assign(rates[0, 0])
                snapshots = [self._snapshots(variable) for variable in self.model.variables]
                epoch = tf.constant(0)
                while epoch < epochs:  # not a range, whose end XLA would make a part of the program
                    of_epoch = (orders[epoch], drawn[epoch], rates[epoch])
                    if batches:
                        for batch in tf.range(batches):
                            self._update(*of_epoch, batch, batch_size, batch_size)
                    if remainder:
                        self._update(*of_epoch, batches, batch_size, remainder)
                    epoch += 1
                    snapshots = [
                        kept.write(epoch, variable)
                        for kept, variable in zip(snapshots, self.model.variables, strict=True)
                    ]
                return [kept.stack() for kept in snapshots]

            self.programs[key] = tf.function(program, jit_compile=self.xla)
        return self.programs[key]

    def _snapshots(self, variable: keras.Variable) -> tf.TensorArray:
        """Return room for the values of a variable, with its value of now as the first."""
        snapshots = tf.TensorArray(variable.dtype, self.epochs_per_call + 1, element_shape=variable.shape)
        return snapshots.write(0, variable)

    @_without_autograph
    def _update(self, order, drawn, rates, number, batch_size: int, size: int) -> None:
        """Apply the update of the weights with the given number in an epoch, of the `size` rows of that batch."""
        if self.changing_rate:
            self.optimizer.learning_rate.assign(rates[number])
        together = min(self.normalization_batch, self.rows)
        inputs, labels = self._batch(
            order, drawn, number * batch_size, size, together if together > batch_size else size
        )
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            if outputs.shape[0] > size:
                outputs, labels = outputs[-size:], labels[-size:]
            loss = tf.reduce_mean(self.task.loss(labels, outputs))
            loss = tf.add_n([loss, *self.model.losses])
        weights = self.model.trainable_variables
        self.optimizer.apply(self._decayed(tape.gradient(loss, weights), weights), weights)

    def _batch(self, order, drawn, start, size: int, together: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the training inputs and labels of an update with `size` rows from `start` on.

        Where statistics are over more rows than a batch has, those before it in the order come first: `together` rows.
        Before the first row of the order comes its last.
        """
        if together > size:
            rows = tf.gather(order, tf.math.floormod(start + size - together + tf.range(together), self.rows))
        else:
            rows = tf.slice(order, [start], [size])
        inputs, labels = self.examples.take(rows)
        if self.recipe.augmentation:
            inputs = augment(inputs, tf.gather(drawn, rows), self.recipe.augmentation.pad)
        return inputs, labels

    def _decayed(self, gradients: list[tf.Tensor], weights: list[keras.Variable]) -> list[tf.Tensor]:
        """Return the gradients with that of the L2 penalty: on kernels, not on biases and the like."""
        decay = self.recipe.weight_decay
        if not decay:
            return gradients
        return [
            gradient + decay * weight if len(weight.shape) > 1 else gradient
            for gradient, weight in zip(gradients, weights, strict=True)
        ]

    def _compile_evaluate(self) -> None:
        """Compile the evaluation, which all batch sizes share, by evaluating no snapshot.

        Not within the first run, whose time would tell too much of the others'. If there is no memory, runs will say.
        """
        room = self.epochs_per_call + 1
        with suppress(tf.errors.ResourceExhaustedError):
            none = [tf.zeros((room, *variable.shape), variable.dtype) for variable in self.model.variables]
            self.evaluate(none, tf.constant(0), tf.constant(-1))

    def _evaluate(self, snapshots: list[tf.Tensor], first: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss and the correct rows at each snapshot from first to last, [1 + room, 3] each.

        The model is left at the last.
        """
        loss = tf.TensorArray(self.recipe.dtype, self.epochs_per_call + 1, element_shape=(3,))
        correct = tf.TensorArray("int32", self.epochs_per_call + 1, element_shape=(3,))
        number = first
        while number <= last:
            for variable, values in zip(self.model.variables, snapshots, strict=True):
                variable.assign(values[number])
            losses, hits = self._evaluate_parts()
            loss, correct = loss.write(number, losses), correct.write(number, hits)
            number += 1
        return loss.stack(), correct.stack()

    @_without_autograph
    def _evaluate_parts(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the mean loss and the correct rows of each part in inference mode, [3] and [3]."""
        losses, hits = self._evaluate_rows()
        sizes = list(self.data.rows.values())
        means = [
            tf.reduce_mean(part) if rows else tf.constant(np.nan, self.recipe.dtype)
            for rows, part in zip(sizes, tf.split(losses, sizes), strict=True)
        ]
        return tf.stack(means), tf.stack([tf.reduce_sum(part) for part in tf.split(hits, sizes)])

    def _evaluate_rows(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the loss and whether the class is right for each row of all parts, in batches of a fixed size."""
        batches, remainder = divmod(len(self.examples), EVALUATION_ROWS)
        losses, hits = self._evaluate_batch(*self.examples.first(remainder))
        if not batches:  # a loop is compiled, and its shapes checked, even if it has no turn
            return losses, hits
        rows = tf.reshape(tf.range(remainder, len(self.examples)), [batches, EVALUATION_ROWS])
        all_losses, all_hits = tf.map_fn(
            lambda rows: self._evaluate_batch(*self.examples.take(rows)),
            rows,
            parallel_iterations=1,
            fn_output_signature=(self.recipe.dtype, "int32"),
        )
        return tf.concat([losses, tf.reshape(all_losses, [-1])], 0), tf.concat([hits, tf.reshape(all_hits, [-1])], 0)

    def _evaluate_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = self.model(inputs, training=False)
        return self.task.loss(labels, outputs), tf.cast(self.task.correct(labels, outputs), "int32")

    def _result(self, status: str, curves: list, bad_epoch: int | None = None) -> Result:
        loss, correct = (np.concatenate(parts) for parts in zip(*curves, strict=True))
        rows = slice(None if bad_epoch is None else bad_epoch + 1)
        weights = self.model.variables if status == "ok" else []
        return Result(
            status,
            loss[rows],
            correct[rows],
            {f"{number:03d}_{variable.name}": variable.numpy() for number, variable in enumerate(weights)},
            sum(int(np.prod(weight.shape)) for weight in self.model.trainable_variables),
            bad_epoch,
            self.xla,
        )


@contextmanager
def _keras_seeded(seed: int) -> Iterator[None]:
    """Let Keras draw the seeds of initialisers and random layers from a generator of its own.

    keras.utils.set_random_seed alone seeds Python's global generator, from which other threads, Dask's say, draw too.
    """
    keras.utils.set_random_seed(seed)
    with mock.patch.object(seed_generator, "python_random", random.Random(seed)):
        yield


def _start_of_model(model: keras.Model, seed: int) -> list[np.ndarray]:
    """Return the values of a new model's variables, with the states of its random layers from the seed's own stream."""
    dropout = streams.generator(seed, "dropout")
    return [
        dropout.integers(2**31, size=variable.shape).astype(variable.dtype)
        if variable.name == "seed_generator_state"
        else variable.numpy()
        for variable in model.variables
    ]


def _has_convolutions(model: keras.Model) -> bool:
    """XLA on a CPU is some 20 times slower than oneDNN at convolutions inside a loop, and faster at all else."""
    return any(isinstance(layer, CONVOLUTIONS) or _has_convolutions(layer) for layer in getattr(model, "layers", ()))


def _largest_normalization_batch(layer: keras.Layer) -> int:
    """Return over how many rows the layers of a model normalise at most; 0 if over those of the update."""
    within = map(_largest_normalization_batch, getattr(layer, "layers", ()))
    return max(getattr(layer, "normalization_batch", 0), *within, 0)


def _first_bad_epoch(losses: np.ndarray, limit: float, epochs_before: int) -> int | None:
    """Return the number of the first epoch, from 1, whose training loss says that the run has diverged."""
    bad = ~(np.isfinite(losses) & (losses <= limit))
    return epochs_before + 1 + int(bad.argmax()) if bad.any() else None
