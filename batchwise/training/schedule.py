"""The learning rate of each update, as a multiple of η."""

import numpy as np

from batchwise.config.recipe import Schedule

# Goyal et al. 2017 (arXiv 1706.02677), as in Masters & Luschi 2018, section 3.4: from η/32 to η, linearly.
WARM_UP_START = 1 / 32
# Masters & Luschi 2018, section 3.1
DROP = 0.1


def multiples(schedule: Schedule, updates: int) -> np.ndarray:
    """Return what η is multiplied with at each of a run's updates, [updates] float64.

    Update s of S, from 0, is s/S of the way: it warms up before `warm_up`, and is ×0.1 from each of `drops` on.
    """
    way = np.arange(updates) / updates
    dropped = DROP ** np.searchsorted(schedule.drops, way, side="right")
    if not schedule.warm_up:
        return dropped
    return dropped * np.minimum(WARM_UP_START + (1 - WARM_UP_START) * way / schedule.warm_up, 1)
