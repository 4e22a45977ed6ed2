"""What an option of a plug-in may be, within the bounds of what can be trained: numbers that float32 holds, and sizes.

A signature is read, not run: in a plug-in `PositiveInt` and the others may be pydantic's, and have the bounds all the
same. `Seed` is imported from here.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

# Within float32, in which a value is 0 or infinite beyond about 1e-38 and 3e38.
SMALLEST, LARGEST = 1e-37, 1e37
MAX_ITEMS, MAX_LENGTH = 1000, 1000


def _in_float32(value: float) -> float:
    if value and not SMALLEST <= abs(value) <= LARGEST:
        raise ValueError(
            f"{value!r} is beyond float32; use 0, or numbers from {SMALLEST} to {LARGEST:g} (or minus that)"
        )
    return value


Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # as NumPy and scikit-learn take it
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_in_float32)]


def option_types(largest: int) -> dict[str, Any]:
    """Return {annotation: type} of what params.yaml can hold; whole numbers are `largest` at most."""
    integer = Annotated[int, Field(ge=-largest, le=largest)]
    positive = Annotated[int, Field(gt=0, le=largest)]
    several = Field(max_length=MAX_ITEMS)
    return {
        "int": integer,
        "float": Number,
        "bool": bool,
        "str": Annotated[str, Field(max_length=MAX_LENGTH)],
        "PositiveInt": positive,
        "NonNegativeInt": Annotated[int, Field(ge=0, le=largest)],
        "PositiveFloat": Annotated[Number, Field(gt=0)],
        "NonNegativeFloat": Annotated[Number, Field(ge=0)],
        "Seed": Seed,
        "list[int]": Annotated[list[integer], several],
        "list[float]": Annotated[list[Number], several],
        "list[PositiveInt]": Annotated[list[positive], several],
    }
