"""The hidden Markov source: its loss against the sum over all texts, what is drawn against its probabilities."""

from itertools import pairwise, product

import numpy as np
import pytest

from batchwise.common.errors import UserError
from batchwise.datasets import hidden_markov
from batchwise.datasets.hidden_markov import FIRST, Source, prepare

SIZES = {"train_rows": 3000, "validation_rows": 100, "test_rows": 1500, "max_tokens": 12, "seed": 3}


def small() -> Source:
    return Source(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.6, 0.3, 0.1], [0.05, 0.15, 0.8]]))


def probability(source: Source, text: tuple[int, ...]) -> float:
    """Return the probability of a text: the sum over all paths of states."""
    total = 0.0
    for path in product(range(len(source.transitions)), repeat=len(text)):
        moves = np.prod([source.transitions[pair] for pair in pairwise(path)])
        total += (
            source.start[path[0]] * moves * np.prod([source.emissions[pair] for pair in zip(path, text, strict=True)])
        )
    return total


def test_the_start_is_stationary() -> None:
    np.testing.assert_allclose(small().start, [0.75, 0.25], rtol=1e-12)


def test_the_cross_entropy_of_all_texts_is_that_of_their_probabilities_and_of_drawn_ones_near_it() -> None:
    source, length = small(), 5
    texts = [*product(range(3), repeat=length)]
    probabilities = np.array([probability(source, text) for text in texts])
    found = source.cross_entropy(np.array(texts))
    assert probabilities.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.sum(axis=1), -np.log(probabilities), rtol=1e-12)
    entropy = (probabilities[:, None] * found).sum(axis=0)  # of each place, given those before it
    assert (np.diff(entropy) < 0).all()
    drawn = source.cross_entropy(source.draw(20_000, length, np.random.default_rng(0)))
    errors = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (abs(drawn.mean(axis=0) - entropy) < 4 * errors).all()


def test_a_source_without_memory_has_the_entropy_of_its_symbols() -> None:
    shares = np.array([0.5, 0.25, 0.25])
    source = Source(np.full((2, 2), 0.5), np.stack([shares, shares]))
    drawn = source.draw(4000, 5, np.random.default_rng(1))
    np.testing.assert_allclose(np.bincount(drawn.ravel()) / drawn.size, shares, atol=0.02)
    np.testing.assert_allclose(source.cross_entropy(drawn), -np.log(shares[drawn]), rtol=1e-12)


def test_labels_are_the_next_symbols_and_the_title_says_the_loss_of_the_source() -> None:
    data = prepare(states=3, symbols=7, **SIZES)
    assert data.class_names[:3] == ("<padding>", "<unknown>", "s0") and len(data.class_names) == 9
    for part in (data.train, data.validation, data.test):
        np.testing.assert_array_equal(part.inputs[:, 1:], part.labels[:, :-2])
        assert part.inputs.min() >= FIRST and (part.labels[:, -1] == 12).all()
    loss = float(data.description.title.split()[-2])
    unigram = np.bincount(data.train.inputs.ravel())[FIRST:] / data.train.inputs.size
    assert 0 < loss < -(unigram * np.log(unigram)).sum()


def test_fewer_rows_are_the_first_of_more() -> None:
    all_rows = prepare(states=3, symbols=7, **SIZES)
    fewer = prepare(states=3, symbols=7, **SIZES | {"train_rows": 1100, "validation_rows": 0})
    np.testing.assert_array_equal(fewer.train.inputs, all_rows.train.inputs[:1100])
    np.testing.assert_array_equal(fewer.test.labels, all_rows.test.labels)
    other = prepare(states=3, symbols=7, **SIZES | {"seed": 4})
    assert other.description.title != all_rows.description.title
    assert not np.array_equal(other.train.inputs, all_rows.train.inputs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"symbols": 1}, "symbols is 1; 2 to 16,384 are allowed"),
        ({"max_tokens": 10**6}, "all rows × max_tokens are 4,600,000,000 tokens; at most 1,000,000,000 are allowed"),
    ],
)
def test_what_is_refused(options, said) -> None:
    with pytest.raises(UserError) as error:
        hidden_markov.prepare(**{"states": 3, "symbols": 7, **SIZES} | options)
    assert str(error.value) == said
