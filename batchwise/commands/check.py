"""python -m batchwise check: is params.yaml valid?"""

import argparse

from batchwise.config import params, schema
from batchwise.data import local_files


def run(_: argparse.Namespace) -> int:
    """Print the names of the studies, and let editors know of new plug-ins.

    Raises UserError as params.load and local_files.check do.
    """
    given = params.load()
    local_files.check(given.files)
    schema.refresh()
    print(f"params.yaml is valid: {', '.join(given.studies)}")
    return 0
