"""What an option of a plug-in may be, within the bounds of what can be trained: numbers that float32 holds, and sizes.

A signature is read, not run: in a plug-in `PositiveInt` and the others may be pydantic's, and have the bounds all the
same. `Seed`, `File`, `Columns` and `SplitRule` are imported from here.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from batchwise.common.messages import cut, shown, unknown

# Within float32, in which a value is 0 or infinite beyond about 1e-38 and 3e38.
SMALLEST, LARGEST = 1e-37, 1e37
MAX_ITEMS, MAX_LENGTH = 1000, 1000


def _in_float32(value: float) -> float:
    if value and not SMALLEST <= abs(value) <= LARGEST:
        raise ValueError(
            f"{value!r} is beyond float32; use 0, or numbers from {SMALLEST} to {LARGEST:g} (or minus that)"
        )
    return value


# As NumPy and scikit-learn take it.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1, description="seed by which rows are drawn, or numbers")]
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_in_float32)]


def _declared(key: str, info: ValidationInfo) -> str:
    """Refuse what is no key of the section `files` of params.yaml, where that is known."""
    known = info.context
    if known is not None and key not in known:
        raise ValueError(f"{unknown('file', key, sorted(known))}; or add `{cut(key)}: path` under files")
    return key


File = Path  # what a plug-in gets of a file of the user's; params.yaml has a key of its section `files`
_FileKey = Annotated[str, AfterValidator(_declared), Field(description="key of the section files")]
FILES: dict[str, Any] = {"File": _FileKey, "File | None": _FileKey | None}  # as option_types, of data sets alone


def _names(value: Any) -> Any:
    names = value if isinstance(value, list) else [value]
    if not 0 < len(names) <= MAX_ITEMS or not all(isinstance(name, str) and len(name) <= MAX_LENGTH for name in names):
        raise ValueError(f"{shown(value)} is neither the name of a column nor a list of names")
    return value


_Name = Annotated[str, Field(max_length=MAX_LENGTH)]
_Names = Annotated[list[_Name], Field(min_length=1, max_length=MAX_ITEMS)]
Columns = Annotated[
    _Name | _Names, BeforeValidator(_names), Field(description="name of a column, or a list of names of columns")
]
SplitRule = Annotated[
    dict[Literal["groups", "order", "column"], _Name],
    Field(
        max_length=1,
        description="how rows are split, if not by chance: the column of `groups` that stay together, of the `order` "
        "in time, or the `column` that names the part of each row",
    ),
]


def option_types(largest: int) -> dict[str, Any]:
    """Return {annotation: type} of what params.yaml can hold; whole numbers are `largest` at most."""
    integer = Annotated[int, Field(ge=-largest, le=largest)]
    positive = Annotated[int, Field(gt=0, le=largest)]
    several = Field(max_length=MAX_ITEMS)
    text = Annotated[str, Field(max_length=MAX_LENGTH)]
    return {
        "int": integer,
        "float": Number,
        "bool": bool,
        "str": text,
        "PositiveInt": positive,
        "NonNegativeInt": Annotated[int, Field(ge=0, le=largest)],
        "PositiveFloat": Annotated[Number, Field(gt=0)],
        "NonNegativeFloat": Annotated[Number, Field(ge=0)],
        "Seed": Seed,
        "list[int]": Annotated[list[integer], several],
        "list[float]": Annotated[list[Number], several],
        "list[PositiveInt]": Annotated[list[positive], several],
        "list[str]": Annotated[list[text], several],
        "Columns": Columns,
        "SplitRule": SplitRule,
    }
