"""The folder of a study's runs: it is made anew, and takes the place of the one before at the end."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from batchwise.common.files import naming
from batchwise.config.grid import Run
from batchwise.training import run_result, run_shard
from batchwise.training.run_shard import Shard


class RunFolder:
    """A new folder with the files of a study's runs, in shards.

    Runs that were added wait in a file beside their shard, one behind the other, until `write`: they come in any order,
    and the bytes of a shard do not depend on it.
    """

    def __init__(self, folder: Path, shared_inputs: dict[str, Any]) -> None:
        self.folder, self.shared_inputs = folder, shared_inputs
        self.statuses: Counter[str] = Counter()  # of the runs that it has
        self.runs: dict[str, list[Run]] = defaultdict(list)  # of each shard
        self.waiting: dict[str, dict[Run, tuple[int, int]]] = defaultdict(dict)  # {shard: {run: start, bytes}}

    def add(self, run: Run, content: bytes | None) -> bool:
        """Take up the file of a run; return whether there was any content."""
        if content is None:
            return False
        shard = run_shard.name(run.name)
        path = self._beside(shard)
        with naming(path), path.open("ab", buffering=0) as file:
            self.waiting[shard][run] = file.tell(), len(content)
            file.write(content)
        self.statuses[run_result.status(content)] += 1
        return True

    def write(self) -> None:
        """Write the runs that were added to their shards, which take the place of those that there were."""
        for shard, added in self.waiting.items():
            self.runs[shard] = sorted([*self.runs[shard], *added])
            path, beside = self.folder / shard, self._beside(shard)
            new = path.with_suffix(".new")
            with naming(new), new.open("w+b") as file:
                run_shard.write(file, self.shared_inputs, self._contents(shard))
            new.replace(path)
            beside.unlink()
        self.waiting.clear()

    def _contents(self, shard: str) -> Iterator[tuple[str, bytes]]:
        """Yield the names and files of the runs of a shard, which were added or are in it."""
        path, added = self.folder / shard, self.waiting[shard]
        with ExitStack() as opened:
            beside = opened.enter_context(self._beside(shard).open("rb"))
            before = Shard(opened.enter_context(path.open("rb"))) if path.exists() else None
            for run in self.runs[shard]:
                if run in added:
                    start, size = added[run]
                    beside.seek(start)
                    yield run.name, beside.read(size)
                elif before:
                    yield run.name, before.content(run.name)

    def _beside(self, shard: str) -> Path:
        return self.folder / f".{shard}.added"


@contextmanager
def replacing(folder: Path, shared_inputs: dict[str, Any]) -> Iterator[RunFolder]:
    """Yield a new folder, which takes the place of `folder` at the end, or goes if it is not reached.

    `shared_inputs` decided all of its runs (run_store.py).
    """
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        runs = RunFolder(new, shared_inputs)
        yield runs
        runs.write()
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
