"""Settings of Hypothesis, and the order of the tests: those that run whole pipelines come last."""

import pytest
from hypothesis import settings

# The same examples everywhere: a failure is of the change, not of chance.
settings.register_profile("batchwise", derandomize=True, deadline=None)
settings.load_profile("batchwise")

SLOW = ("test_paper_report", "test_report", "test_pipeline", "test_paper_pipeline", "test_recovery")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the slow files to the end, in the order above; the others keep theirs."""
    items.sort(key=lambda item: SLOW.index(item.path.stem) if item.path.stem in SLOW else -1)
