"""The only training loop, on TensorFlow through Keras 3.

The data stays on the device and several epochs are one compiled program, with the order of examples and the learning
rate as its inputs, so that a batch size is compiled once for all learning rates and seeds. The layers, gradients and
update rules are Keras's own.
"""

from collections.abc import Callable, Iterator

import numpy as np

from batchwise.config.recipe import Recipe
from batchwise.data import task
from batchwise.data.dataset import DataSet
from batchwise.runtime.device import configure, gpu
from batchwise.runtime.tensorflow import is_out_of_memory, keras, tf
from batchwise.training import network, random_streams
from batchwise.training.augmentation import draws
from batchwise.training.device_data import Examples, check_augmentation
from batchwise.training.evaluation import Evaluator
from batchwise.training.run_result import Result, without_evaluations
from batchwise.training.schedule import multiples
from batchwise.training.update import Updater

# Small data: all epochs in one call, which is the fastest. Large data, and networks with convolutions, which take more
# time for a row: calls short enough to see a run diverge.
ROWS_PER_CALL = 2**16
# A call keeps the variables of the model as they are after each of its epochs, for their evaluation.
BYTES_PER_CALL = 2**26
# A run has diverged when its training loss after an epoch is not finite, or is this many times its value at the start.
# Not so of a model with moving averages: these lag behind its weights, so that its loss in inference mode can leap and
# come back; then only a loss that is not finite tells.
DIVERGENCE_FACTOR = 10


class Trainer:
    """Trains runs of one recipe on one data set; between them it keeps the data on the device and compiled programs."""

    def __init__(self, data: DataSet, recipe: Recipe) -> None:
        """Raise UserError if the model cannot be built with the options of the recipe."""
        configure()
        self.data, self.recipe = data, recipe
        self.task = task.load(data.description.task)
        self.rows = data.rows["train"]
        check_augmentation(recipe.augmentation, data.train.inputs.shape[1:])
        examples = Examples(data, recipe.dtype)
        self.model = self.build(seed=0)
        self.optimizer = network.build_optimizer(recipe, self.model)
        self.optimizer_start = [variable.numpy() for variable in self.optimizer.variables]
        self.epochs_per_call = self._epochs_per_call()
        self.xla = bool(gpu()) or not network.has_convolutions(self.model)
        self.update = Updater(self.model, self.optimizer, self.task, examples, recipe, self.rows)
        sizes, room = list(data.rows.values()), self.epochs_per_call + 1
        self.evaluate = Evaluator(self.model, self.task, examples, sizes, room=room, xla=self.xla)
        self.programs, self.starts = {}, {}

    def run(self, batch_size: int, learning_rate: float, seed: int) -> Result:
        """Return the result of training from the start of `seed`; m > N trains as m = N.

        A run that diverges or has no memory is a result, not an error.
        """
        curves = []
        try:
            self.reset(seed)
            for epoch, program, inputs, epochs in self.epoch_calls(min(batch_size, self.rows), learning_rate, seed):
                snapshots = program(*map(tf.constant, inputs), tf.constant(epochs))
                first = int(epoch > 0)  # the first call evaluates the start too
                curves.append(self.evaluate(snapshots, first, epochs))
                limit = self._limit(curves[0][0][0, 0])
                diverged_epoch = _first_diverged_epoch(curves[-1][0][-epochs:, 0], limit, epoch)
                if diverged_epoch:
                    return self._result("diverged", curves, diverged_epoch)
        except (tf.errors.OpError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return self._result("out_of_memory", curves) if curves else without_evaluations("out_of_memory")
        return self._result("ok", curves)

    def _epochs_per_call(self) -> int:
        """Return for how many epochs a call has room: the same for all batch sizes, which share the evaluation."""
        if network.has_convolutions(self.model):
            return 1
        epochs = self.recipe.budget.epochs or ROWS_PER_CALL
        return max(1, min(epochs, ROWS_PER_CALL // self.rows, BYTES_PER_CALL // network.size(self.model)))

    def _limit(self, start: float) -> float:
        """Return the training loss above which a run has diverged, of that at its start."""
        return np.inf if network.has_moving_averages(self.model) else DIVERGENCE_FACTOR * start

    def build(self, seed: int) -> keras.Model:
        """Return a model as it starts from a seed. Raises UserError as network.build does."""
        outputs = self.task.outputs(len(self.data.class_names))
        return network.build(self.recipe, self.data.train.inputs.shape[1:], outputs, seed)

    def _start(self, seed: int) -> list[tf.Tensor]:
        """Return the values at the start of a seed: of the model's variables, then of the optimiser's."""
        if seed not in self.starts:
            model_start = network.start(self.build(seed), seed)
            self.starts[seed] = [tf.constant(value) for value in [*model_start, *self.optimizer_start]]
        return self.starts[seed]

    def reset(self, seed: int) -> None:
        """Set the variables of the model and the optimiser to the start of a seed."""
        for variable, value in zip([*self.model.variables, *self.optimizer.variables], self._start(seed), strict=True):
            variable.assign(value)

    def epoch_calls(
        self, batch_size: int, learning_rate: float, seed: int
    ) -> Iterator[tuple[int, Callable[..., list[tf.Tensor]], list[np.ndarray], int]]:
        """Yield (first epoch, program, its inputs, epochs) for each call of a run; the epochs are its last input."""
        steps = -(-self.rows // batch_size)
        budget = self.recipe.budget
        whole_epochs, steps_left = (budget.epochs, 0) if budget.epochs else divmod(budget.updates, steps)
        rates = learning_rate * multiples(self.recipe.schedule, whole_epochs * steps + steps_left)
        if whole_epochs:
            program = self.program(batch_size, *divmod(self.rows, batch_size))
        for epoch in range(0, whole_epochs, self.epochs_per_call):
            epochs = min(self.epochs_per_call, whole_epochs - epoch)
            yield epoch, program, self._inputs(seed, epoch, epochs, rates[epoch * steps :], steps), epochs
        if steps_left:
            program = self.program(batch_size, steps_left, 0)
            yield whole_epochs, program, self._inputs(seed, whole_epochs, 1, rates[-steps_left:], steps_left), 1

    def _inputs(self, seed: int, epoch: int, epochs: int, rates: np.ndarray, steps: int) -> list[np.ndarray]:
        """Return orders [room, N], draws [room, N, 3] or none, and rates [room, steps] of the next epochs.

        There are zeros for the epochs that the call has room for beside. `rates` are those of all updates to come.
        """
        room, augmentation = self.epochs_per_call, self.recipe.augmentation
        orders = np.zeros((room, self.rows), "int32")
        orders[:epochs] = random_streams.orders(seed, epoch, epochs, self.rows)
        drawn = np.zeros((room, self.rows if augmentation else 0, 3), "int32")
        for number in range(epochs if augmentation else 0):
            drawn[number] = draws(augmentation, seed, epoch + number, self.rows)
        of_updates = np.zeros((room, steps), self.recipe.dtype)
        of_updates[:epochs] = rates[: epochs * steps].reshape(epochs, steps)
        return [orders, drawn, of_updates]

    def program(self, batch_size: int, batches: int, remainder: int) -> Callable[..., list[tf.Tensor]]:
        """Return a compiled (orders, draws, rates, epochs) → snapshots: `batches` of m rows an epoch, and a remainder.

        `orders` are [room, rows], `draws` [room, rows or 0, 3], `rates` [room, updates], and `epochs` says how many of
        them to train. The snapshots hold each variable before the call and after each epoch, [1 + room, …].
        """
        key = (batch_size, batches, remainder)
        if key not in self.programs:

            def program(orders, drawn, rates, epochs):
                self.optimizer.learning_rate.assign(rates[0, 0])

                def train_epoch(epoch, snapshots):
                    self._train_epoch((orders[epoch], drawn[epoch], rates[epoch]), *key)
                    pairs = zip(snapshots, self.model.variables, strict=True)
                    return epoch + 1, [kept.write(epoch + 1, variable) for kept, variable in pairs]

                inputs = tf.constant(0), [self._snapshots(variable) for variable in self.model.variables]
                _, snapshots = tf.while_loop(
                    lambda epoch, _: epoch < epochs, train_epoch, inputs, parallel_iterations=1
                )
                return [kept.stack() for kept in snapshots]

            # Autograph, which is not needed, would take as long as compiling.
            self.programs[key] = tf.function(program, jit_compile=self.xla, autograph=False)
        return self.programs[key]

    def _train_epoch(self, of_epoch: tuple, batch_size: int, batches: int, remainder: int) -> None:
        """Apply the updates of an epoch, whose order, draws and rates are given."""

        def train_batch(number):
            self.update(*of_epoch, number, batch_size, batch_size)
            return number + 1

        if batches:
            tf.while_loop(lambda number: number < batches, train_batch, [tf.constant(0)], parallel_iterations=1)
        if remainder:
            self.update(*of_epoch, batches, batch_size, remainder)

    def _snapshots(self, variable: keras.Variable) -> tf.TensorArray:
        """Return room for the values of a variable, with its value of now as the first."""
        snapshots = tf.TensorArray(variable.dtype, self.epochs_per_call + 1, element_shape=variable.shape)
        return snapshots.write(0, variable)

    def _result(self, status: str, curves: list, diverged_epoch: int | None = None) -> Result:
        loss, correct = (np.concatenate(parts) for parts in zip(*curves, strict=True))
        rows = slice(None if diverged_epoch is None else diverged_epoch + 1)
        weights = self.model.variables if status == "ok" else []
        return Result(
            status,
            loss[rows],
            correct[rows],
            {f"{number:03d}_{variable.name}": variable.numpy() for number, variable in enumerate(weights)},
            sum(int(np.prod(weight.shape)) for weight in self.model.trainable_variables),
            diverged_epoch,
            self.xla,
        )


def _first_diverged_epoch(losses: np.ndarray, limit: float, epochs_before: int) -> int | None:
    """Return the number of the first epoch, from 1, whose training loss says that the run has diverged."""
    bad = ~(np.isfinite(losses) & (losses <= limit))
    return epochs_before + 1 + int(bad.argmax()) if bad.any() else None
