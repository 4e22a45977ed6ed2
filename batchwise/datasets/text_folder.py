"""Your own texts, for models of language: a folder of text files, each of them a document."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import File, Seed
from batchwise.data import local_files
from batchwise.data.dataset import DataSet, Description
from batchwise.data.texts import names
from batchwise.data.windows import draw, windows

ENDING = ".txt"


def prepare(
    *,
    folder: File,
    max_tokens: PositiveInt,
    vocabulary: PositiveInt,
    validation_documents: NonNegativeInt,
    test_documents: PositiveInt,
    tokens: Literal["words", "characters", "bytes"] = "characters",
    seed: Seed = 0,
) -> DataSet:
    """Return windows of `max_tokens` tokens of the files in a folder and in those within it, whose names end in .txt.

    So many of the files, drawn by chance, are for validation and for the test, and all others for training. Raises
    UserError, with the file, for what is no text in UTF-8, and for fewer than one file for training.
    """
    paths = sorted(path for path in local_files.contents(folder) if _is_text(path)) if folder.is_dir() else []
    asked = validation_documents + test_documents
    if len(paths) <= asked:
        raise UserError(
            f"{folder} has {len(paths)} files that end in {ENDING}; more than {asked} are needed, since "
            "validation_documents + test_documents are as many, and the others are for training"
        )
    sizes = test_documents, validation_documents, len(paths) - asked
    test, validation, train = draw([_read(path) for path in paths], sizes, [seed])
    parts, texts = windows((train, validation, test), kind=tokens, max_tokens=max_tokens, most=vocabulary)
    description = Description(
        f"Texts of {folder.name}", "language_modelling", f"the folder {folder.name}", "not stated"
    )
    return DataSet(description, names(texts.tokens), *parts, texts=texts)


def _is_text(path: Path) -> bool:
    return path.suffix == ENDING and not path.name.startswith(".")  # hidden files are what systems leave


def _read(path: Path) -> str:
    """Return the text of a file, with \\n at the end of each line, however it ends there."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start:,}); save it as such"
        ) from None
