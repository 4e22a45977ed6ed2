"""Synthetic: articles of a hidden Markov source, of which the lowest loss that a model can have is known."""

from dataclasses import dataclass, replace

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import Seed
from batchwise.data import large_arrays
from batchwise.data.dataset import DataSet, Description, Split

DESCRIPTION = Description(
    title="Articles of a hidden Markov source (synthetic)",
    task="language_modelling",
    source="drawn by batchwise/datasets/hidden_markov.py; Rabiner 1989, A Tutorial on Hidden Markov Models",
    licence="none needed: made of random numbers",
)
FIRST = 2  # id of the first symbol, after padding and the unknown token
# A state, a topic say, lasts for five tokens on average, is followed by few others, and has few symbols: so a token
# says much of the next one, and several before it say more (with 16 states and 64 symbols: 3.8 nats a token without
# any, 3.4 of one, 3.1 of all).
STAYS, SPREAD_OF_STATES, SPREAD_OF_SYMBOLS = 0.8, 0.2, 0.1
MAX_TOKENS, MAX_SYMBOLS = 10**9, 2**14
ROWS = 2**10  # that are drawn at a time


@dataclass(frozen=True)
class Source:
    """A hidden Markov source: `transitions` [states, states] and `emissions` [states, symbols] are probabilities."""

    transitions: np.ndarray
    emissions: np.ndarray

    @property
    def start(self) -> np.ndarray:
        """The stationary distribution of the states, [states], from which an article starts."""
        states = len(self.transitions)
        equations = np.vstack([self.transitions.T - np.eye(states), np.ones(states)])
        return np.linalg.lstsq(equations, np.append(np.zeros(states), 1), rcond=None)[0].clip(0)

    def draw(self, rows: int, length: int, random: np.random.Generator) -> np.ndarray:
        """Return symbols from 0 up, [rows, length] int32."""
        drawn = np.empty((length, rows), "int32")
        states = _drawn(self.start[None], np.zeros(rows, "int64"), random)
        for place in range(length):
            drawn[place] = _drawn(self.emissions, states, random)
            states = _drawn(self.transitions, states, random)
        return drawn.T

    def cross_entropy(self, symbols: np.ndarray) -> np.ndarray:
        """Return −log p(symbol | those before it) of symbols [rows, length], nats, of the same shape.

        That is the best that can be known, by the forward algorithm (Rabiner 1989, section III A).
        """
        found = np.empty(symbols.shape)
        before = np.tile(self.start, (len(symbols), 1))  # p(state | symbols before), [rows, states]
        for place in range(symbols.shape[1]):
            joint = before * self.emissions[:, symbols[:, place]].T
            probability = joint.sum(axis=1)
            found[:, place] = -np.log(probability)
            before = joint / probability[:, None] @ self.transitions
        return found


def prepare(
    *,
    train_rows: PositiveInt,
    validation_rows: NonNegativeInt,
    test_rows: PositiveInt,
    max_tokens: PositiveInt,
    states: PositiveInt,
    symbols: PositiveInt,
    seed: Seed,
) -> DataSet:
    """Return articles of `max_tokens` + 1 symbols, a row each, and of each token the next one; a symbol is one byte.

    The title says the loss of the source itself on the test rows, nats a token: what a model can tend to, and not fall
    below but by chance. The rows of a part are the first of those of a larger one. Raises UserError for fewer than two
    symbols, or for more tokens than MAX_TOKENS.
    """
    if not 2 <= symbols <= MAX_SYMBOLS:
        raise UserError(f"symbols is {symbols}; 2 to {MAX_SYMBOLS:,} are allowed")
    tokens = (train_rows + validation_rows + test_rows) * max_tokens
    if tokens > MAX_TOKENS:
        raise UserError(f"all rows × max_tokens are {tokens:,} tokens; at most {MAX_TOKENS:,} are allowed")
    source = _source(states, symbols, np.random.default_rng([seed, 0]))
    sizes = train_rows, validation_rows, test_rows
    train, validation, test = (_part(source, rows, max_tokens, [seed, part]) for part, rows in enumerate(sizes, 1))
    title = (
        f"{DESCRIPTION.title}: {states} states, {symbols} symbols; its own loss on the test rows is "
        f"{_loss(source, test):.4f} nats"
    )
    names = "<padding>", "<unknown>", *(f"s{symbol}" for symbol in range(symbols))
    return DataSet(replace(DESCRIPTION, title=title), names, train, validation, test)


def _source(states: int, symbols: int, random: np.random.Generator) -> Source:
    others = random.dirichlet(np.full(states, SPREAD_OF_STATES), states)
    emissions = random.dirichlet(np.full(symbols, SPREAD_OF_SYMBOLS), states)
    return Source(STAYS * np.eye(states) + (1 - STAYS) * others, emissions)


def _part(source: Source, rows: int, places: int, seed: list[int]) -> Split:
    """Return rows that are drawn some at a time, each time from a stream of their own."""
    dtype = "uint16" if max(len(source.emissions[0]) + FIRST, places) < 2**16 else "int32"
    inputs, labels = (large_arrays.new((rows, columns), dtype) for columns in (places, places + 1))
    labels[:, -1] = places  # bytes
    for first in range(0, rows, ROWS):
        drawn = FIRST + source.draw(ROWS, places + 1, np.random.default_rng([*seed, first]))[: rows - first]
        inputs[first : first + ROWS], labels[first : first + ROWS, :-1] = drawn[:, :-1], drawn[:, 1:]
    return Split(inputs, labels)


def _loss(source: Source, part: Split) -> float:
    """Return the mean cross-entropy of the tokens that are to be predicted, of the source itself."""
    sums = 0.0
    for first in range(0, len(part.inputs), ROWS):
        inputs, labels = (values[first : first + ROWS].astype("int32") for values in (part.inputs, part.labels))
        sums += source.cross_entropy(np.hstack([inputs[:, :1], labels[:, :-1]]) - FIRST)[:, 1:].sum()
    return float(sums) / part.inputs.size


def _drawn(probabilities: np.ndarray, given: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a number for each of `given` [rows], drawn with the probabilities [·, numbers] of its line."""
    lines, numbers = probabilities.shape
    limits = probabilities.cumsum(axis=1)
    limits /= limits[:, -1:]
    ascending = (limits + np.arange(lines)[:, None]).ravel()  # of all lines, one after the other
    places = np.searchsorted(ascending, given + random.random(len(given)), side="right")
    return np.minimum(places - given * numbers, numbers - 1)
