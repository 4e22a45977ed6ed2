"""What a report says of texts."""

from batchwise.report.sentences import study_facts


def test_how_texts_became_ids() -> None:
    shares = {"padding": 0.151, "cut": 0.5, "empty": 0.0, "unknown": 0.02}
    given = {"tokens": "words", "keep": "last", "ids": 20000, "shares": {"train": shares, "test": shares}}
    said = (
        "words, the last 200 of each text, 20,000 ids with padding and unknown; of the training rows 15.1 % of the "
        "positions are padding, 50.0 % of the texts are cut; 2.0 % of the tokens of test rows are unknown"
    )
    assert study_facts.texts(given, 200) == said
    given["shares"] = {"train": shares | {"empty": 0.01}, "test": shares}
    assert "are cut, 1.0 % of the texts have no token;" in study_facts.texts(given, 200)
