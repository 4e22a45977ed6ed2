"""Some epochs of training as one compiled program on JAX, in which each lane is a run."""

from collections.abc import Callable

from batchwise.runtime.jax import jax
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.state import State
from batchwise.training.on_jax.update import Epoch, Updater

numpy = jax.numpy
# (state, examples, orders, draws, keys, rates, epochs) → (state, snapshots)
Program = Callable[..., tuple[State, list[Array]]]


def compiled(
    update: Updater, batch_size: int, batches: int, remainder: int, *, room: int, of_lanes: Examples | None = None
) -> Program:
    """Return a program that trains epochs of `batches` of m rows and a remainder, compiled when it is called first.

    The state and the inputs of `room` epochs, as CallInputs has them, have an axis for the lanes, the first; the rows
    and the number of epochs to train are those of all lanes, unless `of_lanes` says which of the rows have an axis for
    them too, as 0 or None. It returns the state, and of each variable what is evaluated of it before the call and after
    each epoch, [lanes, 1 + room, …].
    """
    variables = update.variables

    def program(
        state: State,
        examples: Examples,
        orders: Array,
        drawn: Array,
        row_keys: Array,
        rates: Array,
        epochs: Array,
    ) -> tuple[State, list[Array]]:
        state = variables.at_rate(state, rates[0, 0])

        def train_epoch(epoch: Array, kept: tuple[State, list[Array]]) -> tuple[State, list[Array]]:
            state, snapshots = kept
            of_epoch = Epoch(orders[epoch], drawn[epoch], row_keys[epoch], rates[epoch])
            state = _epoch(update, state, examples, of_epoch, batch_size, batches, remainder)
            pairs = zip(snapshots, variables.evaluated(state), strict=True)
            return state, [values.at[epoch + 1].set(value) for values, value in pairs]

        # Before the first update there is no average of the weights.
        start = variables.of_model_in(state)
        snapshots = [numpy.zeros((room + 1, *value.shape), value.dtype).at[0].set(value) for value in start]
        return jax.lax.fori_loop(0, epochs, train_epoch, (state, snapshots))

    return jax.jit(jax.vmap(program, in_axes=(0, of_lanes, 0, 0, 0, 0, None)), donate_argnums=0)


def _epoch(
    update: Updater,
    state: State,
    examples: Examples,
    epoch: Epoch,
    batch_size: int,
    batches: int,
    remainder: int,
) -> State:
    """Return the state after the updates of an epoch."""
    if batches:
        state = jax.lax.fori_loop(
            0, batches, lambda number, state: update(state, examples, epoch, number, batch_size, batch_size), state
        )
    if remainder:
        state = update(state, examples, epoch, batches, batch_size, remainder)
    return state
