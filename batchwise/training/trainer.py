"""The training loop on TensorFlow through Keras 3.

The data stays on the device and several epochs are one compiled program, with the order of examples and the learning
rate as its inputs, so that a batch size is compiled once for all learning rates and seeds. The layers, gradients and
update rules are Keras's own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from batchwise.common.plugin_errors import told
from batchwise.config import phases
from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.data.folds import of_seed
from batchwise.data.task import of_recipe
from batchwise.runtime.device import configure, gpu
from batchwise.runtime.tensorflow import MAY_BE_OUT_OF_MEMORY, is_out_of_memory, keras, tf
from batchwise.training import (
    augmentation,
    calls,
    host_rows,
    initial_weights,
    network,
    random_streams,
    row_keys,
    streaming,
)
from batchwise.training.call_inputs import CallInputs
from batchwise.training.curves import Curves
from batchwise.training.device_data import Examples
from batchwise.training.evaluation import Evaluator
from batchwise.training.host_metrics import HostMetrics
from batchwise.training.model_checks import row_values
from batchwise.training.program import Program, compiled
from batchwise.training.run_result import RunResult, Status
from batchwise.training.streamed_evaluation import StreamedEvaluator
from batchwise.training.streaming import StreamedExamples
from batchwise.training.update import Epoch, Updater


@dataclass(frozen=True)
class Prefix:
    """What is trained of a run, kept in memory: its branches go on from here, and need not train it again."""

    run: tuple[int, float, int]  # m, η and the seed
    epochs: int
    values: list[np.ndarray]  # of the variables of the model and the optimiser
    curves: tuple[dict[str, np.ndarray], ...]  # of each call, the metrics


class Trainer:
    """Trains runs of one recipe on one data set; between them it keeps the data on the device and compiled programs."""

    def __init__(self, data: DataSet, recipe: Recipe, metric: str | None = None, weights: Path | None = None) -> None:
        """`metric` is the one that chooses, `weights` a file of what every seed starts from (initial_weights.py).

        Raise UserError if the task gives no values of rows, or if the model cannot be built with the options of the
        recipe, or does not fit the weights.
        """
        configure()
        self.recipe, self.rows, self.input_shape = recipe, data.rows["train"], data.train.inputs.shape[1:]
        self.dealt, self.fold = (data if data.folds else None), 0  # the fold whose rows are on the device
        self.task = of_recipe(recipe, data.description.task)
        row_values.check(data.description.task, self.task, len(data.class_names), recipe.variable_dtype)
        self.output_shape = self.task.output_shape(len(data.class_names), self.input_shape)
        recipe.check_inputs(self.input_shape)
        rows = host_rows.of_data(of_seed(data, 0), self.task, recipe.class_weights)
        network.check_size(recipe, self.input_shape, self.output_shape)
        self.model = self.build(seed=0)
        whole, changing = network.takes_whole_numbers(self.model), data.folds is not None
        self.is_streamed = data.is_streamed
        self.examples: Examples
        if self.is_streamed:
            self.examples = StreamedExamples(rows, recipe.variable_dtype, whole=whole)
        else:
            self.examples = Examples(rows, recipe.variable_dtype, whole=whole, changing=changing)
        self.given = initial_weights.read(weights, self.model, recipe.model.name) if weights else {}
        self.has_convolutions = network.has_convolutions(self.model)
        self.xla = bool(gpu()) or not self.has_convolutions
        self.optimizer = network.build_optimizer(recipe, self.model)
        self.optimizer_start = [variable.numpy() for variable in self.optimizer.variables]
        # Networks with convolutions take more time for a row: calls of one epoch are short enough.
        one_epoch = self.has_convolutions or self.is_streamed
        self.epochs_per_call = 1 if one_epoch else calls.epochs_at_once(recipe, self.rows, network.size(self.model))
        self.update = Updater(self.model, self.optimizer, self.task, self.examples, recipe, self.rows)
        self.inputs = CallInputs(recipe, self.rows, self.epochs_per_call, has_keys=bool(self.update.asking))
        sizes, room = list(data.rows.values()), self.epochs_per_call + 1
        self.metrics = HostMetrics(self.task.recorded(metric), sizes, rows, self.task.metric(metric).name)
        evaluator = StreamedEvaluator if self.is_streamed else Evaluator
        self.evaluate: Evaluator = evaluator(self.model, self.metrics, self.examples, room=room, xla=self.xla)
        self.programs: dict[tuple[int, int, int], Program] = {}
        self.starts: dict[int, list[tf.Tensor]] = {}
        self.prefix: Prefix | None = None

    def train(self, runs: Sequence[Run]) -> list[RunResult]:
        """Return the results of runs of one batch size and one branch, or none: one after the other, as `run` does."""
        return [self.run(run.effective_batch_size, run.learning_rate, run.seed, run.branch or None) for run in runs]

    def run(self, batch_size: int, learning_rate: float, seed: int, branch: Branch | None = None) -> RunResult:
        """Return the result of training from the start of `seed`, at an effective batch size: m is at most N.

        With a `branch` it goes on as that says. A run that diverges or has no memory is a result, not an error.
        """
        curves = Curves(network.has_moving_averages(self.model))
        run = batch_size, learning_rate, seed
        try:
            curves.calls, done = self._begin(run, branch)
            end = phases.of_run(self.recipe, self.rows, batch_size, branch)[-1].end_epoch
            for epoch, program, inputs, epochs in self.epoch_calls(*run, branch, done):
                snapshots = program(*map(tf.constant, inputs), tf.constant(epochs))
                first = int(epoch > 0)  # the first call evaluates the start too
                scored = [number for number in range(first, epochs + 1) if self.recipe.scores(epoch + number, end)]
                found = self.evaluate(snapshots, first, epochs, scored, is_end=epoch + epochs == end)
                curves.add(found.metrics, epoch, epochs)
                if curves.diverged_epoch:
                    return self._result("diverged", curves)
                if branch and epoch + epochs == branch.first_epoch:
                    self.prefix = Prefix(run, branch.first_epoch, self._values(), tuple(curves.calls))
        except MAY_BE_OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise
            return self._result("out_of_memory", curves)
        result, predictions = self._result("ok", curves), found.predictions.astype("float32")
        return replace(result, by_row=found.by_row, predictions=predictions, draws_by_pass=self._has_drawn(seed))

    def build(self, seed: int) -> keras.Model:
        """Return a model as it starts from a seed. Raises UserError as network.build does."""
        return network.build(self.recipe, self.input_shape, self.output_shape, seed)

    def start(self, seed: int) -> list[np.ndarray]:
        """Return the values of the model's variables at the start of a seed."""
        return network.start(self.build(seed), seed, self.given)

    def use_rows_of(self, seed: int) -> None:
        """Put the rows of a seed on the device, where seeds have rows of their own and those of another are there."""
        if self.dealt and self.dealt.folds and self.fold != (fold := seed % self.dealt.folds.count):
            rows = host_rows.of_data(of_seed(self.dealt, fold), self.task, self.recipe.class_weights)
            self.examples.replace(rows)
            self.metrics.use(rows)
            self.fold = fold

    def reset(self, seed: int) -> None:
        """Set the variables of the model and the optimiser to the start of a seed, and use its rows."""
        self.use_rows_of(seed)
        if seed not in self.starts:
            self.keep_start(seed, self.start(seed))
        self._assign(self.starts[seed])

    def _begin(self, run: tuple[int, float, int], branch: Branch | None) -> tuple[list[dict[str, np.ndarray]], int]:
        """Return the metrics of what is trained of a run, and the epochs: none, or those of a prefix that is kept."""
        kept = self.prefix
        if branch and kept and kept.run == run and kept.epochs <= branch.first_epoch:
            self.use_rows_of(run[-1])
            self._assign(kept.values)
            return [*kept.curves], kept.epochs
        self.reset(run[-1])
        return [], 0

    def _assign(self, values: Sequence[tf.Tensor | np.ndarray]) -> None:
        for variable, value in zip([*self.model.variables, *self.optimizer.variables], values, strict=True):
            variable.assign(value)

    def _values(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in [*self.model.variables, *self.optimizer.variables]]

    def keep_start(self, seed: int, values: list[np.ndarray]) -> None:
        """Keep the values of the model's variables at the start of a seed on the device, as `start` returns them."""
        self.starts[seed] = [tf.constant(value) for value in [*values, *self.optimizer_start]]

    def load(self, values: list[np.ndarray]) -> None:
        """Set the variables of the model."""
        for variable, value in zip(self.model.variables, values, strict=True):
            variable.assign(value)

    def take(self, rows: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the standardised inputs and the labels of rows of all splits, [B, …]."""
        return self.examples.take(tf.constant(rows))

    def input_parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        return self.examples.parts()

    def updated(self, rows: int, rate: float) -> list[np.ndarray]:
        """Return the variables of the model after an update of so many rows from the start of seed 0, not compiled."""
        order = tf.constant(random_streams.orders(0, 0, 1, self.rows)[0])
        drawn = tf.zeros((self.rows, augmentation.numbers(self.recipe.augmentation)), "int32")
        keys = tf.constant(row_keys.of_epoch(0, 0, self.rows))
        self.reset(seed=0)
        self.optimizer.learning_rate.assign(rate)
        self.update(Epoch(order, drawn, keys, tf.constant([rate], self.recipe.variable_dtype)), 0, rows, rows)
        return [variable.numpy() for variable in self.model.variables]

    def compile_evaluation(self) -> None:
        """Compile what all runs share, which the first of them would do otherwise.

        Raises UserError if the model raises an error.
        """
        with told(f"model {self.recipe.model.name} cannot be evaluated"):
            self.evaluate.compile()

    def rehearse_evaluation(self) -> None:
        """Evaluate all rows once, with weights of 0: for measurements."""
        variables, room = self.model.variables, self.evaluate.room
        snapshots = [tf.zeros((room, *variable.shape), variable.dtype) for variable in variables]
        self.evaluate(snapshots, 0, 0, (0,), is_end=False)

    @property
    def is_recurrent(self) -> bool:
        """Whether a layer of the model goes through the places of a row one after another."""
        return network.is_recurrent(self.model)

    @property
    def takes_tokens(self) -> bool:
        """Whether the inputs of a row are whole numbers, one after the other."""
        return self.examples.dtype_of_inputs == "int32" and len(self.input_shape) == 1

    @property
    def compilations(self) -> int:
        """How many programs of training there are: a run of a new batch size adds one, or two."""
        return len(self.programs)

    @property
    def iterations(self) -> int:
        """How many updates the optimiser has counted; waits for them."""
        return int(self.optimizer.iterations.numpy())

    def epoch_calls(
        self, batch_size: int, learning_rate: float, seed: int, branch: Branch | None = None, done: int = 0
    ) -> Iterator[tuple[int, Program, list[np.ndarray], int]]:
        """Yield (first epoch, program, its inputs, epochs) for each call of a run; the epochs are its last input.

        The epochs that are `done` are left out.
        """
        for call in calls.of_run(self.inputs, batch_size, learning_rate, seed, branch, done):
            yield call.first_epoch, self.program(*call.program), call.inputs, call.epochs

    def program(self, batch_size: int, batches: int, remainder: int) -> Program:
        """Return the program of epochs of `batches` of m rows and a remainder, as many as a call has room for."""
        key = (batch_size, batches, remainder)
        if key not in self.programs:
            self.programs[key] = self._compiled(*key, room=self.epochs_per_call, xla=self.xla)
        return self.programs[key]

    def _compiled(self, batch_size: int, batches: int, remainder: int, *, room: int, xla: bool) -> Program:
        make = streaming.compiled if self.is_streamed else compiled
        return make(self.update, batch_size, batches, remainder, room=room, xla=xla)

    def rehearsal(
        self, batch_size: int, batches: int, remainder: int, *, room: int, xla: bool | None = None
    ) -> Callable[[int], None]:
        """Return what trains up to `room` epochs of a program of its own, at a learning rate of 0: for measurements.

        It returns when all is computed; any m will do, rows are taken again if need be. `xla` is that of runs for None.
        Where rows are streamed it reads them too, and holds as many as a run does.
        """
        rows, updates = batches * batch_size + remainder, batches + bool(remainder)
        inputs = [tf.constant(value) for value in self.inputs.of_rehearsal(room, rows, updates)]
        xla = self.xla if xla is None else xla
        program = self._compiled(batch_size, batches, remainder, room=room, xla=xla)
        read_ahead = self.examples.chunks(batch_size) if isinstance(self.examples, StreamedExamples) else []

        def train(epochs: int, held: list[Any] = read_ahead) -> None:
            program(*inputs, tf.constant(epochs))
            self.optimizer.iterations.numpy()  # waits for a GPU

        return train

    def _has_drawn(self, seed: int) -> bool:
        """Return whether a state from which layers draw, pass after pass, is another than at the start of a seed."""
        pairs = zip(self.model.variables, self.starts[seed], strict=False)
        return any(variable.name == network.RANDOM_STATE and np.any(variable != start) for variable, start in pairs)

    def _result(self, status: Status, curves: Curves) -> RunResult:
        weights = network.variables(self.model) if status == "ok" else {}
        values = {name: variable.numpy() for name, variable in weights.items()}
        return curves.result(status, values, network.parameters(self.model), xla=self.xla)
