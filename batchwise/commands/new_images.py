"""python -m batchwise new, of images with boxes: what was found, and the entries of params.yaml for it."""

import argparse
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.data.annotated import coco_files, proposal, voc_files, yolo_files
from batchwise.data.annotated.found import Found

OF_TABLES = ("target", "text", "task", "test_file", "encoding", "groups", "order", "column")  # options of --csv


def files(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the entries of `files`. Raises UserError for options that do not go together."""
    for option in OF_TABLES:
        if getattr(arguments, option):
            raise UserError(f"--{option.replace('_', '-')} is of --csv; leave it out")
    if (arguments.coco is None) != (arguments.images is None):
        raise UserError("--coco FILE and --images FOLDER go together: the JSON file, and the folder of its images")
    if arguments.coco:
        return {arguments.name: arguments.coco, f"{arguments.name}_images": arguments.images}
    return {arguments.name: arguments.voc or arguments.yolo}


def entries(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the entries {section: {key: value}}, and print what was found. Raises UserError as its readers do."""
    name, given = arguments.name, files(arguments)
    found = _look(arguments)
    there = proposal.sizes(found)
    size = proposal.target_size(there)
    options = {"file": name, "images": f"{name}_images"} if arguments.coco else {"folder": name}
    plugin = "coco_file" if arguments.coco else "voc_folder" if arguments.voc else "yolo_folder"
    entry = proposal.data_set(found, size, plugin, options)
    print(*proposal.lines(found, there, size, entry), sep="\n", flush=True)
    study = proposal.study(name, proposal.training_rows(found, entry))
    return {"files": given, "data_sets": {name: entry}, "studies": {name: study}}


def _look(arguments: argparse.Namespace) -> Found:
    if arguments.coco:
        return coco_files.look(Path(arguments.coco), Path(arguments.images))
    return voc_files.look(Path(arguments.voc)) if arguments.voc else yolo_files.look(Path(arguments.yolo))
