"""Stage profile: what each batch size of a study costs in time and memory. `python -m stages.profile <study>`.

Nothing else should run on the machine meanwhile.
"""

import signal
from pathlib import Path
from time import monotonic

import stages
from batchwise.common.files import replace
from batchwise.config import params
from batchwise.data import loading
from batchwise.measuring.profiling import profile_files
from batchwise.measuring.profiling.profiler import profile


def main(name: str) -> None:
    """Write data/profiles/<study>/."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by Ctrl-C: the processes are ended
    start = monotonic()
    study = params.study(params.load(), name)
    measured = profile(loading.load(Path("data/prepared"), study), study)
    replace(Path("data/profiles") / name, profile_files.files(measured))
    print(f"{name}: {len(measured.points)} points measured in {monotonic() - start:.0f} s")


if __name__ == "__main__":
    stages.run(main, "study")
