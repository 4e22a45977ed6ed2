"""What systems leave in folders of the user's beside what was put there."""

from pathlib import Path

NAMES = ("Thumbs.db", "desktop.ini")  # beside hidden files


def is_leftover(folder: Path, path: Path) -> bool:
    """Return whether a file, or a folder that it is in within another, is none of the user's."""
    return any(part[0] == "." or part in NAMES for part in path.relative_to(folder).parts)
