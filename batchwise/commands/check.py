"""python -m batchwise check: is params.yaml valid?"""

import argparse

from batchwise.config import params, schema
from batchwise.data import local_files
from batchwise.execution import engine_notes
from batchwise.runtime.xla_flags import has_nvidia_driver


def run(_: argparse.Namespace) -> int:
    """Print the names of the studies, and what those should know that train in lanes; let editors know of new plug-ins.

    Raises UserError as params.load and local_files.check do.
    """
    given = params.load()
    local_files.check(given.files)
    schema.refresh()
    print(f"params.yaml is valid: {', '.join(given.studies)}")
    for name, study in given.studies.items():
        for note in engine_notes.notes(study, on_gpu=has_nvidia_driver()):
            print(f"note: {name}: {note}")
    return 0
