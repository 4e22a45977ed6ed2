"""What params.yaml says of a CSV file and of a first study of it: plain values, which its owner can edit."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchwise.common.errors import UserError
from batchwise.common.messages import shown
from batchwise.common.option_types import MAX_ITEMS
from batchwise.data.csv.columns import MIN_ROWS, Column, Kind, Table, Target
from batchwise.data.csv.form import Form
from batchwise.data.csv.text_column import TextColumn

SHARE, MOST_ROWS = 0.2, 20_000  # of all rows, for the test and again for validation; they are evaluated at each epoch
UNEQUAL = 3  # times the rows of the smallest class that the largest has: then accuracy says little
ROWS_TO_TRAIN = 150_000  # in all epochs: a run takes a second or so
EPOCHS = (5, 100)
SMALLEST, LARGEST = 8, 512  # batch sizes
KINDS: dict[Kind, str] = {"number": "numbers", "category": "categories"}  # of inputs, as params.yaml names them
FEW = 8  # columns that a line names


def data_set(
    table: Table,
    target: Target,
    names: Sequence[str],
    key: str,
    split: dict[str, str],
    test_file: str | None,
    text: TextColumn | None = None,
) -> dict[str, Any]:
    """Return the entry of `data_sets`; what is as the plug-in has it by default is left out."""
    form, used = table.form, {*names, *split.values()}
    written = {"separator": form.separator, "decimal": form.decimal, "encoding": form.encoding}
    usual = Form()
    rows = min(round(SHARE * (table.rows - target.missing)), MOST_ROWS)
    given = test_file is not None or "column" in split
    inputs = {kind: [name for name in table.names(kind) if name not in used] for kind in KINDS}
    _check(table, target, {} if text else inputs, rows or "column" in split)
    of_columns = {KINDS[kind]: chosen for kind, chosen in inputs.items()}
    return {
        "name": "csv",
        "file": key,
        **({"test_file": test_file} if test_file else {}),
        "target": names[0] if len(names) == 1 else list(names),
        "task": target.task,
        **(_of_text(text) if text else of_columns),
        **{name: value for name, value in written.items() if value != getattr(usual, name)},
        **({"missing_target": "drop"} if target.missing else {}),
        **({"split": split} if split else {}),
        **({} if given else {"test_rows": rows}),
        **({} if "column" in split else {"validation_rows": rows}),
        "seed": 0,
    }


def _check(table: Table, target: Target, inputs: dict[Kind, list[str]], has_rows: object) -> None:
    """Raise UserError where no column is left for inputs, where there are too many, or for too few rows."""
    if inputs and not any(inputs.values()):
        found = f"{table.path} has no column for inputs beside those that are left out"
        texts = [column.name for column in table.columns if column.kind == "text"]
        texts_too = f"add `--text {shlex.quote(texts[0])}` to learn from its texts, or " if texts else ""
        raise UserError(f"{found}; {texts_too}name some by hand under `numbers` or `categories` (docs/data.md)")
    for kind, chosen in inputs.items():
        if len(chosen) > MAX_ITEMS:
            found = f"{table.path} has {len(chosen):,} columns of {KINDS[kind]}; at most {MAX_ITEMS:,} can be named"
            raise UserError(f"{found}; leave some out, or write a plug-in that reads the file (docs/data.md)")
    if not has_rows:
        found = f"{table.path} has {table.rows - target.missing} rows with a target"
        raise UserError(f"{found}; at least {MIN_ROWS} are needed, one for each part")


def _of_text(text: TextColumn) -> dict[str, Any]:
    found = {"text": text.name, "tokens": text.tokens, "max_tokens": text.max_tokens, "vocabulary": text.vocabulary}
    return found if text.tokens != "words" else {key: value for key, value in found.items() if key != "tokens"}


def study(name: str, target: Target, rows: int, text: TextColumn | None = None) -> dict[str, Any]:
    """Return the entry of `studies`, without its learning rates, for so many training rows."""
    largest = max(2 * SMALLEST, 2 ** min(LARGEST.bit_length() - 1, (rows // 4).bit_length() - 1))
    middle = 2 ** round((SMALLEST.bit_length() + largest.bit_length() - 2) / 2)
    epochs = min(max(round(ROWS_TO_TRAIN / rows), EPOCHS[0]), EPOCHS[1])
    return {
        "data_set": name,
        "model": _bag(text) if text else {"name": "mlp", "hidden_units": [32]},
        "optimizer": {"name": "adam"},
        "budget": {"epochs": epochs},
        "learning_rate_scaling": "sqrt",
        **({"metric": "balanced_accuracy"} if is_unequal(target) else {}),
        "grid": {"batch_sizes": sorted({SMALLEST, middle, largest}), "base_learning_rates": [0.001], "seeds": 3},
        "confirmation": {"most_seeds": 10},
    }


def _bag(text: TextColumn) -> dict[str, Any]:
    """Return a model for texts that trains in seconds."""
    return {"name": "bag_of_embeddings", "vocabulary": text.vocabulary, "embedding_units": 32}


def is_unequal(target: Target) -> bool:
    """Return whether one class has many more rows than another."""
    one_of_classes = target.task in ("binary_classification", "multiclass_classification")
    return one_of_classes and max(target.classes.values()) > UNEQUAL * min(target.classes.values())


def lines(
    table: Table,
    target: Target,
    names: Sequence[str],
    split: Mapping[str, str] = {},
    text: TextColumn | None = None,
) -> Iterator[str]:
    """Yield what the file, its columns and its target were taken for, and by which column its rows are split."""
    signs = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
    separated = signs.get(table.form.separator, table.form.separator)
    decimal = "decimal commas, " if table.form.decimal == "," else ""
    written = f"{decimal}{separated}, {table.form.encoding}"
    yield f"{table.path}: {table.rows:,} rows, {len(table.columns)} columns; {written}"
    used = {*names, *split.values(), *([text.name] if text else [])}
    others = [column for column in table.columns if column.name not in used]
    if text:
        yield from _texts(text)
    for kind, title in () if text else KINDS.items():
        yield from _inputs(title, [column for column in others if column.kind == kind])
    for column in others:
        if text or column.kind not in KINDS:
            yield f"  left out    {shown(column.name)}: {column.kind}{_more(column)}"
    for rule, name in split.items():
        yield f"  split       {shown(name)}: {rule}"
    yield f"  target      {', '.join(map(shown, names))}: {target.task}{_classes(target)}"
    if target.missing:
        yield f"              missing in {_rows(target.missing)}, left out"
    if target.note:
        yield f"              {target.note}"


def _texts(text: TextColumn) -> Iterator[str]:
    """Yield what becomes of a column of texts."""
    some = f"{100 * text.whole:.0f} % of the texts have no more"
    yield f"  text        {shown(text.name)}: {text.tokens}, {text.vocabulary:,} ids, T = {text.max_tokens} ({some})"
    if text.empty:
        yield f"              {_rows(text.empty)} without any text: padding alone"


def _inputs(title: str, columns: list[Column]) -> Iterator[str]:
    if columns:
        some = ", ".join(f"{shown(column.name)}{_levels(column)}" for column in columns[:FEW])
        more = f" and {len(columns) - FEW} more" if len(columns) > FEW else ""
        yield f"  {title:<11} {some}{more}"
    for column in columns:
        if column.missing or column.note:
            yield f"              {shown(column.name)}: {_more(column).removeprefix(', ')}"


def _levels(column: Column) -> str:
    return f" ({column.levels})" if column.levels else ""


def _more(column: Column) -> str:
    missing = [f"missing in {_rows(column.missing)}"] if column.missing else []
    return "".join(f", {text}" for text in (*missing, *([column.note] if column.note else [])))


def _rows(number: int) -> str:
    return f"{number:,} row{'s' if number != 1 else ''}"


def _classes(target: Target) -> str:
    """Return the sizes of the classes: of many, of the largest and the smallest."""
    if not target.classes:
        return ""
    ordered = sorted(target.classes.items(), key=lambda pair: (-pair[1], pair[0]))
    some = ordered if len(ordered) <= FEW else [ordered[0], ordered[-1]]
    sizes = ", ".join(f"{shown(name)} {rows:,}" for name, rows in some)
    return f" of {len(ordered)} ({sizes})" if some is ordered else f" of {len(ordered)} ({sizes}: the ends)"
