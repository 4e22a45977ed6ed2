"""python -m batchwise new: a CSV file, or images with boxes, become a data set and a study in params.yaml."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchwise.commands import new_images
from batchwise.commands.suggest import suggest
from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.common.repository import STORE
from batchwise.config import grid, params, params_file, yaml_file
from batchwise.config.params import Params
from batchwise.config.study import plain_name
from batchwise.data import local_files, preparation, prepared
from batchwise.data.asked import Asked
from batchwise.data.csv import columns, guess, proposal, text_column
from batchwise.data.csv.columns import Table, Target
from batchwise.data.csv.text_column import TextColumn
from batchwise.data.dataset import DataSet
from batchwise.execution import stage_times
from batchwise.execution.run_store import Store
from batchwise.report.sentences import classes
from batchwise.report.sentences import suggestion as sentences

PARAMS = Path("params.yaml")
OTHERS = "`--encoding cp932` for Japanese, cp949 for Korean, gb18030 for Chinese, cp1251 for Russian"  # of Windows
SPLITS = ("groups", "order", "column")
Added = dict[str, dict[str, Any]]  # {section of params.yaml: {key: what is new in it}}


def run(arguments: argparse.Namespace) -> int:
    """Print what the files were taken for, write files, data_sets and studies, and say what to type next.

    Raises UserError, and writes nothing, if the name is taken, or a file, a column or a target is not as it must be.
    """
    name, text = arguments.name, yaml_file.text_of(PARAMS)
    content = yaml_file.values(text, PARAMS.name)
    _check_free(name, content, ("files", "data_sets", "studies"))
    is_table = arguments.csv is not None
    added = _of_table(arguments, content) if is_table else _of_images(arguments, content)
    checked, data = _checked(name, added)
    if is_table:
        added["studies"][name]["grid"]["base_learning_rates"] = _rates(name, checked, data)
    for section, new in added.items():
        for key, value in new.items():
            text = params_file.add_entry(text, [section], key, value)
    params.check(yaml_file.values(text, PARAMS.name))
    params_file.write(PARAMS, text)
    runs = len(grid.runs(params.check(added).studies[name], data.rows["train"]))
    print(f"params.yaml has it now, under {', '.join(added)}: {runs} runs. To train them and open the report, type")
    print(f"  dvc repro {shlex.quote(f'report@{name}')}\n  reports/html/{name}.html")
    return 0


def _of_table(arguments: argparse.Namespace, content: dict[str, Any]) -> Added:
    """Return the entries of a CSV file, and print what it was taken for."""
    if not arguments.target:
        raise UserError("--csv needs --target COLUMN, the column to learn")
    if arguments.images:
        raise UserError("--images is of --coco; leave it out")
    if arguments.test_file:
        _check_free(_test_key(arguments.name), content, ("files",))
    table = columns.look(Path(arguments.csv), arguments.encoding)
    target = columns.target(table, arguments.target, arguments.task)
    texts = _text(arguments, table)
    print(*proposal.lines(table, target, arguments.target, _split(arguments), texts), sep="\n", flush=True)
    if arguments.encoding is None and table.form.encoding in guess.WESTERN:
        print(f"  it is no UTF-8; if it is not {table.form.encoding} (letters of Western Europe), say so: {OTHERS}")
    return _entries(arguments, table, target, texts)


def _of_images(arguments: argparse.Namespace, content: dict[str, Any]) -> Added:
    """Return the entries of images with boxes, and print what was found."""
    for key in new_images.files(arguments):
        _check_free(key, content, ("files",))
    return new_images.entries(arguments)


def _rates(name: str, checked: Params, data: DataSet) -> list[float]:
    """Return the learning rates that short runs suggest, and print what they were."""
    found = suggest(name, checked.studies[name], data, Store(STORE), stage_times.runs_file(checked, name), refine=False)
    print(*(f"  {line}" for line in sentences.findings(name, checked.studies[name], found)), sep="\n", flush=True)
    return found.base_learning_rates


def _checked(name: str, added: Added) -> tuple[Params, DataSet]:
    """Return the new parameters alone, checked, and the data set as it is prepared."""
    checked = params.check(added)
    asked = Asked(checked.data_sets, {}, local_files.now(checked.files))
    data = asked.prepare(name)
    for warning in (*preparation.warnings(data), *_too_few(data)):
        print(f"  warning: {warning}")
    return checked, data


def _too_few(data: DataSet) -> list[str]:
    """Return a warning of classes, or flags, with few test rows, or objects."""
    kind = data.task.labels.kind
    named = [*zip(data.class_names, prepared.class_counts(data, data.test.labels), strict=True)]
    return classes.too_few(named, flags=kind == "flags", what="objects" if kind == "boxes" else "rows")


def _text(arguments: argparse.Namespace, table: Table) -> TextColumn | None:
    """Return how the column of texts becomes ids, if one is named. Raises UserError if it has another role, too."""
    if arguments.text is None:
        return None
    others = {"--target": arguments.target, **{f"--{key}": [name] for key, name in _split(arguments).items()}}
    for option, names in others.items():
        if arguments.text in names:
            raise UserError(f"{shown(arguments.text)} is given as --text and as {option}; a column has one role")
    return text_column.look(table, arguments.text)


def _entries(arguments: argparse.Namespace, table: Table, target: Target, text: TextColumn | None) -> Added:
    name = arguments.name
    test_file = _test_key(name) if arguments.test_file else None
    entry = proposal.data_set(table, target, arguments.target, name, _split(arguments), test_file, text)
    rows = table.rows - target.missing - entry.get("test_rows", 0) - entry.get("validation_rows", 0)
    return {
        "files": {name: arguments.csv} | ({test_file: arguments.test_file} if test_file else {}),
        "data_sets": {name: entry},
        "studies": {name: proposal.study(name, target, rows, text)},
    }


def _split(arguments: argparse.Namespace) -> dict[str, str]:
    return {key: value for key in SPLITS if (value := getattr(arguments, key))}


def _test_key(name: str) -> str:
    return f"{name}_test"


def _check_free(name: str, content: dict[str, Any], sections: Sequence[str]) -> None:
    """Raise UserError for what is no name, or one that is in params.yaml already."""
    try:
        plain_name(name)
    except ValueError as error:
        raise UserError(str(error)) from None
    for section in sections:
        if name in (content.get(section) or {}):
            raise UserError(f"{shown(name)} is in the section {section} of params.yaml already; take another name")
