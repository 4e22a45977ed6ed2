"""People get short sentences of ours."""

import re

import pytest
from pydantic_core._pydantic_core import list_all_errors

from batchwise.common.messages import describe, shown, unknown


@pytest.mark.parametrize(
    ("value", "known", "sentence"),
    [
        ("mpl", ["cnn", "mlp"], "'mpl' is not a known model; allowed: cnn, mlp; did you mean 'mlp'?"),
        ("transformer", ["cnn", "mlp"], "'transformer' is not a known model; allowed: cnn, mlp"),
        (3, ["cnn"], "3 is not a known model; allowed: cnn"),
        ("mlp", [], "'mlp' is not a known model; allowed: none"),
    ],
)
def test_an_unknown_name_gets_what_is_allowed(value, known, sentence) -> None:
    assert unknown("model", value, known) == sentence


@pytest.mark.parametrize("kind", list_all_errors(), ids=lambda kind: kind["type"])
def test_no_sentence_of_pydantic_passes(kind) -> None:
    """Each kind of error that it has, with each of the words in it."""
    context = kind["example_context"] or {}
    sentence = describe({"type": kind["type"], "loc": ("grid", 0), "input": "x y", "ctx": context})
    assert sentence.startswith("grid[0]")
    own = "".join(f"|{re.escape(str(value))}" for value in context.values())
    theirs = {*re.split(rf"\{{\w+\}}{own}", kind["message_template_python"])} - {"", ",", " "}
    assert not any(text.strip() in sentence for text in theirs if len(text.split()) > 1), sentence


LONG = ["x" * 10**6, [[1] * 100] * 100, {"a": {"b": [1, 2, 3] * 100}}, 10**5000, "é\n\x1b\u2028", -0.0, {1}, b"a"]


@pytest.mark.parametrize("value", LONG, ids=range(len(LONG)))
def test_a_value_is_shown_in_a_short_line(value) -> None:
    assert shown(value).isprintable()
    assert 1 < len(shown(value)) <= 60


def test_many_names_are_cut() -> None:
    assert len(unknown("batch size", "y" * 1000, [str(number) for number in range(1000)])) < 350
