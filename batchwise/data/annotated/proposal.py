"""What params.yaml says of images with boxes and of a first study of them: plain values, which its owner can edit."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.data import images
from batchwise.data.annotated.found import Found
from batchwise.data.annotated.listing import UNLISTED

SHARE, MOST_ROWS = 0.2, 20_000  # of all images, for the test and again for validation, as of a CSV file
FEWEST = 5  # images
MULTIPLE, LONGEST = 32, 160  # pixels of a side: grids of a detector divide it, and two cores train it in minutes
IMAGES_TO_TRAIN = 3500  # in all epochs
EPOCHS = (4, 100)
BATCH_SIZES = (4, 16, 64)
# With `sqrt` these are η = 0.004, 0.008 and 0.016 at m = 4, around what trains the detector on photographs of cells
# (gallery/detection). Short runs, which find those of other models, take minutes with a detector.
BASE_LEARNING_RATES = [0.002, 0.004, 0.008]
FEW = 8  # classes that a line names

Size = tuple[int, int]  # width and height in pixels


def sizes(found: Found) -> Counter[Size]:
    """Return how many images have each size as they are seen. Raises UserError for what is no image."""
    return Counter(images.size(image.path) for image in found.everything)


def target_size(found: Counter[Size]) -> Size:
    """Return the size to which images are resized: of the shape that most of them have, no larger, in MULTIPLEs."""
    shapes: Counter[float] = Counter()
    for size, count in found.items():
        shapes[_shape(size)] += count
    shape = max(shapes, key=lambda each: (shapes[each], each))
    longest = max(max(size) for size in found if _shape(size) == shape)
    long = min(max(longest // MULTIPLE * MULTIPLE, MULTIPLE), LONGEST)
    short = max(round(long * min(shape, 1 / shape) / MULTIPLE) * MULTIPLE, MULTIPLE)
    return (long, short) if shape >= 1 else (short, long)


def _shape(size: Size) -> float:
    """Return the width over the height, to two decimals, at least 0.01."""
    return max(round(size[0] / size[1], 2), 0.01)


def data_set(found: Found, size: Size, plugin: str, files: dict[str, str]) -> dict[str, Any]:
    """Return the entry of `data_sets`, of a plug-in with {option: key of `files`}.

    Raises UserError for too few images.
    """
    number = len(found.everything)
    if number < FEWEST:
        raise UserError(
            f"{found.source} has {number} images; {FEWEST} are needed at least, and hundreds tell something"
        )
    width, height = size
    return {"name": plugin, **files, "height": height, "width": width, **_rows(found), "seed": 0}


def _rows(found: Found) -> dict[str, int]:
    """Return how many rows are drawn by chance: none of parts that the images have."""
    if not found.has_split:
        rows = min(round(SHARE * len(found.everything)), MOST_ROWS)
        return {"test_rows": rows, "validation_rows": rows}
    if "validation" in found.images:
        return {}
    return {"validation_rows": min(round(SHARE * len(found.images["train"])), MOST_ROWS)}


def training_rows(found: Found, entry: dict[str, Any]) -> int:
    """Return how many images are trained on with an entry of `data_sets`."""
    images_of = found.images["train"] if found.has_split else found.everything
    return len(images_of) - entry.get("test_rows", 0) - entry.get("validation_rows", 0)


def study(name: str, rows: int) -> dict[str, Any]:
    """Return the entry of `studies`, for so many training rows."""
    epochs = min(max(round(IMAGES_TO_TRAIN / rows), EPOCHS[0]), EPOCHS[1])
    return {
        "data_set": name,
        "model": {"name": "centernet_small", "normalization": "batch"},
        "task": {"name": "detection", "class_balance": 0.5},
        "optimizer": {"name": "adam", "ema_half_life": 137},
        "schedule": {"drops": [0.75]},
        "augmentation": {"pad": 0, "flip": True, "zoom": 1.15},
        "budget": {"epochs": epochs},
        "scores_every": "doubling",
        "learning_rate_scaling": "sqrt",
        "grid": {
            "batch_sizes": [m for m in BATCH_SIZES if m <= rows] or [rows],
            "base_learning_rates": BASE_LEARNING_RATES,
            "seeds": 3,
        },
        "confirmation": {"most_seeds": 3},
    }


def lines(found: Found, there: Counter[Size], size: Size, entry: dict[str, Any]) -> Iterator[str]:
    """Yield what was found: images and their sizes, objects of each class; and how an entry of `data_sets` splits."""
    number = sum(there.values())
    yield f"{found.source}: {number:,} images, {len(found.names)} classes"
    (width, height), most = max(there.items(), key=lambda pair: (pair[1], pair[0]))
    yield f"  images      {width}×{height} in {most:,} of {number:,}; trained at {size[0]}×{size[1]}"
    counts = Counter(name for image in found.everything for name, _ in image.boxes)
    some = ", ".join(f"{shown(name)} {counts[name]:,}" for name in found.names[:FEW])
    more = f" and {len(found.names) - FEW} more classes" if len(found.names) > FEW else ""
    yield f"  objects     {sum(counts.values()):,} ({some}{more})"
    parts = {part: len(of_part) for part, of_part in found.images.items() if part != UNLISTED}
    own = ", ".join(f"{part} {amount:,}" for part, amount in parts.items())
    rows = {part: entry[f"{part}_rows"] for part in ("test", "validation") if f"{part}_rows" in entry}
    drawn = " and ".join(f"{amount:,} {part}" for part, amount in rows.items())
    if found.has_split:
        yield f"  split       {own}{f'; {drawn} images of train, by chance' if drawn else ''}"
    else:
        yield f"  split       {drawn} images, by chance"
