"""A shard: an uncompressed ZIP archive of the files of some runs of a study, and of what decided all of them.

A file for each run would be hundreds of thousands, which file systems and DVC take minutes to go through. Which shard a
run belongs to follows from its name alone: a new learning rate or batch size changes few shards, or none.
"""

import io
import math
import re
import zipfile
from collections.abc import Iterable
from functools import cached_property
from typing import IO, Any

from batchwise.common import sealed

ENDING = ".zip"
RUN_ENDING = ".npz"  # of the file of a run in its shard
INPUTS = "inputs.json"  # what decided all of its runs (run_store.py), beside what is each one's own
SEEDS = 100  # in a shard at most
RUN_NAME = re.compile(r"m(\d+)_lr([^_]+)_seed(\d+)(?:_.+)?")
LOCAL_HEADER_BYTES = 30  # before the name of a file in an archive, whose length the last 4 of them tell
# What zipfile raises for bytes that are no archive, or a damaged one.
DAMAGED = (zipfile.BadZipFile, EOFError, IndexError, NotImplementedError, OverflowError, RuntimeError, ValueError)


def name(run_name: str) -> str:
    """Return the name of the shard of a run: its batch size, learning rates from a power of two to the next, seeds."""
    found = RUN_NAME.fullmatch(run_name)
    if not found:
        raise ValueError(f"{run_name} is not the name of a run")
    low = math.ldexp(1, math.frexp(float(found[2]))[1] - 1)
    first = int(found[3]) // SEEDS * SEEDS
    return f"m{found[1]}_lr{low:.3g}-{2 * low:.3g}_seed{first}-{first + SEEDS - 1}{ENDING}"


def write(file: IO[bytes], inputs: dict[str, Any], runs: Iterable[tuple[str, bytes]]) -> None:
    """Write a shard of runs, (name, content) as of run_result.dump, in their order, to a file that can be read too."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(_member(INPUTS), sealed.as_json(inputs))
        for run_name, content in runs:
            archive.writestr(_member(f"{run_name}{RUN_ENDING}"), content)
    sealed.seal(file)


def _member(name: str) -> zipfile.ZipInfo:
    """Return what an archive says of a file: neither when it was written, nor on what system."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    return member


class Shard:
    """An open shard, of which no more is read than is asked for. What is damaged is a ValueError."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        try:
            self.archive = zipfile.ZipFile(file)
        except DAMAGED as error:
            raise ValueError(f"it is no whole archive: {error}") from None
        names = [each for each in self.archive.namelist() if each.endswith(RUN_ENDING)]
        self.run_names = dict.fromkeys(each.removesuffix(RUN_ENDING) for each in names)  # in order

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What decided all runs."""
        try:
            return sealed.from_json(self._read(INPUTS))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{INPUTS} in it: {error}") from None

    def check(self) -> None:
        """Look at every byte."""
        sealed.check_archive(self.file)

    def size(self, run_name: str) -> int:
        """Return the bytes of the file of a run. Raises KeyError if there is none."""
        return self.archive.getinfo(f"{run_name}{RUN_ENDING}").file_size

    def read(self, run_name: str) -> bytes:
        """Return the file of a run, of which nothing but its CRC-32 was looked at. Raises KeyError if there is none."""
        return self._read(f"{run_name}{RUN_ENDING}")

    def content(self, run_name: str) -> bytes:
        """Return the file of a run, which is whole. Raises KeyError if there is none."""
        content = self.read(run_name)
        sealed.check_archive(io.BytesIO(content))
        return content

    def part(self, run_name: str) -> IO[bytes]:
        """Return the file of a run, to read of it what is wanted. Raises KeyError if there is none."""
        member = self.archive.getinfo(f"{run_name}{RUN_ENDING}")
        self.file.seek(member.header_offset)
        lengths = self.file.read(LOCAL_HEADER_BYTES)[-4:]
        start = member.header_offset + LOCAL_HEADER_BYTES + sum(map(int.from_bytes, (lengths[1::-1], lengths[:1:-1])))
        return io.BufferedReader(_Part(self.file, start, member.file_size))

    def _read(self, name: str) -> bytes:
        member = self.archive.getinfo(name)
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed")
        try:
            return self.archive.read(member)
        except DAMAGED as error:
            raise ValueError(str(error)) from None


class _Part(io.RawIOBase):
    """Some bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self.file, self.start, self.end, self.place = file, start, start + size, start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.place = max(self.start, offset + (self.start, self.place, self.end)[whence])
        return self.place - self.start

    def readinto(self, buffer: Any) -> int:
        self.file.seek(self.place)
        content = self.file.read(max(0, min(len(buffer), self.end - self.place)))
        buffer[: len(content)] = content
        self.place += len(content)
        return len(content)
