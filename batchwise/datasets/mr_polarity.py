"""Sentence polarity, known as MR: 10,662 sentences of film reviews, half of them positive."""

from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.option_types import Seed
from batchwise.data.archive_formats import read_tar
from batchwise.data.dataset import DataSet, Description
from batchwise.data.downloads import Archive, fetch
from batchwise.data.splitting import split
from batchwise.data.tokens import encoded, rows_of
from batchwise.data.unpacking import refused

DESCRIPTION = Description(
    title="MR sentence polarity",
    task="binary_classification",
    source="https://www.cs.cornell.edu/people/pabo/movie-review-data; Pang & Lee 2005, Seeing Stars, ACL, "
    "arXiv cs/0506075",
    licence="none stated; free for research, with citation",
)
# The publisher states no sum; this one is that of the catalogue of Hugging Face's data sets (rotten_tomatoes), of a
# copy of the file.
ARCHIVE = Archive(
    "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz",
    "a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9",
)
FILES = {"negative": "rt-polaritydata/rt-polarity.neg", "positive": "rt-polaritydata/rt-polarity.pos"}


def prepare(
    *,
    max_tokens: PositiveInt,
    vocabulary: PositiveInt,
    test_rows: PositiveInt,
    validation_rows: NonNegativeInt,
    seed: Seed,
    tokens: Literal["words", "characters", "bytes"] = "words",
    keep: Literal["first", "last"] = "last",
) -> DataSet:
    """Return a stratified split; inputs are ids [N, max_tokens]."""
    path, sha256 = fetch(ARCHIVE)
    contents = read_tar(path, [*FILES.values()])
    of_classes = [_sentences(path, name, contents[name]) for name in FILES.values()]
    labels = np.repeat(np.arange(len(FILES), dtype="int32"), [*map(len, of_classes)])
    rows = rows_of(labels).inputs
    parts = split(rows, labels, validation_rows=validation_rows, test_rows=test_rows, seed=seed)
    splits, texts = encoded(
        [*chain(*of_classes)], parts, kind=tokens, max_tokens=max_tokens, most=vocabulary, keep=keep
    )
    return DataSet(DESCRIPTION, tuple(FILES), *splits, files={ARCHIVE.name: sha256}, texts=texts)


def _sentences(path: Path, name: str, content: bytes) -> list[str]:
    """Return the sentences in a file, one on each line: in Windows' Latin at the publisher, in UTF-8 in copies."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    sentences = [line.strip() for line in text.split("\n") if line.strip()]
    if not sentences:
        raise refused(path, f"has no sentence in {name}")
    return sentences
