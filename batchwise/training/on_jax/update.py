"""An update of the weights on JAX: some training rows, their mean gradient, and the optimiser's step."""

from contextlib import nullcontext
from typing import Any, NamedTuple

from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data.task import Task
from batchwise.runtime.jax import jax, keras
from batchwise.runtime.xla_flags import has_nvidia_driver
from batchwise.training import network, row_keys
from batchwise.training.on_jax.augmented import augmented
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.products import rows_last
from batchwise.training.on_jax.state import State, Variables

numpy = jax.numpy
FILLS = "broadcast_in_dim"  # the operation that makes an array of one number


class Epoch(NamedTuple):
    """What the updates of an epoch are given, as those of TensorFlow (training/update.py)."""

    order: Array  # [N] int32, of the training rows
    drawn: Array  # [N, 3 or 7] int32, of each row (augmentation.py); [0, …] without augmentation
    row_keys: Array  # [N] uint32, of each row (row_keys.py); [0] if no layer asks for them
    rates: Array  # [updates]


class Updater:
    """Updates a State with batches of the training rows, of which there are `rows`."""

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, task: Task, recipe: Recipe, rows: int
    ) -> None:
        self.model, self.optimizer, self.task = model, optimizer, task
        self.variables = Variables(model, optimizer)
        self.augmentation, self.weight_decay = recipe.augmentation, recipe.weight_decay
        self.name, self.accumulation, self.options = recipe.model.name, recipe.accumulation, recipe.optimizer
        self.changing_rate = recipe.schedule.changes_rate
        self.normalization_batch = min(network.normalization_batch(model), rows)
        self.asking = row_keys.layers(model)

    def __call__(
        self, state: State, examples: Examples, epoch: Epoch, number: Array | int, batch_size: int, size: int
    ) -> State:
        """Return the state after the update with the given number in an epoch, of the `size` rows of that batch."""
        for option, decay in self.options.decays(batch_size).items():
            setattr(self.optimizer, option, decay)  # a constant of the program that is traced
        if self.changing_rate:
            state = self.variables.at_rate(state, epoch.rates[number])
        part = -(-batch_size // self.accumulation)
        gradients, others = self._accumulated(state, examples, epoch, number * batch_size, size, part)
        weights, optimizer = self.optimizer.stateless_apply(
            state.optimizer, self._decayed(gradients, state.weights), state.weights
        )
        return State(weights, others, optimizer)

    def _accumulated(
        self, state: State, examples: Examples, epoch: Epoch, start: Array | int, size: int, part: int
    ) -> tuple[list[Array], list[Array]]:
        """Return the mean gradient of `size` rows from `start` on, and the model's other variables after them.

        `part` rows are in memory at a time. Parts count by their rows, so that the last may be smaller.
        """
        whole, rest = divmod(size, part)
        if size <= part:
            return self._gradient(state, state.others, examples, epoch, start, size, part)

        def add(number: Array, kept: tuple[list[Array], list[Array]]) -> tuple[list[Array], list[Array]]:
            sums, others = kept
            gradients, others = self._gradient(state, others, examples, epoch, start + number * part, part, part)
            return _sums(sums, gradients, part / size), others

        zeros = [numpy.zeros_like(weight) for weight in state.weights]
        sums, others = jax.lax.fori_loop(0, whole, add, (zeros, state.others))
        if not rest:
            return sums, others
        last, others = self._gradient(state, others, examples, epoch, start + whole * part, rest, part)
        return _sums(sums, last, rest / size), others

    def _gradient(
        self,
        state: State,
        others: list[Array],
        examples: Examples,
        epoch: Epoch,
        start: Array | int,
        size: int,
        part: int,
    ) -> tuple[list[Array], list[Array]]:
        """Return the mean gradient of `size` rows from `start` on; normalised together with rows before if so asked."""
        together = self.normalization_batch if self.normalization_batch > part else size
        inputs, labels, rows = self._batch(examples, epoch, start, size, together)
        keys = epoch.row_keys[rows] if self.asking else None

        def loss(weights: list[Array]) -> tuple[Array, list[Array]]:
            outputs, after, penalties = self._outputs(weights, others, inputs, keys)
            losses = self.task.loss(labels[-size:], outputs[-size:])
            mean = numpy.mean(examples.weighted(losses, rows[-size:]))
            return sum((penalty.astype(mean.dtype) for penalty in penalties), mean), after

        traced, shape = jax.make_jaxpr(jax.grad(loss, has_aux=True), return_shape=True)(state.weights)
        self._check_dependence(traced.jaxpr)
        compute = jax.extend.core.jaxpr_as_fun(traced) if has_nvidia_driver() else rows_last(traced)
        return jax.tree.unflatten(jax.tree.structure(shape), compute(*state.weights))

    def _outputs(
        self, weights: list[Array], others: list[Array], inputs: Array, keys: Array | None
    ) -> tuple[Array, list[Array], list[Array]]:
        """Return the outputs in the type of the variables, the others after them, and the penalties of the model."""
        with nullcontext() if keys is None else row_keys.given(self.asking, keys):
            outputs, after, penalties = self.model.stateless_call(
                weights, others, inputs, training=True, return_losses=True
            )
        return outputs.astype(self.model.variable_dtype), after, penalties

    def _check_dependence(self, traced: Any) -> None:
        """Raise UserError for weights on which the loss does not depend, of the program of its gradient."""
        weights = self.model.trainable_variables
        # Of these JAX makes zeros, from nothing else.
        zeros = [_is_zero(variable, traced.eqns) for variable in traced.outvars[: len(weights)]]
        without = [weight.path for weight, zero in zip(weights, zeros, strict=True) if zero]
        if without:
            raise UserError(
                f"the loss does not depend on {len(without)} of the {len(zeros)} trainable weights of model "
                f"{self.name}, {without[0]} the first of them, or not differentiably; connect them to the output, or "
                "set trainable = False"
            )

    def _batch(
        self, examples: Examples, epoch: Epoch, start: Array | int, size: int, together: int
    ) -> tuple[Array, Array, Array]:
        """Return the training inputs, the labels and the rows of an update with `size` rows from `start` on.

        Where statistics are over more rows than a batch has, those before it in the order come first: `together` rows.
        Before the first row of the order comes its last.
        """
        if together > size:
            rows = epoch.order[(start + size - together + numpy.arange(together, dtype="int32")) % epoch.order.shape[0]]
        else:
            rows = jax.lax.dynamic_slice_in_dim(epoch.order, start, size)
        inputs, labels = examples.take(rows)
        if self.augmentation:
            drawn, boxes = epoch.drawn[rows], self.task.labels.are_boxes
            inputs, labels = augmented(inputs, labels, drawn, self.augmentation, boxes=boxes)
        return inputs, labels, rows

    def _decayed(self, gradients: list[Array], weights: list[Array]) -> list[Array]:
        """Return the gradients with that of the L2 penalty: on kernels, not on biases and the like."""
        if not self.weight_decay:
            return gradients
        return [
            gradient + self.weight_decay * weight if weight.ndim > 1 else gradient
            for gradient, weight in zip(gradients, weights, strict=True)
        ]


def _sums(sums: list[Array], gradients: list[Array], share: float) -> list[Array]:
    return [total + share * gradient for total, gradient in zip(sums, gradients, strict=True)]


def _is_zero(variable: Any, equations: list[Any]) -> bool:
    """Return whether an output of a traced program is the number 0, or an array of it."""
    if isinstance(variable, jax.extend.core.Literal):
        return bool(variable.val == 0)
    of_arrays = [one.invars[0] for one in equations if variable in one.outvars if one.primitive.name == FILLS]
    return any(isinstance(value, jax.extend.core.Literal) and bool(value.val == 0) for value in of_arrays)
