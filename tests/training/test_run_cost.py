"""What a model multiplies for a row, counted by hand: of texts the kernels at each token, and pairs of tokens."""

import pytest

from batchwise.common import plugins
from batchwise.runtime.keras import keras
from batchwise.training.run_cost import multiply_adds

T, V, D, U = 50, 1000, 16, 8  # tokens, vocabulary, units of a table, units
BLOCKS = 2 * (
    12 * T * D**2 + 2 * T**2 * D
)  # of attention's kernels 4 D², of the others 8 D²; queries · keys, shares · values


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("bag_of_embeddings", {"vocabulary": V, "embedding_units": D}, D * 3),
        ("lstm", {"vocabulary": V, "embedding_units": D, "units": U}, 4 * T * (D * U + U**2) + U * 3),
        (
            "gru",
            {"vocabulary": V, "embedding_units": D, "units": U, "layers": 2, "bidirectional": True},
            2 * 3 * T * (D * U + U**2) + 2 * 3 * T * (2 * U * U + U**2) + 2 * U * 3,
        ),
        ("text_cnn", {"vocabulary": V, "embedding_units": D, "channels": 4}, T * (3 + 4 + 5) * D * 4 + 12 * 3),
        ("text_transformer", {"vocabulary": V, "units": D, "layers": 2, "heads": 4}, BLOCKS + D * 3),
        ("language_model", {"embedding_units": D, "units": U}, 4 * T * (D * U + U**2) + T * U * 3),
        ("gpt_small", {"units": D, "layers": 2, "heads": 4}, BLOCKS + T * D * 3),
    ],
)
def test_models_of_texts(name, options, expected) -> None:
    assert multiply_adds(plugins.load("models", name).build((T,), 3, **options)) == expected


def test_attention_of_keras() -> None:
    layers, inputs = keras.layers, keras.Input((T, D))
    model = keras.Model(inputs, layers.MultiHeadAttention(2, D // 2)(inputs, inputs))
    assert multiply_adds(model) == 4 * T * D**2 + 2 * T**2 * D
