"""Texts become ids: tokens by one rule for all languages, and a vocabulary of the training rows.

words       Unicode's compatibility forms, composed (NFKC), without case (casefold). A token is a number (3.5, 10:30), a
            word with its apostrophes (don't) and combining marks, or another sign, an emoji with its modifiers. In
            scripts that are written without spaces (Chinese, Japanese, Thai, …) each letter is a token.
characters  composed (NFC), and as they are written: case, spaces and ends of lines are characters too.
bytes       of UTF-8, of the text as it is: 256 ids for any language.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, groupby

import numpy as np

from batchwise.common.errors import UserError
from batchwise.data.dataset import Split
from batchwise.data.texts import PADDING, RESERVED, UNKNOWN, End, Kind, Texts

Parts = tuple[Split, Split, Split]
BYTES = tuple(f"0x{byte:02x}" for byte in range(256))
# Thai and Lao, Burmese, Khmer, ideographs and kana, the last with what is beyond 16 bits
WITHOUT_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
JOINERS = "\u200c\u200d"  # between letters of Persian and of Indian scripts, and between the parts of an emoji
EMOJI = "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"  # colours of skin, and the letters of regional flags
FLAGS = "\U0001f1e6-\U0001f1ff"  # two of these are a flag
# Not seen: marks of direction and of byte order, hyphens at which a line may end.
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
SURROGATES = re.compile("[\ud800-\udfff]")  # half of a character, which no file can hold
CONTROLS = "\\x00-\\x1f\\x7f-\\x9f\u200b"
APOSTROPHES = str.maketrans("’", "'")


def tokenise(text: str, kind: Kind) -> list[str]:
    """Return the tokens of a text; those that are bytes are called `0x41`."""
    if kind == "bytes":
        return [BYTES[byte] for byte in SURROGATES.sub("\ufffd", text).encode()]
    if kind == "characters":
        return list(unicodedata.normalize("NFC", SURROGATES.sub("\ufffd", text)))
    return _ascii().findall(text.casefold()) if text.isascii() else _any().findall(_folded(text))


def _folded(text: str) -> str:
    """Return a text in which what is read alike is written alike."""
    visible = INVISIBLE.sub("", SURROGATES.sub("\ufffd", text)).translate(APOSTROPHES)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


def _pattern(letter: str, sign: str) -> re.Pattern[str]:
    # Before Python 3.11.5 a possessive group (cpython#106052) takes other characters than it matches; a set does not.
    return re.compile(rf"[0-9]++(?:[.,:][0-9]++)+|{letter}(?:'{letter})*|{sign}")


@cache
def _ascii() -> re.Pattern[str]:
    """Return what `_any` is for texts of ASCII, which takes half the time."""
    return _pattern("[a-z0-9]++", rf"[^\s{CONTROLS}]")


@cache
def _any() -> re.Pattern[str]:
    marks = _marks()
    letter = rf"[^\W_{WITHOUT_SPACES}]"
    sign = rf"[^\s{CONTROLS}][{marks}{EMOJI}]*+"
    emoji = rf"[{FLAGS}]{{2}}|{sign}(?:\u200d{sign})*"
    return _pattern(rf"(?:{letter}++[{marks}{JOINERS}]*+)+", emoji)


def _marks() -> str:
    """Return the combining marks of Unicode, for brackets of a regular expression, which has no name for them."""
    marks = (code for code in chain(range(0x300, 0x20000), range(0xE0100, 0xE01F0)) if _is_mark(code))
    runs = [[code for _, code in run] for _, run in groupby(enumerate(marks), lambda pair: pair[1] - pair[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


def _is_mark(code: int) -> bool:
    return unicodedata.category(chr(code))[0] == "M"


def vocabulary(counts: Mapping[str, int], kind: Kind, most: int) -> dict[str, int]:
    """Return {token: count} of the tokens of training rows, by falling count, then by their characters.

    They are at most so many that with padding and unknown there are `most` ids. Bytes are always all 256.
    """
    if kind == "bytes":
        return {byte: counts.get(byte, 0) for byte in BYTES}
    chosen = sorted(counts, key=lambda token: (-counts[token], token))[: max(0, most - len(RESERVED))]
    return {token: counts[token] for token in chosen}


def rows_of(labels: np.ndarray, start: int = 0) -> Split:
    """Return rows [N, 1] that are their own numbers, from `start`: what is split, so that `encoded` knows the texts."""
    return Split(np.arange(start, start + len(labels))[:, np.newaxis], labels)


def encoded(
    texts: Sequence[str], parts: Parts, *, kind: Kind, max_tokens: int, most: int, keep: End = "last"
) -> tuple[Parts, Texts]:
    """Return (train, validation, test) with ids int32 [N, max_tokens] in place of the numbers of their texts, [N, 1].

    A text that is longer keeps its first or its last tokens; one that is shorter is followed by padding. All tokens of
    training texts are counted, so that the vocabulary, of at most `most` ids, is the same whatever `max_tokens` is.
    Raises UserError if `most` leaves no id for a token.
    """
    if most <= len(RESERVED):
        raise UserError(f"vocabulary is {most}; at least 3 are needed: padding, unknown, and a token")
    numbers: dict[str, int] = defaultdict(lambda: len(numbers), {"": PADDING})  # in the order in which they are met
    counts: Counter[str] = Counter()
    tokens: list[Iterator[list[str]]] = [(tokenise(texts[row], kind) for row in part.inputs[:, 0]) for part in parts]
    tokens[0] = _counted(tokens[0], counts)
    shapes = [(len(part.labels), max_tokens) for part in parts]
    read = [_numbered(of_part, shape, keep, numbers) for of_part, shape in zip(tokens, shapes, strict=True)]
    known = vocabulary(counts, kind, most)
    ids = {"": PADDING} | {token: number for number, token in enumerate(known, len(RESERVED))}
    id_of = np.array([ids.get(token, UNKNOWN) for token in numbers], "int32")
    train, validation, test = (replace(part, inputs=id_of[rows]) for part, (rows, _) in zip(parts, read, strict=True))
    inputs = {"train": train.inputs, "validation": validation.inputs, "test": test.inputs}
    shares = {name: held(of_part, cut) for (name, of_part), (_, cut) in zip(inputs.items(), read, strict=True)}
    return (train, validation, test), Texts(kind, keep, tuple(known), tuple(known.values()), shares)


def ids_of(texts: Sequence[str], known: Texts, max_tokens: int) -> np.ndarray:
    """Return ids int32 [N, max_tokens] of other texts, as those of a data set became its inputs."""
    tokens = (tokenise(text, known.kind) for text in texts)
    numbers = _Known(zip(known.tokens, range(len(RESERVED), known.ids), strict=True))
    return _numbered(tokens, (len(texts), max_tokens), known.keep, numbers)[0]


class _Known(dict[str, int]):
    """{token: id}, in which others are unknown."""

    def __missing__(self, token: str) -> int:
        return UNKNOWN


def _counted(texts: Iterable[list[str]], counts: Counter[str]) -> Iterator[list[str]]:
    """Yield the tokens of texts, and count them."""
    for tokens in texts:
        counts.update(tokens)
        yield tokens


def _numbered(
    texts: Iterable[list[str]], shape: tuple[int, int], keep: End, numbers: dict[str, int]
) -> tuple[np.ndarray, int]:
    """Return the numbers of the tokens that are kept of each text, int32 of that shape, and how many texts were cut."""
    rows, cut = np.full(shape, PADDING, "int32"), 0
    most = shape[1]
    for row, tokens in zip(rows, texts, strict=True):
        kept = tokens[-most:] if keep == "last" else tokens[:most]
        row[: len(kept)] = [numbers[token] for token in kept]
        cut += len(tokens) > most
    return rows, cut


def held(ids: np.ndarray, cut: int) -> dict[str, float]:
    """Return what Texts.shares holds of a part; 0 where there is nothing to have a share of."""
    kept = int(np.count_nonzero(ids != PADDING))
    return {
        "padding": 1 - kept / ids.size if ids.size else 0.0,
        "cut": cut / len(ids) if len(ids) else 0.0,
        "empty": float(np.mean(ids[:, 0] == PADDING)) if len(ids) else 0.0,
        "unknown": int(np.count_nonzero(ids == UNKNOWN)) / kept if kept else 0.0,
    }
