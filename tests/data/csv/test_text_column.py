"""What a column of texts becomes, in several languages."""

from pathlib import Path

import pandas as pd
import pytest

from batchwise.common.errors import UserError
from batchwise.data.csv import columns, proposal, text_column
from batchwise.data.csv.columns import Table

ROWS = 60
# {language: texts, each with a number of repeated words and one of its own}
TEXTS = {
    "English": [f"A film, number {row}: {'great' if row % 2 else 'dull'}{'!' * (row % 5)}" for row in range(ROWS)],
    "Japanese": [f"とても{'良' if row % 2 else '悪'}い映画です、{chr(0x5000 + row)}" for row in range(ROWS)],
    "Chinese": [f"非常{'好' if row % 2 else '坏'}的电影{chr(0x5000 + row)}" for row in range(ROWS)],
    "Korean": [f"정말 {'좋은' if row % 2 else '나쁜'} 영화 {row}" for row in range(ROWS)],
    "Hebrew": [f"סרט {'טוב' if row % 2 else 'רע'} מאוד {row}" for row in range(ROWS)],
    "Emoji": [f"{'👍🏽' if row % 2 else '👎'} {chr(0x1F600 + row)}" for row in range(ROWS)],
}


def table(folder: Path, **values: list) -> Table:
    path = folder / "reviews.csv"
    pd.DataFrame({"stars": [row % 5 + 1 for row in range(ROWS)], **values}).to_csv(path, index=False)
    return columns.look(path)


@pytest.mark.parametrize("language", TEXTS)
def test_texts_of_any_language_are_texts(tmp_path, language) -> None:
    found = table(tmp_path, review=TEXTS[language])
    assert found.columns[1].kind == "text" and "add `--text review`" in found.columns[1].note
    text = text_column.look(found, "review")
    without_spaces = language in ("Japanese", "Chinese")
    assert text.tokens == ("characters" if without_spaces else "words")
    assert text.whole >= 0.9 and text.empty == 0 and 4 <= text.vocabulary <= 40
    target = columns.target(found, ["stars"])
    entry = proposal.data_set(found, target, ["stars"], "reviews", {}, None, text)
    assert entry["text"] == "review" and "numbers" not in entry and ("tokens" in entry) == without_spaces
    model = proposal.study("reviews", target, 36, text)["model"]
    assert model["vocabulary"] == entry["vocabulary"] == text.vocabulary
    said = "\n".join(proposal.lines(found, target, ["stars"], {}, text))
    assert f"text        'review': {text.tokens}, {text.vocabulary} ids, T = {text.max_tokens} (" in said
    assert "left out" not in said and "add `--task regression`" in said


def test_long_texts_are_cut_and_empty_ones_counted(tmp_path) -> None:
    texts = ["", "  ", "word " * 5000, *(["one two three"] * (ROWS - 3))]
    text = text_column.look(table(tmp_path, review=texts), "review")
    assert (text.max_tokens, text.empty, text.vocabulary) == (3, 2, 2 + 4)
    assert text_column.look(table(tmp_path, review=["word " * 5000] * ROWS), "review").max_tokens == 400
    assert "2 rows without any text" in "".join(proposal._texts(text))


def test_a_column_of_words_can_be_learned_from_too(tmp_path) -> None:
    found = table(tmp_path, word=[f"word{row % 7}" for row in range(ROWS)])
    assert text_column.look(found, "word").vocabulary == 9
    with pytest.raises(UserError, match="'wrod' is not a known column; allowed: stars, word; did you mean 'word'"):
        text_column.look(found, "wrod")
    with pytest.raises(UserError, match="'review' has no text in any row; --text names a column of texts"):
        text_column.look(table(tmp_path, review=[""] * ROWS), "review")


def test_without_other_inputs_the_way_to_texts_is_told(tmp_path) -> None:
    found = table(tmp_path, **{"my review": TEXTS["English"]})
    with pytest.raises(
        UserError, match=r"no column for inputs .*; add `--text 'my review'` to learn from its texts, or"
    ):
        proposal.data_set(found, columns.target(found, ["stars"]), ["stars"], "reviews", {}, None)
