"""The synthetic shapes: boxes are those of the pixels that are painted, and every size shows the same scenes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.data.dataset import Split
from batchwise.datasets import shapes
from batchwise.datasets.shapes import COVERED, NAMES, Shape, prepare

SIZES = {"train_rows": 40, "validation_rows": 5, "test_rows": 8, "objects": 4, "seed": 3}


def objects_of(part: Split) -> list[np.ndarray]:
    return [labels[labels[:, 4] >= 0] for labels in part.labels]


def tight(where: np.ndarray) -> list[int]:
    """Return the box of the pixels that are true, [H, W]."""
    rows, columns = np.nonzero(where)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("size", [64, 128])
def test_a_box_is_that_of_the_pixels_of_one_colour(size) -> None:
    """A shape has one colour, and nothing else has it: it is among those that its box has most of."""
    part = prepare(size=size, **SIZES).train
    for image, objects in zip(part.inputs, objects_of(part), strict=True):
        colours = image.astype("int64") @ [1, 256, 65536]
        for *sides, _ in objects:
            left, top, right, bottom = np.round(np.multiply(sides, size)).astype(int)
            np.testing.assert_allclose(np.multiply(sides, size), [left, top, right, bottom], atol=1e-4)
            most = Counter(colours[top:bottom, left:right].ravel().tolist()).most_common(3)
            assert [left, top, right, bottom] in [tight(colours == colour) for colour, _ in most]


def test_every_size_shows_the_same_scenes() -> None:
    small, large = (prepare(size=size, **SIZES).train for size in (64, 192))
    for one, other in zip(objects_of(small), objects_of(large), strict=True):
        np.testing.assert_array_equal(one[:, 4], other[:, 4])
        np.testing.assert_allclose(one[:, :4], other[:, :4], atol=1.01 / 64)
    shrunk = large.inputs.reshape(-1, 64, 3, 64, 3, 3).mean(axis=(2, 4))
    assert np.abs(shrunk - small.inputs).mean() < 3  # of 255; edges and lines fall otherwise
    assert np.abs(shrunk - small.inputs[::-1]).mean() > 30


def test_fewer_rows_are_the_first_of_more_and_a_seed_decides_them() -> None:
    whole = prepare(**SIZES)
    fewer = prepare(**SIZES | {"train_rows": 7, "validation_rows": 0})
    np.testing.assert_array_equal(fewer.train.inputs, whole.train.inputs[:7])
    np.testing.assert_array_equal(fewer.train.labels, whole.train.labels[:7])
    np.testing.assert_array_equal(fewer.test.inputs, whole.test.inputs)
    assert whole.sha256 == prepare(**SIZES).sha256 != prepare(**SIZES | {"seed": 4}).sha256
    assert not np.array_equal(whole.train.inputs[:8], whole.test.inputs)


def test_there_are_one_to_so_many_objects_of_all_classes() -> None:
    part = prepare(**SIZES | {"train_rows": 200}).train
    assert part.inputs.shape == (200, 64, 64, 3) and part.labels.shape == (200, 4, 5)
    assert {len(objects) for objects in objects_of(part)} == {1, 2, 3, 4}
    counts = np.bincount(np.concatenate(objects_of(part))[:, 4].astype(int), minlength=3)
    assert len(counts) == len(NAMES) and counts.min() > 0.8 * counts.mean()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(1, 8))
def test_no_shape_is_covered_by_more_than_the_limit_and_what_is_on_top_is_kept(seed, number) -> None:
    random = np.random.default_rng(seed)
    drawn = [shapes._shape(np.full(3, 0.3), random) for _ in range(number)]
    kept = shapes._uncovered(drawn)
    x, y = np.meshgrid(*[(np.arange(200) + 0.5) / 200] * 2)
    masks = [shape.covers(x, y) for shape in kept]
    for place, mask in enumerate(masks):
        hidden = np.any(masks[place + 1 :] or [np.zeros_like(mask)], axis=0)[mask].mean()
        assert hidden <= COVERED + 0.03  # of points, and of pixels
    assert kept[-1] is drawn[-1] and [shape for shape in drawn if shape in kept] == kept


def test_a_shape_under_another_is_left_out() -> None:
    grey = np.full(3, 0.5)
    below, above = (Shape(0, 0.5, 0.5, radius, 0.0, grey) for radius in (0.15, 0.2))
    assert shapes._uncovered([below, above]) == [above]
    assert shapes._uncovered([above, Shape(0, 0.5, 0.5, 0.05, 0.0, grey)])[0] is above  # a sixteenth is covered


@pytest.mark.parametrize("angle", [0.0, 0.3])
@pytest.mark.parametrize(("label", "area"), [(0, np.pi), (1, 3 * 3**0.5 / 4), (2, 2.0)])
def test_shapes_have_the_areas_of_regular_polygons(label, area, angle) -> None:
    x, y = np.meshgrid(*[(np.arange(800) + 0.5) / 800] * 2)
    inside = Shape(label, 0.4, 0.6, 0.2, angle, np.zeros(3)).covers(x, y)
    np.testing.assert_allclose(inside.mean(), area * 0.2**2, rtol=0.01)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 31}, "size is 31; at least 32 pixels are needed to tell a disc from a square"),
        ({"objects": 51}, "objects is 51; at most 50 find room in an image"),
        (
            {"size": 4096, "test_rows": 10**6},
            "all rows × size × size × 3 are 50,333,912,924,160 bytes; at most 4,000,000,000 are allowed",
        ),
    ],
)
def test_what_is_refused(options, said) -> None:
    with pytest.raises(UserError) as error:
        prepare(**SIZES | options)
    assert str(error.value) == said
