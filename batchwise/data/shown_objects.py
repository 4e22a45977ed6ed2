"""What a report shows of images with boxes: all objects of the test rows, and a few photographs of them as JPEG."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from batchwise.data.dataset import DataSet

PHOTOGRAPHS = 3
LONGEST = 480  # pixels of a side
QUALITIES = (85, 70, 50, 30)  # of a JPEG: the first with which it is small, for a report has it once for each m
MOST_BYTES = 40_000
CHANNELS = (1, 3)  # of images that are photographs: grey, or red, green and blue


def facts(data: DataSet) -> dict[str, Any]:
    """Return the boxes of each test row, with their class, and photographs that are evenly spaced among the rows.

    So they are not chosen by what is seen in them. There are none of inputs that are no bytes of grey or colour.
    """
    labels = data.test.labels
    return {
        "test": [[[round(float(value), 6) for value in box] for box in of_row[of_row[:, 4] >= 0]] for of_row in labels],
        "photographs": [_photograph(row, data.test.take(np.array([row])).inputs[0]) for row in _shown(data)],
    }


def objects(given: dict[str, Any]) -> np.ndarray:
    """Return the boxes of test rows of `facts`, [rows, L, 5], −1 where there is none."""
    room = max(map(len, given["test"]), default=0)
    found = np.full((len(given["test"]), max(room, 1), 5), -1.0)
    for row, boxes in enumerate(given["test"]):
        found[row, : len(boxes)] = np.reshape(boxes, (-1, 5))
    return found


def _shown(data: DataSet) -> list[int]:
    """Return the test rows of photographs: the middles of so many parts of all rows."""
    inputs, rows = data.test.inputs, len(data.test.labels)
    if inputs.dtype != np.uint8 or inputs.shape[-1] not in CHANNELS:
        return []
    return np.unique(np.linspace(0, rows, 2 * PHOTOGRAPHS + 1)[1::2].astype(int)).tolist()


def _photograph(row: int, pixels: np.ndarray) -> dict[str, Any]:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((LONGEST, LONGEST))
    height, width = pixels.shape[:2]
    return {"row": row, "height": height, "width": width, "jpeg": base64.b64encode(_jpeg(image)).decode()}


def _jpeg(image: Image.Image) -> bytes:
    """Return an image in the best of QUALITIES in which it has MOST_BYTES at most, or in the last."""
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if len(file.getvalue()) <= MOST_BYTES:
            break
    return file.getvalue()
