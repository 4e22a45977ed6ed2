"""How often what the reports say is right: `python -m benchmarks.truth`, some minutes.

Every file of benchmarks/truths/ that has `rates(repetitions)` plants truths in made-up data, and counts what is found.
"""

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks import truths
from benchmarks.truths.rate import Rate

REPETITIONS = 200


def main() -> int:
    """Print the table of all rates, and return 1 if one is not as wanted."""
    options = argparse.ArgumentParser(description="How often what the reports say is right, where the truth is known.")
    options.add_argument("--repetitions", type=int, default=REPETITIONS, help=f"made-up studies ({REPETITIONS})")
    found = []
    for rate in rates(options.parse_args().repetitions):
        found.append(rate)
        print(line(rate), flush=True)
    print(f"{sum(rate.holds for rate in found)} of {len(found)} rates are as wanted")
    return int(not all(rate.holds for rate in found))


def names() -> list[str]:
    """Return the sorted names of the files that plant truths."""
    folder = Path(next(iter(truths.__path__)))
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "rate"))


def rates(repetitions: int) -> Iterator[Rate]:
    """Yield the rates of each file in turn."""
    for name in names():
        yield from importlib.import_module(f"benchmarks.truths.{name}").rates(repetitions)


def line(rate: Rate) -> str:
    """Return a row of the table."""
    missed = "" if rate.holds else "not as wanted"
    return f"{rate.kind:30}  {rate.what:82}  {rate.rate:5.3f}  {rate.wanted:13}  {missed}".rstrip()


if __name__ == "__main__":
    raise SystemExit(main())
