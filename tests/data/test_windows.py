"""Windows of documents: each token but the first of a document is predicted once; bytes are those of the text."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import folds
from batchwise.data.dataset import DataSet, Description, Split
from batchwise.data.folds import deal
from batchwise.data.texts import UNKNOWN, Texts, names
from batchwise.data.tokens import tokenise
from batchwise.data.windows import draw, windows

LETTERS = st.text(st.sampled_from("ab \nßé日본🙂ا\u0301\u200d<=\\'\ud800"), max_size=23)
DOCUMENTS = st.lists(LETTERS, max_size=4).map(lambda texts: ["ab ba b", *texts])


def documents_of(part: Split, texts: Texts) -> dict[int, list[str]]:
    """Return the tokens of each document, of its inputs and its last label."""
    called, found = ("", "?", *texts.tokens), {}
    for number in np.unique(part.groups):
        rows = part.groups == number
        inputs, labels = part.inputs[rows].ravel(), part.labels[rows, :-1].ravel()
        count = np.count_nonzero(inputs)
        np.testing.assert_array_equal(inputs[1:count], labels[: count - 1])
        assert np.count_nonzero(labels) == count and not inputs[count:].any() and not labels[count:].any()
        found[int(number)] = [called[token] for token in (*inputs[:count], labels[count - 1])]
    return found


@pytest.mark.parametrize("kind", ["words", "characters", "bytes"])
@given(parts=st.tuples(DOCUMENTS, DOCUMENTS, DOCUMENTS), places=st.integers(1, 7))
@example(parts=(["ab ba b", ""], ["ab ba", "a"], ["ab ba", "日"]), places=1)
def test_windows_hold_the_documents(kind, parts, places) -> None:
    made, texts = windows(parts, kind=kind, max_tokens=places, most=500)
    known, first = {*texts.tokens}, 0
    for part, documents in zip(made, parts, strict=True):
        found = documents_of(part, texts)
        for number, text in enumerate(documents, first):
            tokens = [token if token in known else "?" for token in tokenise(text, kind)]
            assert found.pop(number, tokens[:1]) == tokens
        first += len(documents)
        assert not found and part.inputs.shape[1:] == (places,)
    DataSet(Description("made up", "language_modelling", "here", "CC0"), names(texts.tokens), *made, texts=texts)


def test_bytes_are_those_of_the_text_that_is_predicted() -> None:
    texts = ["aß日🙂", "été in the house", "x"]
    for kind in ("characters", "bytes", "words"):
        (train, _, _), _ = windows((texts, [], texts), kind=kind, max_tokens=3, most=300)
        for number, text in enumerate(texts[:2]):
            total, first = train.labels[train.groups == number, -1].sum(), tokenise(text, kind)[0]
            alone = 1 if kind == "bytes" else len(first.encode())
            if kind == "words":  # each has the same share of them
                alone = len(text.encode()) // len(tokenise(text, kind))
            assert total == len(text.encode()) - alone, (kind, text)


def test_the_vocabulary_is_that_of_the_training_documents_by_count_and_the_rarest_are_unknown() -> None:
    (train, validation, test), texts = windows((["aab", "ba"], [], ["cba"]), kind="characters", max_tokens=4, most=3)
    assert texts.tokens == ("a",) and texts.counts == (3,) and names(texts.tokens) == ("<padding>", "<unknown>", "a")
    assert train.inputs.tolist() == [[2, 2, 0, 0], [UNKNOWN, 0, 0, 0]] and not len(validation.inputs)
    assert test.labels.tolist() == [[UNKNOWN, 2, 0, 0, 2]]
    assert texts.shares["test"] == {"padding": 0.5, "cut": 0, "empty": 0, "unknown": 1}


def test_in_folds_documents_stay_together_and_what_a_seed_does_not_train_on_is_unknown() -> None:
    texts = [f"aab{letter}ba ab{letter}" for letter in "pqrstu"]
    parts, found = windows((texts[:4], texts[4:5], texts[5:]), kind="characters", max_tokens=3, most=50)
    data = DataSet(
        Description("made up", "language_modelling", "here", "CC0"), names(found.tokens), *parts, texts=found
    )
    dealt = deal(data, 3, data)
    for seed in range(3):
        made = folds.of_seed(dealt, seed)
        of_parts = [{*part.groups} for part in (made.train, made.validation, made.test)]
        assert sum(map(len, of_parts)) == len(set.union(*of_parts))
        trained = {*made.train.inputs.ravel(), *made.train.labels[:, :-1].ravel()}
        rare = [found.tokens.index(letter) + 2 for letter in "pqrs" if letter in found.tokens]
        for part in (made.validation, made.test):
            assert {*part.inputs.ravel(), *part.labels[:, :-1].ravel()} <= trained | {UNKNOWN}
            assert part.labels[:, -1].tolist() and (part.labels[:, -1] <= 3).all()
        assert not {*rare} <= trained


def test_names_can_be_read_and_are_unlike() -> None:
    tokens = (" ", "\n", "\\", "\\x20", "\u200d", "\u0301", "<padding>"[1], "=")
    assert names(tokens)[2:6] == ("\\x20", "\\x0a", "\\\\", "\\\\x20") and len({*names(tokens)}) == len(tokens) + 2


@pytest.mark.parametrize(
    ("parts", "most", "said"),
    [
        ((["ab"], [], ["ab"]), 2, "vocabulary is 2; at least 3 are needed: padding, unknown, and a token"),
        ((["ab"], [], ["a", ""]), 9, "no document of test has two tokens, of which one could predict the other"),
    ],
)
def test_what_is_refused(parts, most, said) -> None:
    with pytest.raises(UserError) as error:
        windows(parts, kind="characters", max_tokens=4, most=most)
    assert str(error.value) == said


def test_no_document_is_drawn_twice_and_the_first_ones_do_not_depend_on_the_others() -> None:
    documents = [str(number) for number in range(20)]
    one, other = draw(documents, (5, 15), [3])
    again, fewer = draw(documents, (5, 4), [3])
    assert sorted(one + other) == sorted(documents) and again == one and fewer == other[:4]
    assert next(draw(documents, (5,), [4])) != one
