"""The folder of a study's runs: it is made anew, and takes the place of the one before at the end."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batchwise.common.files import naming
from batchwise.config.grid import Run
from batchwise.training import run_files, run_result


class RunFolder:
    """A new folder with the files of a study's runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.statuses: Counter[str] = Counter()  # of the runs that it has

    def add(self, run: Run, content: bytes | None) -> bool:
        """Write the file of a run; return whether there was any content."""
        if content is None:
            return False
        path = self.folder / run_files.name(run.name)
        with naming(path):
            path.write_bytes(content)
        self.statuses[run_result.load(content, with_weights=False)[0].status] += 1
        return True


@contextmanager
def replacing(folder: Path) -> Iterator[RunFolder]:
    """Yield a new folder, which takes the place of `folder` at the end, or goes if it is not reached."""
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield RunFolder(new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
