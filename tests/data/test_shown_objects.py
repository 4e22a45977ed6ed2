"""What a report keeps of images with boxes: all objects of test rows, and photographs."""

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batchwise.data import folds, prepared, shown_objects
from batchwise.data.dataset import DataSet, Split
from batchwise.data.shown_objects import LONGEST, MOST_BYTES, PHOTOGRAPHS
from tests.fabricated_objects import data_set, labels

DATA = data_set()


def with_test(inputs: np.ndarray, boxes: np.ndarray) -> DataSet:
    """Return a data set with other test rows, whose images may be of another size: it is not checked again."""
    made = object.__new__(DataSet)
    made.__dict__.update(vars(DATA) | {"test": Split(inputs, boxes)})
    return made


def decoded(photograph: dict) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(photograph["jpeg"]))))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.integers(0, 10**6))
def test_objects_come_back_to_six_digits_whatever_their_number(numbers, seed) -> None:
    random = np.random.default_rng(seed)
    boxes = random.uniform(0, 1, (len(numbers), max(numbers) + 1, 5)).astype("float32")
    boxes[..., 4] = random.integers(0, 3, boxes.shape[:2])
    for row, number in enumerate(numbers):
        boxes[row, number:] = -1
    given_facts = shown_objects.facts(with_test(np.zeros((len(numbers), 2, 2, 1), "uint8"), boxes))
    back = shown_objects.objects(json.loads(json.dumps(given_facts)))
    kept = max(max(numbers), 1)
    assert back.shape == (len(numbers), kept, 5)
    np.testing.assert_allclose(back, boxes[:, :kept], atol=6e-7)
    np.testing.assert_array_equal(back[..., 4], boxes[:, :kept, 4])


def test_rows_whose_objects_are_not_at_the_front_keep_them_all() -> None:
    boxes = labels(3)
    boxes[:, [0, 2]] = -1
    back = shown_objects.objects(shown_objects.facts(with_test(np.zeros((3, 2, 2, 1), "uint8"), boxes)))
    np.testing.assert_allclose(back, boxes[:, [1, 3, 4, 5]], atol=6e-7)


@given(st.integers(1, 500))
def test_photographs_are_evenly_spaced_and_no_more_than_there_are(rows) -> None:
    shown = shown_objects._shown(with_test(np.zeros((rows, 1, 1, 1), "uint8"), labels(rows)))
    assert len(shown) == min(rows, PHOTOGRAPHS) and shown == sorted({*shown}) and shown[0] >= 0 and shown[-1] < rows
    gaps = np.diff([-shown[0] - 1, *shown, 2 * rows - 1 - shown[-1]])  # to their mirror images at both ends
    assert np.ptp(gaps) <= 2


@pytest.mark.parametrize("channels", [1, 3])
def test_a_photograph_has_the_pixels_of_its_row(channels) -> None:
    ramp = np.linspace(0, 200, 24 * 32).reshape(24, 32, 1) + 20 * np.arange(channels)
    inputs = np.stack([ramp / (1 + row) for row in range(12)]).astype("uint8")
    for photograph in shown_objects.facts(with_test(inputs, labels(12)))["photographs"]:
        pixels = decoded(photograph)
        assert (photograph["height"], photograph["width"]) == (24, 32)
        assert pixels.shape == ((24, 32) if channels == 1 else (24, 32, 3))
        difference = pixels.reshape(24, 32, channels).astype(int) - inputs[photograph["row"]]
        assert np.abs(difference).mean() < 4


@pytest.mark.parametrize(("height", "width"), [(1200, 900), (300, 2000), (480, 480), (481, 10)])
def test_large_photographs_are_reduced_with_their_proportions(height, width) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype="uint8")
    (photograph,) = shown_objects.facts(with_test(pixels, labels(1)))["photographs"]
    assert (photograph["height"], photograph["width"]) == (height, width)
    found = decoded(photograph).shape[:2]
    assert max(found) == LONGEST
    assert found[0] == pytest.approx(height * LONGEST / max(height, width), abs=1)
    assert found[1] == pytest.approx(width * LONGEST / max(height, width), abs=1)


def test_noise_takes_more_bytes_and_is_compressed_more() -> None:
    random = np.random.default_rng(0)
    smooth = random.integers(0, 256, (1, 4, 6, 3), dtype="uint8").repeat(80, 1).repeat(80, 2)
    noise = smooth + random.integers(0, 12, (1, 320, 480, 3), dtype="uint8")
    sizes = []
    for pixels in (smooth, noise):
        (photograph,) = shown_objects.facts(with_test(pixels, labels(1)))["photographs"]
        sizes.append(len(base64.b64decode(photograph["jpeg"])))
    assert sizes[0] < sizes[1] <= MOST_BYTES


@pytest.mark.parametrize("inputs", [np.zeros((12, 4, 4, 3), "float32"), np.zeros((12, 4, 4, 4), "uint8")])
def test_what_is_no_photograph_is_not_shown_and_keeps_its_objects(inputs) -> None:
    about = shown_objects.facts(with_test(inputs, labels(12)))
    assert about["photographs"] == [] and len(about["test"]) == 12


def test_a_study_with_folds_has_none(tmp_path) -> None:
    for name, part in (("plain", DATA), ("folded", folds.deal(DATA, 3, whole=DATA))):
        prepared.save_part(part, tmp_path, name, {}, {})
    assert len(prepared.read_part(tmp_path, "plain")["objects"]["test"]) == 12
    assert "objects" not in prepared.read_part(tmp_path, "folded")
