"""Your own images with boxes around objects, of which a text file for each says in the format of YOLO."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.option_types import File, Seed
from batchwise.data.annotated import found, yolo_files
from batchwise.data.dataset import DataSet


def prepare(
    *,
    folder: File,
    height: PositiveInt,
    width: PositiveInt,
    channels: Literal[1, 3] = 3,
    test_rows: NonNegativeInt = 0,
    validation_rows: NonNegativeInt = 0,
    seed: Seed = 0,
) -> DataSet:
    """Return images, resized to uint8 [N, height, width, channels] whatever shape they had, with their boxes.

    The split of folders train, val and test is kept unless test rows are asked for. Raises UserError as
    yolo_files.look and found.data_set do.
    """
    return found.data_set(
        yolo_files.look(folder),
        (height, width, channels),
        test_rows=test_rows,
        validation_rows=validation_rows,
        seed=seed,
    )
