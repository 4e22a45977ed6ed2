"""The networks for texts are those of the papers: their weights, and their outputs, which NumPy computes again."""

from typing import Any

import numpy as np
import pytest

from batchwise.common import plugins
from batchwise.models._dropout import RowDropout
from batchwise.runtime.keras import keras
from batchwise.training import network, row_keys
from tests.differentiation import computed, differentiated
from tests.models.test_models import count
from tests.models.test_normalization import policy

ops = keras.ops
TOLERANCE = 1e-12  # of float64, relative to the largest entry
VOCABULARY, TOKENS, OUTPUTS = 11, 6, 3
# Their options, and those of one that has all there is.
SMALL = {
    "bag_of_embeddings": {"vocabulary": VOCABULARY, "embedding_units": 4},
    "lstm": {"vocabulary": VOCABULARY, "embedding_units": 4, "units": 5},
    "gru": {"vocabulary": VOCABULARY, "embedding_units": 4, "units": 5},
    "text_cnn": {"vocabulary": VOCABULARY, "embedding_units": 4, "channels": 2},
    "text_transformer": {"vocabulary": VOCABULARY, "units": 8, "layers": 2, "heads": 2},
    "language_model": {"embedding_units": 4, "units": 5},
    "gpt_small": {"units": 8, "layers": 2, "heads": 2},
}
DEEP = {"layers": 2, "bidirectional": True}
CASES = [*SMALL.items(), ("lstm", SMALL["lstm"] | DEEP), ("gru", SMALL["gru"] | DEEP)]
IDS = [*SMALL, "deep lstm", "deep gru"]
of_each = pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
TELL_THE_NEXT = ("language_model", "gpt_small")


def build(name: str, options: dict, tokens: int = TOKENS) -> keras.Model:
    outputs = VOCABULARY if name in TELL_THE_NEXT else OUTPUTS
    return plugins.load("models", name).build((tokens,), outputs, **options)


def a_model(name: str, options: dict) -> keras.Model:
    """Return a model in float64 whose weights are all of some size, biases and scales too."""
    random = np.random.default_rng(0)
    with policy("float64"):
        model = build(name, options | {"dropout": 0.0})
    for variable in model.trainable_variables:
        variable.assign(0.5 * random.normal(size=variable.shape) + (variable.name == "gamma"))
    return model


def texts(tokens: int = TOKENS) -> np.ndarray:
    """Return texts of every length, from all tokens down to none, padded on the right."""
    found = np.random.default_rng(1).integers(1, VOCABULARY, (TOKENS + 1, tokens)).astype("int32")
    found[np.arange(tokens) >= TOKENS - np.arange(TOKENS + 1)[:, None]] = 0
    return found


def weights_of(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in model.trainable_variables]


# Weights


def lstm_weights(inputs: int, units: int) -> int:
    """Four gates, each with a kernel of inputs and of states, and a bias (Gers et al. 2000)."""
    return 4 * units * (inputs + units + 1)


def gru_weights(inputs: int, units: int) -> int:
    """Three gates with two biases each, as in cuDNN (its documentation of CUDNN_GRU)."""
    return 3 * units * (inputs + units + 2)


def block_weights(units: int) -> int:
    """12 u² in kernels: 4 of attention, 8 inside; 9 u in their biases, 4 u in two normalisations."""
    return 12 * units**2 + 13 * units


@pytest.mark.parametrize(
    ("name", "options", "outputs", "pinned", "expected"),
    [
        ("bag_of_embeddings", {"embedding_units": 64}, 1, 1_280_065, 20_000 * 64 + 65),
        ("lstm", {"embedding_units": 64, "units": 64}, 1, 1_313_089, 20_000 * 64 + lstm_weights(64, 64) + 65),
        (
            "lstm",
            {"embedding_units": 128, "units": 64, **DEEP},
            1,
            2_757_761,
            20_000 * 128 + 2 * lstm_weights(128, 64) + 2 * lstm_weights(128, 64) + 129,
        ),
        ("gru", {"embedding_units": 64, "units": 64}, 1, 1_305_025, 20_000 * 64 + gru_weights(64, 64) + 65),
        (  # Kim 2014, section 3.1, with the 300 units of its vectors
            "text_cnn",
            {},
            2,
            6_360_902,
            20_000 * 300 + sum(size * 300 * 100 + 100 for size in (3, 4, 5)) + 300 * 2 + 2,
        ),
        (
            "text_transformer",
            {"units": 64, "layers": 2, "heads": 4},
            2,
            1_383_426,
            (20_000 + 50) * 64 + 2 * block_weights(64) + 2 * 64 + 130,
        ),
    ],
)
def test_numbers_of_weights(name, options, outputs, pinned, expected) -> None:
    model = plugins.load("models", name).build((50,), outputs, vocabulary=20_000, **options)
    assert count(model) == pinned == expected


def test_numbers_of_weights_of_language_models() -> None:
    model = plugins.load("models", "language_model").build((64,), 70, embedding_units=32, units=64)
    assert count(model) == 70 * 32 + lstm_weights(32, 64) + 65 * 70 == 31_622
    with keras.StatelessScope(initialize_variables=False):  # the weights are not made
        model = plugins.load("models", "gpt_small").build((1024,), 50257, units=768, layers=12, heads=12)
        # The sum of the shapes of OpenAI's released "124M" (gpt-2, model.py), 117M in the paper's table 2.
        assert count(model) == 124_439_808 == (50257 + 1024) * 768 + 12 * block_weights(768) + 2 * 768


# Outputs, by NumPy


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def lstm_step(x, state, carry, kernel, recurrent, bias) -> tuple[np.ndarray, np.ndarray]:
    """Gers et al. 2000; the gates in the order in which Keras holds them: input, forget, cell, output."""
    enters, forgets, cell, shows = np.split(x @ kernel + state @ recurrent + bias, 4, axis=-1)
    carry = sigmoid(forgets) * carry + sigmoid(enters) * np.tanh(cell)
    return sigmoid(shows) * np.tanh(carry), carry


def gru_step(x, state, carry, kernel, recurrent, biases) -> tuple[np.ndarray, np.ndarray]:
    """Cho et al. 2014, equations 5–8, with the reset gate after the product; in the order update, reset, new."""
    of_inputs, of_states = (
        np.split(values, 3, axis=-1) for values in (x @ kernel + biases[0], state @ recurrent + biases[1])
    )
    update, reset = (sigmoid(one + other) for one, other in zip(of_inputs[:2], of_states[:2], strict=True))
    new = np.tanh(of_inputs[2] + reset * of_states[2])
    return update * state + (1 - update) * new, carry


def recurrent_states(step, vectors: np.ndarray, cell: list[np.ndarray]) -> np.ndarray:
    """Return the state at the start and after each token of one text, [1 + length, units]."""
    states, carry = [np.zeros(cell[1].shape[0])], np.zeros(cell[1].shape[0])
    for vector in vectors:
        state, carry = step(vector, states[-1], carry, *cell)
        states.append(state)
    return np.array(states)


def recurrent_by_numpy(step, weights: list[np.ndarray], text: np.ndarray, ways: int) -> np.ndarray:
    table, *cells, kernel, bias = weights
    hidden = table[text]
    for start in range(0, len(cells), 3 * ways):
        found = [recurrent_states(step, hidden, cells[start : start + 3])]
        if ways == 2:
            found.append(recurrent_states(step, hidden[::-1], cells[start + 3 : start + 6]))
        hidden = np.concatenate([states[1:][:: 1 - 2 * way] for way, states in enumerate(found)], axis=1)
    return np.concatenate([states[-1] for states in found]) @ kernel + bias


def bag_by_numpy(weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    table, kernel, bias = weights
    return (table[text].mean(0) if len(text) else np.zeros(len(kernel))) @ kernel + bias


def cnn_by_numpy(weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    table, *convolutions, kernel, bias = weights
    largest = []
    for filters, offset in zip(convolutions[::2], convolutions[1::2], strict=True):
        size = len(filters)
        padded = np.pad(table[text], (((size - 1) // 2, size // 2), (0, 0)))
        maps = [np.tensordot(padded[at : at + size], filters, 2) + offset for at in range(len(text))]
        largest.append(np.max([np.zeros(len(offset)), *maps], axis=0))
    return np.concatenate(largest) @ kernel + bias


def normalised(hidden: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    centred = hidden - hidden.mean(-1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) + beta


def gelu(values: np.ndarray) -> np.ndarray:
    """Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2, by tanh."""
    return values / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (values + 0.044715 * values**3)))


def block_by_numpy(hidden: np.ndarray, weights: list[np.ndarray], heads: int, causal: bool) -> np.ndarray:
    """Radford et al. 2019, section 2.3, of one text [length, units], head by head."""
    gamma, beta, to_three, bias, to_one, bias_of_one, *inner = weights
    query, key, value = (
        np.split(part, heads, axis=-1) for part in np.split(normalised(hidden, gamma, beta) @ to_three + bias, 3, -1)
    )
    found = []
    for q, k, v in zip(query, key, value, strict=True):
        scores = q @ k.T / np.sqrt(q.shape[-1])
        if causal:
            scores[np.triu_indices(len(scores), 1)] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        found.append(shares / shares.sum(-1, keepdims=True) @ v)
    hidden = hidden + np.concatenate(found, -1) @ to_one + bias_of_one
    gamma, beta, to_inside, bias, back, bias_of_back = inner
    return hidden + gelu(normalised(hidden, gamma, beta) @ to_inside + bias) @ back + bias_of_back


def transformer_by_numpy(weights: list[np.ndarray], text: np.ndarray, causal: bool) -> np.ndarray:
    """Return the last hidden values, [length, units]; `weights` are up to those of the last normalisation."""
    table, positions, *blocks, gamma, beta = weights
    hidden = table[text] + positions[: len(text)]
    for start in range(0, len(blocks), 12):
        hidden = block_by_numpy(hidden, blocks[start : start + 12], heads=2, causal=causal)
    return normalised(hidden, gamma, beta)


def encoder_by_numpy(weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    *inner, kernel, bias = weights
    mean = transformer_by_numpy(inner, text, causal=False).mean(0) if len(text) else np.zeros(len(kernel))
    return mean @ kernel + bias


def gpt_by_numpy(weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    return transformer_by_numpy(weights, text, causal=True) @ weights[0].T if len(text) else np.zeros((0, VOCABULARY))


def language_model_by_numpy(weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    table, *cell, kernel, bias = weights
    return recurrent_states(lstm_step, table[text], cell)[1:] @ kernel + bias


def by_numpy(name: str, options: dict, weights: list[np.ndarray], text: np.ndarray) -> np.ndarray:
    """Return the outputs for the tokens of one text, without its padding; of one that tells the next, at each token."""
    if name in ("lstm", "gru"):
        step = lstm_step if name == "lstm" else gru_step
        return recurrent_by_numpy(step, weights, text, ways=1 + options.get("bidirectional", False))
    functions = {
        "bag_of_embeddings": bag_by_numpy,
        "text_cnn": cnn_by_numpy,
        "text_transformer": encoder_by_numpy,
        "language_model": language_model_by_numpy,
        "gpt_small": gpt_by_numpy,
    }
    return functions[name](weights, text)


@of_each
def test_outputs_are_those_of_numpy_for_the_tokens_alone(name, options) -> None:
    model, inputs = a_model(name, options), texts()
    outputs = np.asarray(computed(model, inputs))
    expected = [by_numpy(name, options, weights_of(model), text[text > 0]) for text in inputs]
    scale = max(np.abs(each).max() for each in expected if each.size)
    for found, each in zip(outputs, expected, strict=True):
        found = found[: len(each)] if name in TELL_THE_NEXT else found
        np.testing.assert_allclose(found, each, rtol=0, atol=TOLERANCE * scale)


@of_each
def test_padding_has_no_outputs_and_no_gradient_of_its_own(name, options) -> None:
    """Nor does more of it change those of the tokens; a text without tokens has finite ones."""
    model, inputs = a_model(name, options), texts()
    with policy("float64"):
        longer = build(name, options | {"dropout": 0.0}, TOKENS + 3)
    for variable, other in zip(longer.variables, model.variables, strict=True):
        value = np.ones(variable.shape)  # of positions that there are in the longer one alone
        value[tuple(map(slice, other.shape))] = other
        variable.assign(value)
    found = [outputs_and_gradients(each, inputs, name) for each in (model, longer)]
    for one, other in zip(*found, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other[tuple(map(slice, one.shape))], one, rtol=0, atol=1e-12 * np.abs(one).max())
    if name not in TELL_THE_NEXT or name == "language_model":  # the tied table of gpt_small has outputs for padding
        assert np.flatnonzero(found[0][1].any(axis=1)).tolist() == np.unique(inputs)[1:].tolist()


def outputs_and_gradients(model: keras.Model, inputs: np.ndarray, name: str) -> list[np.ndarray]:
    """Return the outputs that count, and the gradients of a sum of their squares."""
    inputs = np.pad(inputs, ((0, 0), (0, model.input_shape[1] - inputs.shape[1])))

    def squares() -> tuple[Any, Any]:
        outputs = model(inputs, training=True)
        if name in TELL_THE_NEXT:
            outputs *= (inputs > 0)[..., None]
        return ops.sum(outputs**2), outputs

    (_, outputs), gradients = differentiated(squares, variables=model.trainable_variables)
    return [np.array(value) for value in (outputs, *gradients)]


@pytest.mark.parametrize("name", TELL_THE_NEXT)
def test_no_token_sees_those_after_it(name) -> None:
    model, inputs = a_model(name, SMALL[name]), texts()
    before = np.asarray(computed(model, inputs))
    inputs[:, 3:] = 1 + inputs[:, 3:] % (VOCABULARY - 1)
    after = np.asarray(computed(model, inputs))
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).any((1, 2)).all()


# How they start, are computed, and drop


@of_each
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float64"])
def test_they_compute_in_each_type(name, options, dtype) -> None:
    found = pass_in_training(a_dropping_model(name, options, dtype))
    for value in found:
        assert value.dtype == ("float64" if dtype == "float64" else "float32") and np.isfinite(value).all()


@pytest.mark.parametrize("name", ["lstm", "gpt_small"])
def test_xla_computes_the_same(name) -> None:
    model = a_dropping_model(name, SMALL[name], "float32")
    for one, other in zip(pass_in_training(model), pass_in_training(model, xla=True), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * np.abs(one).max())


def a_dropping_model(name: str, options: dict, dtype: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    with policy(dtype):
        return build(name, options | {"dropout": 0.5})


def pass_in_training(model: keras.Model, **of_program: bool) -> list[np.ndarray]:
    """Return the outputs, and the gradients of the sum of their squares."""

    def squares() -> tuple[Any, Any]:
        with row_keys.given(row_keys.layers(model), row_keys.of_epoch(0, 0, TOKENS + 1)):
            outputs = network.outputs_of(model, texts(), training=True)
        return ops.sum(ops.square(outputs)), outputs

    (_, outputs), gradients = differentiated(squares, variables=model.trainable_variables, **of_program)
    return [np.asarray(value) for value in (outputs, *gradients)]


@pytest.mark.parametrize(
    ("name", "options", "layers"),
    [
        ("bag_of_embeddings", {}, 1),
        ("lstm", {}, 2),
        ("gru", DEEP, 3),
        ("language_model", {"layers": 3}, 4),
        ("text_transformer", {}, 5),
        ("gpt_small", {"layers": 1}, 3),
    ],
)
def test_where_they_drop(name, options, layers) -> None:
    for rate in (0.0, 0.25):
        model = build(name, SMALL[name] | options | {"dropout": rate})
        rates = [layer.rate for layer in model.layers if isinstance(layer, RowDropout)]
        assert rates == [rate] * layers * bool(rate)


def test_text_cnn_drops_half_as_the_paper_does() -> None:
    model = build("text_cnn", {"vocabulary": VOCABULARY})
    assert [layer.rate for layer in model.layers if isinstance(layer, RowDropout)] == [0.5]


def test_gpt_small_starts_as_the_released_code_does() -> None:
    """Standard deviations within five standard errors of a sample of that size; biases 0."""
    keras.utils.set_random_seed(0)
    model = build("gpt_small", {"units": 32, "layers": 8, "heads": 4})
    for variable in model.trainable_variables:
        values = variable.numpy()
        if variable.name in ("gamma", "bias", "beta"):
            assert (values == (variable.name == "gamma")).all()
        else:
            to_stream = variable.shape in ((32, 32), (128, 32))
            assert values.std() == pytest.approx(0.02 / (4 if to_stream else 1), rel=5 / np.sqrt(2 * values.size))


@pytest.mark.parametrize(
    ("name", "shape", "options", "words"),
    [
        *((name, (4, 4, 1), {}, "it must be (tokens,): texts as whole numbers") for name in SMALL),
        *(
            (name, (TOKENS,), {"dropout": 1.0}, "dropout is 1.0; it must be 0 or more, and less than 1")
            for name in SMALL
        ),
        *(
            (name, (TOKENS,), {"heads": 3}, "units are 8, which is no multiple of heads, 3")
            for name in ("text_transformer", "gpt_small")
        ),
    ],
)
def test_what_cannot_be_built_says_why(name, shape, options, words) -> None:
    with pytest.raises(ValueError) as error:
        plugins.load("models", name).build(shape, OUTPUTS, **SMALL[name] | options)
    assert words in str(error.value)
