"""Order of the tests: those that run whole pipelines come last."""

import pytest

SLOW = ("test_report", "test_pipeline", "test_recovery")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the slow files to the end, in the order above; the others keep theirs."""
    items.sort(key=lambda item: SLOW.index(item.path.stem) if item.path.stem in SLOW else -1)
