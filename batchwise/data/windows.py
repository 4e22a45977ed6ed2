"""Documents become rows of a model of language: windows of T tokens, and of each token the next one.

The windows of a document follow each other, so that each of its tokens but the first is predicted once; the last one is
filled up by padding. A row is of one document, and a document of one part.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data.dataset import SPLITS, Split
from batchwise.data.texts import ALL, PADDING, RESERVED, UNKNOWN, Kind, Texts
from batchwise.data.tokens import Parts, held, tokenise, vocabulary

Documents = tuple[Sequence[str], Sequence[str], Sequence[str]]  # for training, validation and test
Rows = tuple[np.ndarray, np.ndarray]  # inputs [N, T] and labels [N, T + 1], as the task language_modelling has them


def windows(documents: Documents, *, kind: Kind, max_tokens: int, most: int) -> tuple[Parts, Texts]:
    """Return (train, validation, test), of which `groups` are the numbers of the documents, and the vocabulary.

    Inputs are ids int32 [N, T], and labels [N, T + 1] the next ones, then the bytes in UTF-8 of the text that these
    are. The tokens of training documents are counted, for a vocabulary of at most `most` ids. Raises UserError if that
    leaves none for a token, or for a part without a document of two tokens.
    """
    if most <= len(RESERVED):
        raise UserError(f"vocabulary is {most}; at least 3 are needed: padding, unknown, and a token")
    counts = Counter(token for text in documents[0] for token in tokenise(text, kind))
    known = vocabulary(counts, kind, most)
    ids = {token: number for number, token in enumerate(known, len(RESERVED))}
    first = np.cumsum([0, *map(len, documents)])  # number of the first document of each part
    train, validation, test = (
        _part(name, texts, int(start), kind, ids, max_tokens)
        for name, texts, start in zip(SPLITS, documents, first, strict=False)
    )
    shares = {name: held(part.inputs, cut=0) for name, part in zip(SPLITS, (train, validation, test), strict=True)}
    return (train, validation, test), Texts(kind, ALL, tuple(known), tuple(known.values()), shares)


def _part(name: str, texts: Sequence[str], start: int, kind: Kind, ids: Mapping[str, int], places: int) -> Split:
    """Return the rows of documents, of which `start` is the number of the first."""
    made = [_of_document(text, kind, ids, places) for text in texts]
    empty = np.empty((0, places), "int32"), np.empty((0, places + 1), "int32")
    inputs, labels = (np.concatenate(rows) for rows in zip(empty, *made, strict=True))
    if texts and not len(inputs):
        raise UserError(f"no document of {name} has two tokens, of which one could predict the other")
    return Split(inputs, labels, groups=np.repeat(np.arange(start, start + len(made)), [len(rows) for rows, _ in made]))


def _of_document(text: str, kind: Kind, ids: Mapping[str, int], places: int) -> Rows:
    """Return the windows of a document, none if it has fewer than two tokens."""
    tokens = tokenise(text, kind)
    numbers = np.array([ids.get(token, UNKNOWN) for token in tokens], "int32")
    predicted = max(len(tokens) - 1, 0)
    rows = -(-predicted // places)
    inputs, following, sizes = (np.full(rows * places, PADDING, "int32") for _ in range(3))
    inputs[:predicted], following[:predicted] = numbers[:-1], numbers[1:]
    sizes[:predicted] = _bytes(text, tokens, kind)[1:]
    of_rows = sizes.reshape(rows, places).sum(axis=1, keepdims=True, dtype="int32")
    return inputs.reshape(rows, places), np.hstack([following.reshape(rows, places), np.maximum(of_rows, 1)])


def _bytes(text: str, tokens: Sequence[str], kind: Kind) -> Sequence[int] | np.ndarray:
    """Return the bytes of each token; of words, without the spaces, its share of those of the text."""
    if kind == "bytes":
        return np.ones(len(tokens), "int64")
    if kind == "characters":
        return [len(token.encode()) for token in tokens]
    ends = np.arange(len(tokens) + 1) * len(text.encode(errors="replace")) // max(len(tokens), 1)
    return np.diff(ends)


def draw(documents: Sequence[str], sizes: Sequence[int], seed: Sequence[int]) -> Iterator[list[str]]:
    """Yield so many documents for each of `sizes`, drawn by chance, none of them twice.

    Those of the first do not depend on how many follow.
    """
    order = np.random.default_rng(seed).permutation(len(documents))
    for size, end in zip(sizes, np.cumsum(sizes), strict=True):
        yield [documents[number] for number in order[end - size : end]]
