"""Language modelling is trained: on a source of known entropy, by models of a few lines."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import special

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config.recipe import Recipe
from batchwise.data import large_arrays, task
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.prepared import metrics_on
from batchwise.data.task import Scale
from batchwise.datasets.hidden_markov import FIRST, Source, prepare
from batchwise.runtime.keras import keras
from batchwise.tasks import language_modelling
from batchwise.training import evaluation_rows, model_trial, run_cost, trained_model, trainers
from tests.differentiation import differentiated
from tests.project import of_engine
from tests.training.runs import recipe

layers = keras.layers
PLACES, SYMBOLS = 8, 3
SOURCE = Source(np.array([[1.0]]), np.array([[0.6, 0.3, 0.1]]))  # without memory: a model can know all of it
ROWS = {"train": 400, "validation": 50, "test": 200}


def part(rows: int, seed: int) -> Split:
    """Return rows of which some are shorter; a symbol is two bytes."""
    random = np.random.default_rng(seed)
    symbols = FIRST + SOURCE.draw(rows, PLACES + 1, random)
    symbols[np.arange(PLACES + 1) > random.integers(1, 2 * PLACES, rows)[:, None]] = 0
    labels = np.hstack([symbols[:, 1:], 2 * (symbols[:, 1:] > 0).sum(axis=1, keepdims=True)])
    return Split(symbols[:, :-1], labels.astype("int32"))


@pytest.fixture(scope="module")
def data() -> DataSet:
    names = ("<padding>", "<unknown>", "a", "b", "c")
    return DataSet(
        Description("made up", "language_modelling", "here", "CC0"), names, *map(part, ROWS.values(), (0, 1, 2))
    )


@pytest.fixture
def use_model(monkeypatch) -> Callable:
    """Let the engine build a model of layers between the vectors of tokens and its output."""

    def use(between: Callable, outputs: Callable = lambda hidden, tokens: layers.Dense(tokens)(hidden)) -> None:
        def build(shape, tokens, hidden_units) -> keras.Model:
            inputs = keras.Input(shape, dtype="int32")
            return keras.Model(inputs, outputs(between(layers.Embedding(tokens, 4)(inputs)), tokens))

        load = plugins.load
        module = SimpleNamespace(build=build)
        monkeypatch.setattr(plugins, "load", lambda kind, name: module if kind == "models" else load(kind, name))

    return use


def test_the_loss_tends_to_the_entropy_and_metrics_are_its_sums(data, use_model) -> None:
    use_model(lambda vectors: vectors)
    trainer = trainers.load(data, recipe("adam", budget={"epochs": 12}))
    model_trial.check(trainer)
    result, again = (trainer.run(32, 0.03, seed=0) for _ in range(2))
    assert result.status == "ok" and [*result.metrics] == ["loss", "perplexity", "bits_per_byte"]
    tokens = data.test.labels[:, :-1]
    shares = np.bincount(tokens[tokens > 0])[FIRST:] / (tokens > 0).sum()
    entropy = -(shares * np.log(shares)).sum()  # of these tokens: the best answer to them, in hindsight
    loss, perplexity, bits = (values[-1, 2] for values in result.metrics.values())
    assert entropy < np.log(perplexity) < entropy + 0.01
    assert np.log(perplexity) == pytest.approx(2 * bits * np.log(2), rel=1e-5)
    assert loss == pytest.approx(np.log(perplexity), abs=0.02) and loss != np.log(perplexity)  # rows count alike
    for name, values in result.by_row.items():
        np.testing.assert_allclose(values.mean(dtype="float64"), result.metrics[name][-1, 2], rtol=2e-4)
        assert values.tobytes() == again.by_row[name].tobytes()


@pytest.mark.usefixtures("without_xla")
def test_the_model_of_a_run_gives_logits_of_each_place(data, use_model) -> None:
    use_model(lambda vectors: vectors)
    how = recipe("adam", budget={"epochs": 1})
    result = trainers.load(data, how).run(32, 0.03, seed=0)
    logits = trained_model.build(how, data, [*result.weights.values()]).predict(data.test.inputs, verbose=0)
    assert logits.shape == (ROWS["test"], PLACES, 5)
    probabilities = special.log_softmax(logits.astype("float64"), axis=-1)
    tokens = data.test.labels[:, :-1]
    picked = np.take_along_axis(probabilities, tokens[..., None], -1)[..., 0] * (tokens > 0)
    loss = -(picked.sum(axis=1) / (tokens > 0).sum(axis=1)).mean()
    assert loss == pytest.approx(result.metrics["loss"][-1, 2], rel=1e-5)
    assert run_cost.of_model(how, data).evaluated_row > 0


def test_the_baselines_are_the_best_constant_answers(data, monkeypatch) -> None:
    labels, found = (
        data.train.labels,
        {metric.name: metric for metric in metrics_on(task.load("language_modelling"), data)},
    )

    def of_constant(shares: np.ndarray) -> dict[str, float]:
        logits = np.broadcast_to(np.log(np.append([1e-9] * FIRST, shares)), (len(labels), PLACES, 5))
        values = np.asarray(language_modelling.sums(labels, logits)).mean(axis=0)
        reduced = {name: float(metric.reduce(values)) for name, metric in named.items() if metric.reduce}
        return {"loss": float(np.mean(language_modelling.loss(labels, logits))), **reduced}

    named = {metric.name: metric for metric in task.load("language_modelling").metrics}
    tokens = labels[:, :-1]
    counts = np.stack([np.bincount(row, minlength=5)[FIRST:] for row in tokens])
    of_rows = of_constant((counts / counts.sum(axis=1, keepdims=True)).mean(axis=0))
    of_tokens = of_constant(counts.sum(axis=0) / counts.sum())
    assert found["loss"].baseline == pytest.approx(of_rows["loss"]) and of_rows["loss"] < of_tokens["loss"]
    assert found["perplexity"].baseline == pytest.approx(of_tokens["perplexity"])
    assert found["bits_per_byte"].baseline == pytest.approx(of_tokens["bits_per_byte"])
    monkeypatch.setattr(large_arrays, "CHUNK_BYTES", 100)
    again = {metric.name: metric.baseline for metric in metrics_on(task.load("language_modelling"), data)}
    assert again == pytest.approx({name: metric.baseline for name, metric in found.items()})


def test_large_logits_and_rows_without_tokens_are_no_nan() -> None:
    labels = np.array([[2, 0, 1], [0, 0, 1]], "int32")
    logits = np.full((2, 2, 4), -3e4, "float32")
    logits[:, :, 2] = 3e4

    def total(logits: Any) -> tuple[Any, Any]:
        loss = language_modelling.loss(keras.ops.convert_to_tensor(labels), logits)
        return keras.ops.sum(loss), loss

    (_, loss), [gradient] = differentiated(total, [logits])
    np.testing.assert_array_equal(loss, [0, 0])
    assert np.isfinite(gradient).all()
    assert np.asarray(language_modelling.loss(labels, -logits)) == pytest.approx([6e4 + np.log(3), 0])


SEES_AHEAD = {
    "both directions": lambda vectors: layers.Bidirectional(layers.LSTM(3, return_sequences=True))(vectors),
    "attention to all": lambda vectors: layers.MultiHeadAttention(2, 2)(vectors, vectors),
    "a convolution": lambda vectors: layers.Conv1D(4, 3, padding="same")(vectors),
    "a mean": lambda vectors: vectors + layers.Reshape((1, 4))(layers.GlobalAveragePooling1D()(vectors)),
}
RIGHT = {
    "recurrent": lambda vectors: layers.GRU(3, return_sequences=True)(vectors),
    "causal attention": lambda vectors: layers.MultiHeadAttention(2, 2)(vectors, vectors, use_causal_mask=True),
    "a causal convolution": lambda vectors: layers.Conv1D(4, 3, padding="causal")(vectors),
}


@pytest.mark.parametrize("between", SEES_AHEAD.values(), ids=SEES_AHEAD)
def test_a_model_that_sees_later_tokens_is_refused(between, data, use_model) -> None:
    use_model(between)
    with pytest.raises(UserError, match="outputs of model mlp at a place of a row depend on tokens after it"):
        model_trial.check(trainers.load(data, recipe()))


@pytest.mark.parametrize("between", RIGHT.values(), ids=RIGHT)
def test_a_model_that_sees_earlier_tokens_is_not(between, data, use_model) -> None:
    use_model(between)
    model_trial.check(trainers.load(data, recipe()))


def test_a_model_of_one_output_a_row_is_refused(data, use_model) -> None:
    use_model(layers.GlobalAveragePooling1D())
    with pytest.raises(UserError) as error:
        trainers.load(data, recipe())
    assert str(error.value).endswith(
        "the output shape of model mlp is (None, 5); it must be (None, 8, 5), as its argument outputs=5 says, at each "
        "of the 8 places of a row, whose next token it is to predict"
    )


@pytest.mark.usefixtures("without_xla")
def test_so_few_rows_are_evaluated_together_that_their_outputs_fit(data, use_model, monkeypatch) -> None:
    use_model(lambda vectors: vectors)
    whole = trainers.load(data, recipe(dtype="float64", budget={"epochs": 1}))
    assert whole.evaluate.batch_rows == evaluation_rows.EVALUATION_IMAGES
    monkeypatch.setattr(evaluation_rows, "VALUES", 7 * PLACES * 5 * whole.recipe.runs_at_once)
    pieces = trainers.load(data, recipe(dtype="float64", budget={"epochs": 1}))
    assert pieces.evaluate.batch_rows == 7
    found = [trainer.run(32, 0.1, 0).metrics["perplexity"] for trainer in (whole, pieces)]
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_attention_counts_with_a_score_for_each_pair_of_places(data, use_model) -> None:
    use_model(lambda vectors: layers.MultiHeadAttention(2, 2)(vectors, vectors, use_causal_mask=True))
    assert evaluation_rows.values_of_row(trainers.load(data, recipe()).model) == 2 * PLACES * PLACES


@pytest.mark.parametrize(("layer", "gates"), [(layers.LSTM, 4), (layers.GRU, 3)])
def test_a_recurrent_layer_counts_with_the_gates_of_each_place(layer, gates, data, use_model) -> None:
    use_model(lambda vectors: layer(3, return_sequences=True)(vectors))
    assert evaluation_rows.values_of_row(trainers.load(data, recipe()).model) == PLACES * gates * 3


def test_values_of_rows_are_linearised_about_their_mean() -> None:
    """The spread of the mean perplexity over samples of rows is that of their values."""
    random, metric = np.random.default_rng(0), task.load("language_modelling").metric("perplexity")
    tokens = random.integers(5, 20, 3000)
    values = np.stack([tokens * random.normal(2, 0.3, 3000), tokens, 2 * tokens], 1)
    samples = [values[random.integers(3000, size=3000)].mean(axis=0) for _ in range(400)]
    spread = np.std([metric.of_means(sample, Scale()) for sample in samples])
    assert metric.by_row(values, Scale()).std() / np.sqrt(3000) == pytest.approx(spread, rel=0.15)


# The models that are here

MODELS = {
    "language_model": {"embedding_units": 8, "units": 16},
    "gpt_small": {"units": 8, "layers": 1, "heads": 2},
}


def of_model(name: str, epochs: int) -> Recipe:
    how = {"model": {"name": name, **MODELS[name]}, "optimizer": {"name": "adam"}, "budget": {"epochs": epochs}}
    return Recipe.model_validate(how | of_engine(lanes=1))


@pytest.mark.parametrize("name", MODELS)
def test_the_models_of_language_pass(name, data) -> None:
    model_trial.check(trainers.load(data, of_model(name, 1)))


@pytest.mark.usefixtures("without_xla")
def test_a_recurrent_model_comes_near_the_loss_of_the_source_from_above() -> None:
    sizes = {"train_rows": 1500, "validation_rows": 0, "test_rows": 500, "max_tokens": 16}
    data = prepare(states=4, symbols=8, **sizes, seed=0)
    source = float(data.description.title.split()[-2])
    loss = trainers.load(data, of_model("language_model", 4)).run(32, 0.015, seed=0).metrics["loss"][-1, 2]
    assert source - 0.002 < loss < source + 0.02
    assert loss < of_token_before(data) - 0.04  # so it remembers more than one token


def of_token_before(data: DataSet) -> float:
    """Return the test loss of the shares of the tokens that follow each token in training."""
    follows = np.full((len(data.class_names),) * 2, 0.5)
    np.add.at(follows, (data.train.inputs, data.train.labels[:, :-1]), 1)
    shares = follows / follows.sum(axis=1, keepdims=True)
    return float(-np.log(shares[data.test.inputs, data.test.labels[:, :-1]]).mean())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", [0.0, 1e4, np.inf, np.nan])
def test_rows_without_tokens_and_of_diverged_weights_warn_of_nothing(loss: float) -> None:
    """No tokens are those of an evaluation that is compiled and evaluates nothing."""
    values = np.array([[loss, 0.0, 0.0]] * 3)  # of a row, its tokens and its bytes
    for metric in (one for one in task.load("language_modelling").metrics if one.reduce):
        assert not np.isfinite(metric.by_row(values, Scale())).any()
