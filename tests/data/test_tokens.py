"""Texts become tokens and ids: the same in all languages, whatever is in them."""

import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data import tokens
from batchwise.data.tokens import encoded, rows_of, tokenise

TEXTS = st.lists(st.text("ab 'é.", max_size=8), min_size=1, max_size=8)
ANY = st.text(st.characters(), max_size=40)  # surrogates and controls among them
KINDS = st.sampled_from(["words", "characters", "bytes"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't — it’s 3.5/10!?", ["don't", "—", "it's", "3.5", "/", "10", "!", "?"]),
        ("1,000 at 10:30. A 2nd", ["1,000", "at", "10:30", ".", "a", "2nd"]),
        ("'quoted' a_b :)", ["'", "quoted", "'", "a", "_", "b", ":", ")"]),
        ("Straße STRASSE ＦＵＬＬ ﬁne", ["strasse", "strasse", "full", "fine"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("すばらしい映画！", ["す", "ば", "ら", "し", "い", "映", "画", "!"]),
        ("ｶﾞラス", ["ガ", "ラ", "ス"]),
        ("很好看。", ["很", "好", "看", "。"]),
        ("정말 좋은 영화!", ["정말", "좋은", "영화", "!"]),
        (unicodedata.normalize("NFD", "한국"), ["한국"]),
        ("ดีมาก", ["ดี", "ม", "า", "ก"]),
        ("סֶרֶט טוב", ["סֶרֶט", "טוב"]),
        ("\u200fفيلم\u200f رائع، می\u200cخواهم", ["فيلم", "رائع", "،", "می\u200cخواهم"]),
        ("हिन्दी में।", ["हिन्दी", "में", "।"]),
        ("👍🏽👍 👨‍👩‍👧 🇩🇪🇫🇷 1️⃣ ♥️", ["👍🏽", "👍", "👨‍👩‍👧", "🇩🇪", "🇫🇷", "1️⃣", "♥️"]),
        ("co\u00adoperate\ufeff \ud800x\x00\x85y\u200bz", ["cooperate", "\ufffd", "x", "y", "z"]),
        ("", []),
    ],
)
def test_words(text, expected) -> None:
    assert tokenise(text, "words") == expected


def test_characters_and_bytes_are_all_of_a_text() -> None:
    assert tokenise("A b\r\ne\u0301", "characters") == ["A", " ", "b", "\r", "\n", "é"]
    assert tokenise("aé\n", "bytes") == ["0x61", "0xc3", "0xa9", "0x0a"]


@given(ANY, KINDS)
def test_any_text_has_tokens_that_a_file_can_hold(text, kind) -> None:
    found = tokenise(text, kind)
    assert all(token and token.encode() for token in found)
    if kind == "words":
        assert not any(token.isspace() for token in found)
        assert tokenise(" ".join(found), kind) == found
    if kind == "bytes":
        whole = "".join("\ufffd" if unicodedata.category(letter) == "Cs" else letter for letter in text)
        assert bytes(int(byte, 16) for byte in found).decode() == whole


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_texts_of_ascii_have_the_tokens_that_they_have_among_others(text) -> None:
    assert tokenise(text, "words") == tokenise(f"{text} é", "words")[:-1]


def test_a_long_text_takes_time_by_its_length() -> None:
    for text in ("1" * 10**6, "1." * 5 * 10**5, "a'" * 5 * 10**5, "é" * 10**6, "\u0301" * 10**6, "👍\u200d" * 10**5):
        assert tokenise(text, "words")


def known(texts: list[str], kind: str, most: int) -> list[str]:
    """The vocabulary, said in other words."""
    every = [token for text in texts for token in tokenise(text, kind)]
    return [token for token, _ in sorted(sorted(Counter(every).items()), key=lambda pair: -pair[1])][: most - 2]


@given(TEXTS, TEXTS, st.integers(1, 6), st.integers(3, 7), st.sampled_from(["first", "last"]))
def test_ids(training, test, max_tokens, most, keep) -> None:
    """By a loop over texts and tokens."""
    labels = np.zeros(len(training + test), "int32")
    parts = rows_of(labels[: len(training)]), rows_of(labels[:0]), rows_of(labels[len(training) :], len(training))
    splits, texts = encoded([*training, *test], parts, kind="words", max_tokens=max_tokens, most=most, keep=keep)
    vocabulary = known(training, "words", most)
    assert list(texts.tokens) == vocabulary and texts.ids <= most
    assert sum(texts.counts) <= sum(len(tokenise(text, "words")) for text in training)
    for name, part, of_part in (("train", splits[0], training), ("test", splits[2], test)):
        kept, cut = [], 0
        for text, row in zip(of_part, part.inputs, strict=True):
            found = tokenise(text, "words")
            cut += len(found) > max_tokens
            some = found[:max_tokens] if keep == "first" else found[max(0, len(found) - max_tokens) :]
            ids = [vocabulary.index(token) + 2 if token in vocabulary else 1 for token in some]
            assert row.tolist() == ids + [0] * (max_tokens - len(ids))
            kept += ids
        shares = texts.shares[name]
        assert shares["cut"] == cut / len(of_part)
        assert shares["padding"] == pytest.approx(1 - len(kept) / part.inputs.size)
        assert shares["unknown"] == (kept.count(1) / len(kept) if kept else 0)
    again = tokens.ids_of([*training, *test], texts, max_tokens)
    np.testing.assert_array_equal(again, np.concatenate([splits[0].inputs, splits[2].inputs]))
    assert splits[1].inputs.shape == (0, max_tokens) and texts.shares["validation"]["padding"] == 0


def test_a_vocabulary_is_of_training_rows_and_the_same_at_any_length() -> None:
    parts = rows_of(np.zeros(2, "int32")), rows_of(np.zeros(0, "int32")), rows_of(np.zeros(1, "int32"), 2)
    asked = {"texts": ["b a a", "c c b c"], "parts": parts, "kind": "words", "most": 99}
    asked["texts"].append("d d d d d d a")
    one, four = (encoded(**asked, max_tokens=length)[1] for length in (1, 4))
    assert one.tokens == four.tokens == ("c", "a", "b") and one.counts == (3, 2, 2)
    assert encoded(**asked | {"kind": "bytes", "most": 3}, max_tokens=4)[1].tokens == tokens.BYTES


def test_without_an_id_for_a_token_there_is_nothing_to_learn() -> None:
    parts = (rows_of(np.zeros(1, "int32")),) * 3
    with pytest.raises(UserError, match="vocabulary is 2; at least 3 are needed"):
        encoded(["a"], parts, kind="words", max_tokens=1, most=2)
