"""The reviews of the Large Movie Review Dataset, as texts: imdb and characters are made of them."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from batchwise.data.archive_formats import read_members
from batchwise.data.downloads import Archive, fetch
from batchwise.data.unpacking import refused

SOURCE = (
    "https://ai.stanford.edu/~amaas/data/sentiment; Maas et al. 2011, Learning Word Vectors for Sentiment Analysis, ACL"
)
LICENCE = "none stated; free for research, with citation"
# The publisher states no sum; this one is that of the catalogue of TensorFlow Datasets (imdb_reviews/checksums.tsv).
ARCHIVE = Archive(
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
)
CLASSES = ("negative", "positive")
# The publisher's archive has 100,000 reviews, half of them without a label, and tables: some 350 million bytes.
MOST_MEMBERS, MOST_BYTES = 150_000, 2**29
REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_\d+\.txt", re.ASCII)
Part = tuple[list[str], np.ndarray]


def read() -> tuple[Part, Part, dict[str, str]]:
    """Return the texts and labels, int32 [N], of the training and of the test part, and {archive: SHA-256}.

    Negative reviews come first, each class in the order of the publisher's numbers; a `<br />` is the end of a line.
    Raises UserError if the archive cannot be had, or is not as published.
    """
    path, sha256 = fetch(ARCHIVE)
    return *_parts(path, sha256), {ARCHIVE.name: sha256}


@lru_cache(maxsize=1)  # of a data set for each length
def _parts(path: Path, sha256: str) -> tuple[Part, Part]:
    contents = read_members(path, REVIEW.fullmatch, most_members=MOST_MEMBERS, most_bytes=MOST_BYTES)
    return _part(path, contents, "train"), _part(path, contents, "test")


def _part(path: Path, contents: Mapping[str, bytes], name: str) -> Part:
    found = {key: match for key in contents if (match := REVIEW.fullmatch(key)) and match[1] == name}
    order = sorted(found, key=lambda key: (found[key][2], int(found[key][3])))
    labels = np.array([found[key][2] == "pos" for key in order], "int32")
    if len(np.unique(labels)) < 2:
        raise refused(path, f"has no reviews of both classes in aclImdb/{name}")
    try:
        texts = [contents[key].decode().replace("<br />", "\n") for key in order]
    except UnicodeDecodeError as error:
        raise refused(path, f"has a review in aclImdb/{name} that is no text in UTF-8 ({error})") from None
    return texts, labels
