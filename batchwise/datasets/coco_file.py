"""Your own images with boxes around objects, of which a JSON file says in the format of COCO."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.option_types import File, Seed
from batchwise.data.annotated import coco_files, found
from batchwise.data.dataset import DataSet


def prepare(
    *,
    file: File,
    images: File,
    height: PositiveInt,
    width: PositiveInt,
    channels: Literal[1, 3] = 3,
    test_rows: NonNegativeInt = 0,
    validation_rows: NonNegativeInt = 0,
    seed: Seed = 0,
) -> DataSet:
    """Return images, resized to uint8 [N, height, width, channels] whatever shape they had, with their boxes.

    The test and validation rows are drawn by chance. Raises UserError as coco_files.look and found.data_set do.
    """
    return found.data_set(
        coco_files.look(file, images),
        (height, width, channels),
        test_rows=test_rows,
        validation_rows=validation_rows,
        seed=seed,
    )
