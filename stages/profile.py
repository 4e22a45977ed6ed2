"""Stage profile: what each batch size of a study costs in time and memory. `python -m stages.profile <study>`.

Nothing else should run on the machine meanwhile. What was measured before is kept, unless BATCHWISE_MEASURE=anew.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import stages
from batchwise.common import stage_outputs
from batchwise.common.errors import UserError
from batchwise.common.repository import rerun_command
from batchwise.config import checked, params, study_files
from batchwise.data import loading
from batchwise.execution import stage_times
from batchwise.execution.progress import Progress
from batchwise.execution.run_store import Store
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.profiler import FOLDER, Profiler
from batchwise.measuring.profiling.steps import Steps
from batchwise.runtime import engine
from batchwise.training.run_result import STATUSES

VARIABLE, ANEW = "BATCHWISE_MEASURE", "anew"
# A machine that is so many times faster or slower than on the occasion before is worth a line.
NOTED = 1.2


def main(name: str) -> None:
    """Write data/profiles/<study>/."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the processes are ended
    start = monotonic()
    part = study_files.read(checked.PARTS / f"{name}.json")
    engine.use(part.engine)
    progress = Progress("profile", name, 0, STATUSES, things="measurements")
    data, steps = loading.load(Path("data/prepared"), part), Steps(progress)
    profiler = Profiler(data, part, Store(FOLDER), anew(), steps)
    if progress.kind != "quiet":
        from batchwise.execution import remaining_stages  # decides nothing, and reads what trains

        progress.seconds_left = seconds_left(name, profiler.share())
        progress.seconds_after = remaining_stages.seconds_after_this()
    try:
        measured = profiler.profile()
    finally:
        progress.close()
    stage_outputs.write(Path("data/profiles") / name, profile_files.files(measured))
    number = len(profiler.new)
    kept = len(measured.points) - number
    print(f"{name}: {number} points measured now, {kept} kept from before; {monotonic() - start:.0f} s")
    for fault in profiler.faults:
        print(f"{name}: {fault}; {rerun_command(f'profile@{name}')} measures it again")
    slowdown = profiler.occasion.slowdown or 1.0
    if not 1 / NOTED < slowdown < NOTED:
        print(
            f"{name}: m = {profiler.occasion.compared_at} takes {slowdown:.2f} times as long as when it was kept; "
            f"{VARIABLE}={ANEW} with {rerun_command(f'profile@{name}')} measures all on one occasion"
        )


def seconds_left(name: str, share: float) -> Callable[[], float | None]:
    """Return what says how long it still takes by the last time; None where that measured less, or was sooner done."""
    expected, is_guess = stage_times.estimate(params.load(), "profile", name, stage_times.read(), share)

    def left() -> float | None:
        seconds = expected - stage_times.seconds_of_process()
        return seconds if seconds > 0 and not is_guess else None

    return left


def anew() -> bool:
    """Return whether what was measured before is to be measured again."""
    given = os.environ.get(VARIABLE, "")
    if given not in ("", ANEW):
        raise UserError(f"{VARIABLE} is {given!r}; allowed is {ANEW}, which measures again what was measured before")
    return given == ANEW


if __name__ == "__main__":
    stages.run(main, "study")
