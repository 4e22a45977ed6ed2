"""Boxes of objects: within their image whatever a file says, in the same place however it is turned, none lost."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batchwise.common.errors import UserError
from batchwise.data import box_checks, objects
from batchwise.data.objects import Annotated, Notes
from tests.annotated import SIZE, mark, turned

LEFT_OUT = ("outside", "empty", "thin", "double", "crowd")
FILE = Path("boxes.xml")
SIDES = st.floats(-1e308, 1e308) | st.floats(-2, 10) | st.integers(-5, 20).map(float)
BOXES = st.tuples(st.sampled_from("ab"), st.tuples(SIDES, SIDES, SIDES, SIDES))


def encoded(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


WHITE = encoded(Image.new("RGB", (8, 8), "white"))


def annotated(boxes=(), **options: object) -> Annotated:
    return Annotated(Path("x.png"), boxes, FILE, **{"content": WHITE, **options})


def split(*given: Annotated, names: str = "ab", shape=(4, 4, 3)) -> tuple[np.ndarray, list[np.ndarray], Counter]:
    notes = Notes()
    inputs, boxes = objects.split(given, names, shape, notes)
    return inputs, boxes, notes.counts


@given(st.lists(BOXES, max_size=12), st.booleans(), st.lists(st.just("crowd"), max_size=3))
def test_every_box_is_a_label_within_its_image_or_is_counted(boxes, are_fractions, crowds) -> None:
    _, (found,), counts = split(annotated(boxes, are_fractions=are_fractions, left_out=crowds))
    assert len(boxes) + len(crowds) == len(found) + sum(counts[key] for key in LEFT_OUT)
    assert counts["without_objects"] == (not len(found))
    assert counts["exchanged"] == sum(box[0] > box[2] or box[1] > box[3] for _, box in boxes)
    box_checks.check("labels", objects.labels([found], 12), 1, ("a", "b"))


@given(st.lists(st.tuples(*[st.integers(0, 8)] * 4), max_size=8, unique=True))
def test_a_box_within_its_image_keeps_its_sides(boxes) -> None:
    right = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    _, (found,), counts = split(annotated([("b", box) for box in right], size=(8, 8)))
    np.testing.assert_array_equal(found, np.array([[*np.divide(box, 8), 1] for box in right]).reshape(-1, 5))
    assert not {*counts} - {"without_objects"}


# {what is said: a box of an image of 8 × 8 pixels}
MENDED = {
    "exchanged": ((6, 2, 1, 4), [1 / 8, 2 / 8, 6 / 8, 4 / 8]),
    "cut": ((-3, 2, 4, 20), [0, 2 / 8, 4 / 8, 1]),
    "empty": ((3, 2, 3, 4), None),
    "outside": ((9, 2, 12, 4), None),
    "thin": ((3, 2, 3.0001, 4), None),
}


@pytest.mark.parametrize("key", MENDED)
def test_a_box_that_is_wrong_is_mended_or_left_out_and_said(key) -> None:
    box, sides = MENDED[key]
    _, (found,), counts = split(annotated([("a", box), ("b", (0, 0, 8, 8))]))
    assert counts == {key: 1}
    assert found[:-1, :4].tolist() == ([] if sides is None else [sides])


def test_a_box_that_is_there_twice_counts_once_and_one_of_another_class_is_another() -> None:
    _, (found,), counts = split(annotated([("a", (1, 1, 2, 2)), ("a", (1, 1, 2, 2)), ("b", (1, 1, 2, 2))]))
    assert found[:, 4].tolist() == [0, 1] and counts == {"double": 1}


def test_what_six_decimals_leave_of_an_edge_is_not_beyond_it() -> None:
    _, (found,), counts = split(annotated([("a", (-1e-6, 0.5, 1.000001, 0.75))], are_fractions=True))
    assert not counts and found.tolist() == [[0, 0.5, 1, 0.75, 0]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["seen", "stored", "unknown", "fractions"])
def test_a_marked_pixel_stays_in_its_box_however_the_image_is_turned(orientation, frame) -> None:
    """Boxes of the image as it is stored are known by their size, which must be another than that of the seen one."""
    image, exif = turned(orientation)
    seen_box = (40.0, 4.0, 60.0, 9.0)
    is_told = orientation >= 5 or orientation == 1
    box, size = {
        "seen": (seen_box, SIZE),
        "stored": (mark(np.asarray(image)) if is_told else seen_box, image.size),
        "unknown": (seen_box, None),
        "fractions": (tuple(np.divide(seen_box, (*SIZE, *SIZE))), None),
    }[frame]
    options = {"content": encoded(image, exif=exif), "size": size, "are_fractions": frame == "fractions"}
    (pixels,), (found,), counts = split(annotated([("a", box)], **options), shape=(SIZE[1], SIZE[0], 3))
    np.testing.assert_allclose(found[0, :4] * [*SIZE, *SIZE], mark(pixels), rtol=1e-6)
    assert counts["turned"] == (orientation > 1)
    assert counts["turned_boxes"] == (orientation >= 5 and frame == "stored")
    known = orientation >= 5 and frame in ("seen", "stored")
    assert counts["seen_boxes"] == (orientation > 1 and not known)


def test_boxes_of_another_size_are_scaled_and_said() -> None:
    _, (found,), counts = split(annotated([("a", (0, 50, 100, 100))], size=(200, 100)))
    assert found.tolist() == [[0, 0.5, 0.5, 1, 0]] and counts == {"other_size": 1}


# {what is said: images of which it is}
KINDS = {
    "grey": [Image.new("L", (4, 4), 90), Image.new("1", (4, 4)), Image.new("LA", (4, 4))],
    "palette": [Image.new("RGB", (4, 4)).quantize(4)],
    "transparent": [Image.new("RGBA", (4, 4)), Image.new("LA", (4, 4))],
    "deep": [Image.fromarray(np.full((4, 4), 300, "uint16"))],
}


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_another_kind_is_read_and_said(key, channels) -> None:
    given = [annotated([("a", (0, 0, 2, 2))], content=encoded(image)) for image in KINDS[key]]
    inputs, boxes, counts = split(*given, shape=(4, 4, channels))
    assert inputs.shape == (len(given), 4, 4, channels) and len(boxes) == len(given) == counts[key]


def test_a_note_names_the_first_files_and_how_many_there_are() -> None:
    notes = Notes()
    for row in [*range(9), 0, 0]:
        notes.add("cut", Path(f"folder/{row}\n.xml"))
    notes.add("grey", Path("one.png"))
    one, several = notes.sentences()
    assert one == "1 image is grey ('one.png')"
    assert several.startswith("11 boxes reached beyond") and several.isprintable()
    assert several.endswith(r"('0\n.xml', '1\n.xml', '2\n.xml', …)")


def test_parts_have_room_for_the_fullest_image_of_all() -> None:
    full, empty = np.zeros((3, 5), "float32"), np.zeros((0, 5), "float32")
    inputs = np.zeros((1, 2, 2, 3), "uint8")
    parts = objects.parts([(inputs, [empty]), (inputs, [full]), (inputs[:0], [])])
    assert [part.labels.shape for part in parts] == [(1, 3, 5), (1, 3, 5), (0, 3, 5)]
    assert (parts[0].labels == -1).all() and (parts[1].labels == 0).all()


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([("a\n", (0, 0, float("inf"), 1))], r"boxes.xml: a box of 'a\n' is [0, 0, inf, 1]; four finite numbers are"),
        ([("a", (0, 0, 1 + row, 2)) for row in range(1001)], "boxes.xml has 1,001 boxes; at most 1,000 of an image"),
    ],
)
def test_boxes_that_cannot_be_mended_are_told(boxes, words) -> None:
    with pytest.raises(UserError) as told:
        split(annotated(boxes, size=(10_000, 10_000)))
    assert words in str(told.value) and str(told.value).isprintable()
