"""What is written once params.yaml was checked: files of which each changes with what it names alone."""

from batchwise.config.params import Params


def files(params: Params) -> dict[str, bytes]:
    """Return {file: its bytes}: one that is always the same, and the names of the studies, in their order."""
    names = "".join(f"{name}\n" for name in params.studies)
    return {"data/checked.txt": b"params.yaml is valid\n", "data/studies.txt": names.encode()}
