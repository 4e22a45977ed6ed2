"""Made-up photographs with boxes, in the formats of Pascal VOC, COCO and YOLO; and those that EXIF data turn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from batchwise.data.box_sides import Box

NAMES = ("cell", "plate")
SIZE = (64, 32)  # width and height: sums and halves of fractions of it are exact
SHAPE = {"height": 32, "width": 64}
# {orientation of EXIF: what makes of an image as it is seen the one that is stored}
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass(frozen=True)
class Photograph:
    """An image with its boxes in pixels."""

    name: str
    pixels: np.ndarray  # [height, width, 3]
    boxes: Sequence[tuple[str, Box]]


def photographs(number: int = 10) -> list[Photograph]:
    """Return photographs of noise with two objects each, a box of either class."""
    random = np.random.default_rng(0)
    made = []
    for row in range(number):
        left, top = random.integers(0, 30, 2).tolist()
        boxes = [("plate", (left, top // 2, left + 20, top // 2 + 10)), ("cell", (2 * row, 3, 2 * row + 5, 9))]
        made.append(Photograph(f"{row:03}", random.integers(0, 256, (32, 64, 3), "uint8"), boxes))
    return made


def voc(boxes: Sequence[tuple[str, Box]], size: tuple[int, int] = SIZE, image: str = "") -> str:
    """Return a file of Pascal VOC."""
    objects = "".join(
        f"<object><name>{escape(name)}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for name, (left, top, right, bottom) in boxes
    )
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{escape(image)}</filename>{sides}{objects}</annotation>"


def yolo(boxes: Sequence[tuple[str, Box]], size: tuple[int, int] = SIZE) -> str:
    """Return a file of YOLO."""
    lines = []
    for name, (left, top, right, bottom) in boxes:
        x, y, width, height = left + right, top + bottom, right - left, bottom - top
        place = x / 2 / size[0], y / 2 / size[1], width / size[0], height / size[1]
        lines.append(f"{NAMES.index(name)} {' '.join(map(repr, place))}\n")
    return "".join(lines)


def coco(boxes: Mapping[str, Sequence[tuple[str, Box]]], size: tuple[int, int] = SIZE) -> dict[str, list[dict]]:
    """Return what is in a file of COCO, of the boxes of each image; the numbers of classes are 7 and 30."""
    images = [
        {"id": 100 + row, "file_name": name, "width": size[0], "height": size[1]} for row, name in enumerate(boxes)
    ]
    annotations = [
        {
            "id": 1,
            "image_id": image["id"],
            "category_id": {"cell": 7, "plate": 30}[name],
            "bbox": [left, top, right - left, bottom - top],
            "iscrowd": 0,
        }
        for image, of_image in zip(images, boxes.values(), strict=True)
        for name, (left, top, right, bottom) in of_image
    ]
    categories = [{"id": 30, "name": "plate"}, {"id": 7, "name": "cell"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_images(folder: Path, made: Sequence[Photograph]) -> None:
    """Write the photographs alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in made:
        Image.fromarray(each.pixels).save(folder / f"{each.name}.png")


def write_voc(folder: Path, made: Sequence[Photograph]) -> Path:
    """Write photographs with files of Pascal VOC beside them in folders of their own, as it has them."""
    write_images(folder / "JPEGImages", made)
    (folder / "Annotations").mkdir(exist_ok=True)
    for each in made:
        (folder / "Annotations" / f"{each.name}.xml").write_text(voc(each.boxes, image=f"{each.name}.png"))
    return folder


def write_yolo(folder: Path, made: Sequence[Photograph]) -> Path:
    """Write photographs with files of YOLO beside them in folders of their own, as it has them."""
    write_images(folder / "images", made)
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "classes.txt").write_text("\n".join(NAMES))
    for each in made:
        (folder / "labels" / f"{each.name}.txt").write_text(yolo(each.boxes))
    return folder


def write_coco(folder: Path, made: Sequence[Photograph]) -> tuple[Path, Path]:
    """Write photographs and a file of COCO; return the file and the folder of the images."""
    write_images(folder / "images", made)
    file = folder / "boxes.json"
    file.write_text(json.dumps(coco({f"{each.name}.png": each.boxes for each in made})))
    return file, folder / "images"


def turned(orientation: int, size: tuple[int, int] = SIZE) -> tuple[Image.Image, Image.Exif]:
    """Return an image as it is stored, and its EXIF data: black, with a mark that is white where it is seen.

    Seen, it has a size, and its mark the sides that `mark` says.
    """
    seen = np.zeros((size[1], size[0], 3), "uint8")
    seen[4:9, 40:60] = 255
    how = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(seen)
    return (image if how is None else image.transpose(how)), exif


def mark(pixels: np.ndarray) -> Box:
    """Return the sides of what is white in an image, [height, width, 3], in pixels."""
    rows, columns = np.nonzero(pixels[..., 0] > 127)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)
