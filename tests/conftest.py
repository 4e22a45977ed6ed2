"""Settings of Hypothesis, the order of the tests (those that run whole pipelines come last), and a browser."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from batchwise.runtime import device, engine

if TYPE_CHECKING:
    from tests.chromium import Browser

# Also where the tests run in the background of a shell, which ignores it there.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Keras takes its engine when it is imported: `TESTED_ENGINE=jax pytest tests/training`. On JAX it is imported now, and
# what would import TensorFlow from then on fails; on TensorFlow by the tests that need it, for the seconds it takes.
TESTED = os.environ.get("TESTED_ENGINE", "tensorflow")
engine.use(TESTED)  # type: ignore[arg-type]
if TESTED == "jax":
    device.configure()
# The same examples everywhere: a failure is of the change, not of chance, nor of a machine that is busy.
settings.register_profile("batchwise", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("batchwise")

# The longest begins first, so that all processes end together.
SLOW = (
    "test_pipeline",
    "test_recovery",
    "commands/test_suggest",
    "measuring/profiling/test_processes",
    "test_paper_pipeline",
    "report/pages/test_missing",
    "test_files",
    "report/test_report",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the slow files to the end, in the order above; the others keep theirs. Leave out those of another engine.

    Lines are not counted in tests of a hundred examples, which would take half as long again; the others run them too.
    """
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("no_cover")
    names = [item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix() for item in items]
    places = {item: SLOW.index(name) if name in SLOW else -1 for item, name in zip(items, names, strict=True)}
    items.sort(key=places.__getitem__)
    other = {"tensorflow", "jax"} - {TESTED}
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in other)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """Open a browser with a profile of its own."""
    from tests import chromium  # after the engine is chosen, of which tests/project.py makes its study

    if not chromium.BINARY:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    profile = tmp_path_factory.mktemp("profile")
    opened = chromium.Browser(profile)
    yield opened
    opened.close()
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def without_xla(monkeypatch) -> None:
    """Compile in no time, as networks with convolutions: then each epoch is a call, too."""
    from batchwise.training import network  # TensorFlow, which most tests do without

    monkeypatch.setattr(network, "has_convolutions", lambda model: True)
