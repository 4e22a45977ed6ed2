"""The training loop on JAX through Keras 3: as training/trainer.py, for the runs of a batch size together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from batchwise.common.plugin_errors import told
from batchwise.config import phases
from batchwise.config.grid import Run
from batchwise.config.phases import Branch
from batchwise.config.recipe import Recipe
from batchwise.data.dataset import DataSet
from batchwise.data.folds import of_seed
from batchwise.data.task import of_recipe
from batchwise.runtime.jax import MAY_BE_OUT_OF_MEMORY, is_out_of_memory, jax, keras
from batchwise.training import augmentation, calls, host_rows, initial_weights, network, random_streams, row_keys
from batchwise.training.call_inputs import CallInputs
from batchwise.training.calls import Call
from batchwise.training.curves import Curves
from batchwise.training.host_metrics import Evaluation, HostMetrics
from batchwise.training.model_checks import row_values
from batchwise.training.on_jax import device_data, prefix, streaming
from batchwise.training.on_jax.device_data import Array, Examples
from batchwise.training.on_jax.evaluation import Evaluator
from batchwise.training.on_jax.prefix import Prefix
from batchwise.training.on_jax.program import Program, compiled
from batchwise.training.on_jax.state import State
from batchwise.training.on_jax.streamed_evaluation import StreamedEvaluator
from batchwise.training.on_jax.streaming import StreamedExamples
from batchwise.training.on_jax.update import Epoch, Updater
from batchwise.training.run_result import RunResult, Status

numpy = jax.numpy
OfRun = TypeVar("OfRun")
End = tuple[Evaluation, list[np.ndarray]]  # the last evaluation of a run, and its variables then


class Trainer:
    """Trains runs of one recipe on one data set; between them it keeps the data on the device and compiled programs."""

    def __init__(self, data: DataSet, recipe: Recipe, metric: str | None = None, weights: Path | None = None) -> None:
        """`metric` is the one that chooses, `weights` a file of what every seed starts from (initial_weights.py).

        Raise UserError as TensorFlow's trainer does.
        """
        self.recipe, self.rows, self.input_shape = recipe, data.rows["train"], data.train.inputs.shape[1:]
        self.lanes = recipe.runs_at_once
        self.task = of_recipe(recipe, data.description.task)
        row_values.check(data.description.task, self.task, len(data.class_names), recipe.variable_dtype)
        self.output_shape = self.task.output_shape(len(data.class_names), self.input_shape)
        recipe.check_inputs(self.input_shape)
        network.check_size(recipe, self.input_shape, self.output_shape)
        self.model = self.build(seed=0)
        rows = host_rows.of_data(of_seed(data, 0), self.task, recipe.class_weights)
        self.dealt, self.fold = (data if data.folds else None), 0  # the fold whose rows are on the device
        self.is_streamed = data.is_streamed
        self.examples: Examples | StreamedExamples = self._examples(rows)
        sizes = list(data.rows.values())
        self.metrics = HostMetrics(self.task.recorded(metric), sizes, rows, self.task.metric(metric).name)
        self.given = initial_weights.read(weights, self.model, recipe.model.name) if weights else {}
        self.has_convolutions, self.xla = network.has_convolutions(self.model), True
        self.optimizer = network.build_optimizer(recipe, self.model)
        self.optimizer_start = [np.asarray(variable.value) for variable in self.optimizer.variables]
        of_lanes = self.lanes * network.size(self.model)
        # In memory; of streamed data each epoch is a call.
        self.room = 1 if self.has_convolutions else calls.epochs_at_once(recipe, self.rows, of_lanes)
        self.epochs_per_call = 1 if self.is_streamed else self.room
        self.update = Updater(self.model, self.optimizer, self.task, recipe, self.rows)
        self.inputs = CallInputs(recipe, self.rows, self.epochs_per_call, has_keys=bool(self.update.asking))
        evaluator = StreamedEvaluator if self.is_streamed else Evaluator
        self.evaluate: Evaluator = evaluator(
            self.model,
            self.update.variables,
            self.metrics,
            room=self.epochs_per_call + 1,
            lanes=self.lanes,
        )
        self.programs: dict[tuple[int, int, int], Program] = {}
        self.starts: dict[int, list[np.ndarray]] = {}
        self.rehearsed = 0
        self.prefix: Prefix | None = None

    def train(self, runs: Sequence[Run]) -> list[RunResult]:
        """Return the results of runs of one batch size and one branch, or none, in their order: as many at a time as
        there are lanes. A run that diverges or has no memory is a result, not an error.
        """
        found: dict[Run, RunResult] = {}
        for together in self._together(runs):
            found |= zip(together, self._train(together), strict=True)
        return [found[run] for run in runs]

    def run(self, batch_size: int, learning_rate: float, seed: int, branch: Branch | None = None) -> RunResult:
        """Return the result of a run alone, in a program with as many lanes as always."""
        return self.train([Run(batch_size, learning_rate, seed, branch or ())])[0]

    def build(self, seed: int) -> keras.Model:
        """Return a model as it starts from a seed. Raises UserError as network.build does."""
        return network.build(self.recipe, self.input_shape, self.output_shape, seed)

    def start(self, seed: int) -> list[np.ndarray]:
        """Return the values of the model's variables at the start of a seed."""
        return network.start(self.build(seed), seed, self.given)

    def use_rows_of(self, seed: int) -> None:
        """Put the rows of a seed on the device, where seeds have rows of their own and those of another are there."""
        if self.dealt and self.fold != (fold := self._fold(seed)):
            rows = host_rows.of_data(of_seed(self.dealt, fold), self.task, self.recipe.class_weights)
            self.examples, self.fold = self._examples(rows), fold
            self.metrics.use(rows)

    def keep_start(self, seed: int, values: list[np.ndarray]) -> None:
        """Keep the values of the model's variables at the start of a seed, as `start` returns them."""
        self.starts[seed] = values

    def load(self, values: list[np.ndarray]) -> None:
        """Set the variables of the model."""
        for variable, value in zip(self.model.variables, values, strict=True):
            variable.assign(value)

    def take(self, rows: np.ndarray) -> tuple[Array, Array]:
        """Return the standardised inputs and the labels of rows of all splits, [B, …]."""
        return self.examples.take(rows)

    def input_parts(self) -> Iterable[np.ndarray]:
        """Yield the inputs of all splits, some rows at a time."""
        return self.examples.parts()

    def updated(self, rows: int, rate: float) -> list[np.ndarray]:
        """Return the variables of the model after an update of so many rows from the start of seed 0.

        It runs the Python of the model each time. XLA makes a slow program of it in a moment: one is needed once.
        """
        self.use_rows_of(0)
        drawn = numpy.zeros((self.rows, augmentation.numbers(self.recipe.augmentation)), "int32")
        order, keys = random_streams.orders(0, 0, 1, self.rows)[0], row_keys.of_epoch(0, 0, self.rows)
        rates = numpy.asarray([rate], self.recipe.variable_dtype)
        examples, epoch = self.examples, Epoch(numpy.asarray(order), drawn, numpy.asarray(keys), rates)
        if isinstance(examples, StreamedExamples):
            examples, epoch = examples.first_update(self.update, rows, epoch)
        state = self.update.variables.at_rate(jax.tree.map(lambda values: values[0], self._start([0])), epoch.rates[0])
        options = {"xla_backend_optimization_level": 0}
        update = jax.jit(partial(self.update, number=0, batch_size=rows, size=rows), compiler_options=options)
        found = update(state, examples, epoch)
        return [np.asarray(value) for value in self.update.variables.of_model_in(found)]

    def compile_evaluation(self) -> None:
        """Compile what all runs share, which the first of them would do otherwise.

        Raises UserError if the model raises an error.
        """
        with told(f"model {self.recipe.model.name} cannot be evaluated"):
            try:
                self.evaluate.compile(self.examples)
            except MAY_BE_OUT_OF_MEMORY as error:  # runs will say
                if not is_out_of_memory(error):
                    raise

    def reset(self, seed: int) -> None:
        """Use the rows of a seed, and count updates from 0: each run begins with a state of its own."""
        self.use_rows_of(seed)
        self.rehearsed = 0

    @property
    def iterations(self) -> int:
        """How many updates the optimiser has counted in rehearsals."""
        return self.rehearsed

    def rehearsal(
        self, batch_size: int, batches: int, remainder: int, *, room: int, xla: bool | None = None
    ) -> Callable[[int], None]:
        """Return what trains up to `room` epochs of all lanes, at a learning rate of 0: for measurements.

        It returns when all is computed; any m will do, rows are taken again if need be. All of JAX is XLA. Where rows
        are streamed it reads them too, and holds as many as a run does.
        """
        rows, updates = batches * batch_size + remainder, batches + bool(remainder)
        inputs = [jax.numpy.stack([value] * self.lanes) for value in self.inputs.of_rehearsal(room, rows, updates)]
        program = self._compiled(batch_size, batches, remainder, room=room)
        kept = [self._start([0] * self.lanes)]
        examples = self.examples
        read_ahead = examples.chunks(batch_size, self.lanes) if isinstance(examples, StreamedExamples) else []

        def train(epochs: int, held: list[Examples] = read_ahead) -> None:
            before = self._updates(kept[0])
            kept.append(jax.block_until_ready(program(kept.pop(), self.examples, *inputs, epochs)[0]))
            self.rehearsed += self._updates(kept[0]) - before

        return train

    def rehearse_evaluation(self) -> None:
        """Evaluate all rows once in all lanes, with weights of 0: for measurements."""
        self.evaluate(self.evaluate.no_snapshots(), self.examples, 0, 0, (0,), range(self.lanes), is_end=False)

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

    def program(self, batch_size: int, batches: int, remainder: int) -> Program:
        """Return the program of epochs of `batches` of m rows and a remainder, as many as a call has room for."""
        key = (batch_size, batches, remainder)
        if key not in self.programs:
            self.programs[key] = self._compiled(*key, room=self.room)
        return self.programs[key]

    def _compiled(self, batch_size: int, batches: int, remainder: int, *, room: int) -> Program:
        if isinstance(self.examples, StreamedExamples):
            return streaming.compiled(
                self.update, self.examples, batch_size, batches, remainder, room=room, lanes=self.lanes
            )
        return compiled(self.update, batch_size, batches, remainder, room=room)

    def _together(self, runs: Sequence[Run]) -> list[list[Run]]:
        """Return runs in groups that are trained together: of one fold, as many as there are lanes at most."""
        by_fold: dict[int, list[Run]] = {}
        for run in runs:
            by_fold.setdefault(self._fold(run.seed), []).append(run)
        return [
            group[first : first + self.lanes]
            for group in by_fold.values()
            for first in range(0, len(group), self.lanes)
        ]

    def _fold(self, seed: int) -> int:
        return seed % self.dealt.folds.count if self.dealt and self.dealt.folds else 0

    def _train(self, runs: list[Run]) -> list[RunResult]:
        """Return the results of runs that are trained together. A lane whose run has diverged goes on, and is ignored.

        Where there is no memory, there is none for any of them.
        """
        lagging = network.has_moving_averages(self.model)
        kept = self.prefix.of_branches(runs, self._padded) if self.prefix else None
        of_runs = kept.curves if kept else [Curves(lagging) for _ in runs]
        try:
            ends = self._train_lanes(runs, of_runs, kept)
        except MAY_BE_OUT_OF_MEMORY as error:
            if not is_out_of_memory(error):
                raise
            return [self._result("diverged" if one.diverged_epoch else "out_of_memory", one) for one in of_runs]
        return [
            self._result("diverged", one) if one.diverged_epoch else self._ok(runs[lane].seed, one, *ends[lane])
            for lane, one in enumerate(of_runs)
        ]

    def _train_lanes(self, runs: list[Run], of_runs: list[Curves], kept: Prefix | None) -> dict[int, End]:
        """Train runs to their end, or until all have diverged, and add what is found to their curves.

        They go on from what is kept of them. Returns what is known of those that did not diverge, by their lanes.
        """
        self.use_rows_of(runs[0].seed)
        seeds = self._padded([run.seed for run in runs])
        state = jax.tree.map(numpy.asarray, kept.state) if kept else self._start(seeds)
        m, branch, done = runs[0].effective_batch_size, runs[0].branch or None, kept.epochs if kept else 0
        ends: dict[int, End] = {}
        end = phases.of_run(self.recipe, self.rows, m, branch)[-1].end_epoch
        each = [calls.of_run(self.inputs, m, run.learning_rate, run.seed, branch, done) for run in runs]
        for of_lanes in zip(*each, strict=True):
            epoch, key, _, epochs = of_lanes[0]
            inputs = _stacked(self._padded(of_lanes))
            state, snapshots = self.program(*key)(state, self.examples, *inputs, epochs)
            first, is_end = int(epoch > 0), epoch + epochs == end  # the first call evaluates the start too
            scored = [number for number in range(first, epochs + 1) if self.recipe.scores(epoch + number, end)]
            lanes = [lane for lane, one in enumerate(of_runs) if not one.diverged_epoch]
            found = self.evaluate(snapshots, self.examples, first, epochs, scored, lanes, is_end=is_end)
            last = [np.asarray(values) for values in self.update.variables.evaluated(state)] if is_end else []
            for lane, evaluation in zip(lanes, found, strict=True):
                of_runs[lane].add(evaluation.metrics, epoch, epochs)
                ends[lane] = evaluation, [values[lane] for values in last]
            if all(one.diverged_epoch for one in of_runs):
                break
            if branch and epoch + epochs == branch.first_epoch:
                self.prefix = prefix.of_lanes(branch.first_epoch, runs, state, of_runs)
        return ends

    def _padded(self, of_runs: Sequence[OfRun]) -> list[OfRun]:
        """Return what there is of each run for all lanes: those without one do what the first does."""
        return [*of_runs, *[of_runs[0]] * (self.lanes - len(of_runs))]

    def _start(self, seeds: list[int]) -> State:
        """Return the state of lanes at the start of their seeds."""
        for seed in {*seeds} - {*self.starts}:
            self.keep_start(seed, self.start(seed))
        values = [np.stack(of_lanes) for of_lanes in zip(*(self.starts[seed] for seed in seeds), strict=True)]
        optimizer = [np.broadcast_to(value, (len(seeds), *value.shape)) for value in self.optimizer_start]
        return jax.tree.map(jax.numpy.asarray, self.update.variables.state(values, optimizer))

    def _updates(self, state: State) -> int:
        """Return how many updates the optimiser of the first lane has counted."""
        return int(state.optimizer[self.update.variables.iterations][0])

    def _examples(self, rows: host_rows.HostRows) -> Examples | StreamedExamples:
        make = StreamedExamples if self.is_streamed else device_data.of_rows
        return make(rows, self.recipe.variable_dtype, whole=network.takes_whole_numbers(self.model))

    def _has_drawn(self, seed: int, values: list[np.ndarray]) -> bool:
        """Return whether a state from which layers draw, pass after pass, is another than at the start of a seed."""
        triples = zip(self.model.variables, values, self.starts[seed], strict=True)
        return any(
            variable.name == network.RANDOM_STATE and np.any(value != start) for variable, value, start in triples
        )

    def _ok(self, seed: int, curves: Curves, end: Evaluation, values: list[np.ndarray]) -> RunResult:
        weights = dict(zip(network.variables(self.model), values, strict=True))
        result, predictions = self._result("ok", curves, weights), end.predictions.astype("float32")
        return replace(result, by_row=end.by_row, predictions=predictions, draws_by_pass=self._has_drawn(seed, values))

    def _result(self, status: Status, curves: Curves, weights: dict[str, np.ndarray] | None = None) -> RunResult:
        return curves.result(status, weights or {}, network.parameters(self.model), xla=self.xla)


def _stacked(of_lanes: list[Call]) -> list[np.ndarray]:
    """Return the inputs of a call, with an axis for the lanes: the first."""
    return [np.stack(values) for values in zip(*(call.inputs for call in of_lanes), strict=True)]
