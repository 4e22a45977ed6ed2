"""A run is the death of its workers only where what started them is still there and starts them again."""

from batchwise.config.grid import Run
from batchwise.execution.losses import DEATHS_ALLOWED, Loss, Losses
from tests.config.test_grid import study

RUN = None
