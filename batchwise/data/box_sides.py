"""Boxes as four sides (left, top, right, bottom): turned with their image, and mended so that they are within it.

Sides are fractions of the image, from its left and from its top.
"""

Box = tuple[float, float, float, float]  # left, top, right, bottom

LEAST_SIDE = 1e-4  # of an image; a box that is narrower is none: float32 would leave little of its sides
ROUNDING = 2e-6  # by which a side may be beyond the image in a file with six decimals, and be at its edge


def turned(box: Box, orientation: int) -> Box:
    """Return a box of an image as it is stored in the image as it is seen, as Pillow's `exif_transpose` turns it.

    Of the orientations 5 to 8 of EXIF, which exchange the sides of the image.
    """
    left, top, right, bottom = box
    x, y = {
        5: ((top, bottom), (left, right)),
        6: ((1 - bottom, 1 - top), (left, right)),
        7: ((1 - bottom, 1 - top), (1 - right, 1 - left)),
        8: ((top, bottom), (1 - right, 1 - left)),
    }[orientation]
    return x[0], y[0], x[1], y[1]


def within(box: Box) -> tuple[Box | None, list[str]]:
    """Return what is left of a box within its image, None if that is nothing, and what was mended or is wrong.

    That is said by keys of objects.NOTES.
    """
    left, right = sorted(box[::2])
    top, bottom = sorted(box[1::2])
    ordered = (left, top, right, bottom)
    mended = ["exchanged"] if ordered != box else []
    if left == right or top == bottom:
        return None, [*mended, "empty"]
    if min(right, bottom) <= 0 or max(left, top) >= 1:
        return None, [*mended, "outside"]
    inner = max(left, 0.0), max(top, 0.0), min(right, 1.0), min(bottom, 1.0)
    if max(abs(side - cut) for side, cut in zip(ordered, inner, strict=True)) > ROUNDING:
        mended.append("cut")
    if inner[2] - inner[0] < LEAST_SIDE or inner[3] - inner[1] < LEAST_SIDE:
        return None, [*mended, "thin"]
    return inner, mended
