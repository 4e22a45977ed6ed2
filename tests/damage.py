"""Bytes that are not those of a file: flipped, cut, or others altogether."""

from hypothesis import strategies as st

BITS = [1 << number for number in range(8)]


def damaged(content: bytes) -> st.SearchStrategy[bytes]:
    """Return what draws other bytes than a content: one is another, the end is missing, or all are others."""
    return st.one_of(flipped(content), cut(content), others(content)).filter(lambda found: found != content)


def flipped(content: bytes) -> st.SearchStrategy[bytes]:
    """Return what draws the content with another byte, mostly with one other bit, at a place."""

    def flip(place: int, change: int) -> bytes:
        return content[:place] + bytes([content[place] ^ change]) + content[place + 1 :]

    return st.builds(flip, st.integers(0, len(content) - 1), st.sampled_from(BITS) | st.integers(1, 255))


def cut(content: bytes) -> st.SearchStrategy[bytes]:
    """Return what draws the start of the content."""
    return st.integers(0, len(content) - 1).map(lambda size: content[:size])


def others(content: bytes) -> st.SearchStrategy[bytes]:
    """Return what draws any bytes, the content with more behind it, or NULs in its place."""
    some = st.binary(min_size=1, max_size=100)
    return st.one_of(some, some.map(lambda more: content + more), st.just(bytes(len(content))))
