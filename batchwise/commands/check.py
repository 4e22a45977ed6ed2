"""python -m batchwise check: is params.yaml valid?"""

import argparse

from batchwise.config import params


def run(_: argparse.Namespace) -> int:
    """Print the names of the studies. Raises UserError as params.load does."""
    print(f"params.yaml is valid: {', '.join(params.load().studies)}")
    return 0
