"""What is measured of a study: batch sizes of its grid, neighbours of powers of two, other number types."""

from collections.abc import Sequence

from batchwise.config import grid
from batchwise.config.study import Study
from batchwise.measuring.profiling.rounds import Point

POWERS = (16, 32, 64, 128)  # against their neighbours 17, 33, 65, 129
NEIGHBOURS = "neighbours"  # in a study's `timed_beside`, beside number types


def points(study: Study, rows: int, bfloat16: bool) -> list[Point]:
    """Return the points of a study with `rows` training rows, each (batch size, dtype) once.

    What is timed beside the grid is what the study names: other number types are measured at the largest m, where they
    matter most; bfloat16 if the device has it. Where a batch is in parts (accumulation), the parts decide what a
    neighbour or another type costs, and there are none.
    """
    sizes = effective_sizes(study, rows)
    if study.accumulation > 1:
        return [Point(m, study.dtype, "grid") for m in sizes]
    beside = [name for name in study.timed_beside if name != study.dtype and (bfloat16 or name != "bfloat16")]
    others = [name for name in beside if name != NEIGHBOURS]
    return [
        *(Point(m, study.dtype, "grid") for m in sizes),
        *(Point(m, study.dtype, "neighbour") for m in neighbours(sizes, rows) if NEIGHBOURS in beside),
        *(Point(sizes[-1], dtype, "dtype") for dtype in others),
    ]


def effective_sizes(study: Study, rows: int) -> list[int]:
    """Return the distinct min(m, N) of the grid, ascending."""
    return sorted({grid.effective_batch_size(m, rows) for m in study.grid.batch_sizes})


def neighbours(sizes: list[int], rows: int) -> list[int]:
    """Return the batch sizes beside the powers of two among `sizes` that are not among them, of N/2 rows at most."""
    found = {m + 1 for m in POWERS if m in sizes}
    return sorted(m for m in found - set(sizes) if 2 * m <= rows)


def missing(asked: Sequence[Point], kept: Sequence[Point], compared: Sequence[Point] = ()) -> list[Point]:
    """Return the asked points that are to be measured: those that are not kept, and those they are compared with.

    These are, beside those of `compared`, the batch size of the grid that is nearest to a neighbour, and that of
    another number type.
    """
    grid = [point for point in asked if point.purpose == "grid"]
    partners = {nearest(point, grid)[0] for point in asked if point not in kept and point.purpose != "grid"}
    return [point for point in asked if point not in kept or point in partners or point in compared]


def nearest(point: Point, others: Sequence[Point]) -> list[Point]:
    """Return the one whose batch size has the nearest ratio to that of a point, the smaller of two; none of none."""

    def distance(other: Point) -> tuple[float, int]:
        small, large = sorted((point.batch_size, other.batch_size))
        return large / small, other.batch_size

    return [min(others, key=distance)] if others else []
