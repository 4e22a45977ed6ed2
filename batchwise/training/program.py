"""Some epochs of training as one compiled program, with the order of examples and the learning rate as its inputs."""

from collections.abc import Callable

from batchwise.runtime.tensorflow import keras, tf
from batchwise.training.update import Epoch, Updater

Program = Callable[..., list[tf.Tensor]]  # (orders, draws, keys, rates, epochs) → snapshots


def compiled(update: Updater, batch_size: int, batches: int, remainder: int, *, room: int, xla: bool) -> Program:
    """Return a program that trains epochs of `batches` of m rows and a remainder, compiled when it is called first.

    Its inputs are those of an Epoch (update.py) for `room` epochs, [room, …] each, and the number of these to train. It
    returns each variable before the call and after each epoch, [1 + room, …]; of weights their moving average where
    that is evaluated (averages.py).
    """
    variables, averages = update.model.variables, update.averages

    def program(
        orders: tf.Tensor, drawn: tf.Tensor, row_keys: tf.Tensor, rates: tf.Tensor, epochs: tf.Tensor
    ) -> list[tf.Tensor]:
        update.optimizer.learning_rate.assign(rates[0, 0])

        def train_epoch(epoch: tf.Tensor, snapshots: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
            of_epoch = Epoch(orders[epoch], drawn[epoch], row_keys[epoch], rates[epoch])
            _train_epoch(update, of_epoch, batch_size, batches, remainder)
            pairs = zip(snapshots, variables, strict=True)
            return epoch + 1, [kept.write(epoch + 1, averages.of(variable)) for kept, variable in pairs]

        inputs = tf.constant(0), [_snapshots(variable, room) for variable in variables]
        averages.exchange()
        _, snapshots = tf.while_loop(lambda epoch, _: epoch < epochs, train_epoch, inputs, parallel_iterations=1)
        averages.exchange()
        return [kept.stack() for kept in snapshots]

    # Autograph, which is not needed, would take as long as compiling.
    return tf.function(program, jit_compile=xla, autograph=False)


def _train_epoch(update: Updater, epoch: Epoch, batch_size: int, batches: int, remainder: int) -> None:
    """Apply the updates of an epoch."""

    def train_batch(number: tf.Tensor) -> tf.Tensor:
        update(epoch, number, batch_size, batch_size)
        return number + 1

    if batches:
        tf.while_loop(lambda number: number < batches, train_batch, [tf.constant(0)], parallel_iterations=1)
    if remainder:
        update(epoch, batches, batch_size, remainder)


def _snapshots(variable: keras.Variable, room: int) -> tf.TensorArray:
    """Return room for the values of a variable, with its value of now as the first."""
    snapshots = tf.TensorArray(variable.dtype, room + 1, element_shape=variable.shape)
    return snapshots.write(0, variable)
