"""What tasks with one number a row share: metrics of its errors, in the unit of the target."""

import numpy as np

from batchwise.data.task import TARGET, TaskMetric, Values


def rmse(squared: Values, of: str = "error") -> TaskMetric:
    """Return the metric of squared errors of rows, [B], of which `of` says what they are."""
    return TaskMetric(
        name="rmse",
        title="RMSE",
        description=f"root of the mean squared {of}, in the unit of the target",
        higher_is_better=False,
        baseline=lambda labels: float(labels.std()),
        values=squared,
        reduce=np.sqrt,
        unit=TARGET,
        lowest=0,
    )


def mae(absolute: Values, of: str = "error") -> TaskMetric:
    """Return the metric of absolute errors of rows, [B], of which `of` says what they are."""
    return TaskMetric(
        name="mae",
        title="MAE",
        description=f"mean absolute {of}, in the unit of the target",
        higher_is_better=False,
        baseline=lambda labels: float(np.abs(labels - np.median(labels)).mean()),
        values=absolute,
        unit=TARGET,
        lowest=0,
    )
