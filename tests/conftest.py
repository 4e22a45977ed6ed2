"""Settings of Hypothesis, the order of the tests (those that run whole pipelines come last), and a browser."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import chromium

# Also where the tests run in the background of a shell, which ignores it there.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The same examples everywhere: a failure is of the change, not of chance, nor of a machine that is busy.
settings.register_profile("batchwise", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("batchwise")

# The longest begins first, so that two processes end together.
SLOW = ("test_pipeline", "test_recovery", "report/pages/test_paper", "test_paper_pipeline", "report/test_report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the slow files to the end, in the order above; the others keep theirs."""
    names = [item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix() for item in items]
    places = {item: SLOW.index(name) if name in SLOW else -1 for item, name in zip(items, names, strict=True)}
    items.sort(key=places.__getitem__)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Browser]:
    """Open a browser with a profile of its own."""
    if not chromium.BINARY:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    profile = tmp_path_factory.mktemp("profile")
    opened = chromium.Browser(profile)
    yield opened
    opened.close()
    shutil.rmtree(profile, ignore_errors=True)
