"""How far a profile is, as its stage tells: the processes that have been measured, and what is measured now."""

from collections.abc import Sequence

from batchwise.execution.progress import Progress

MOST_NAMED = 5  # batch sizes


class Steps:
    """Tells a progress, if there is one; else nobody."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.progress = progress

    def begin(self, total: int) -> None:
        """Write the first line."""
        if self.progress:
            self.progress.total = total
            self.progress.begin()

    def show(self, what: str) -> None:
        """Tell what is measured now."""
        if self.progress:
            self.progress.show(what)

    def end(self, status: str, number: int = 1) -> None:
        """Count steps that ended so."""
        for _ in range(number):
            if self.progress:
                self.progress.add(status)

    def tick(self) -> None:
        """Let time pass: some times a second while a process works."""
        if self.progress:
            self.progress.tick()


def sizes(batch_sizes: Sequence[int]) -> str:
    """Return batch sizes in few words."""
    distinct = sorted({*batch_sizes})
    if len(distinct) > MOST_NAMED:
        return f"{len(distinct)} batch sizes"
    return f"m {', '.join(f'{m:,}' for m in distinct)}"
