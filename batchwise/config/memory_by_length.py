"""What a study of texts or images says of its memory: the lengths at which it is measured, and what would save some."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from batchwise.common.option_types import Number
from batchwise.config.section import Section

LEAST_LENGTHS = 2  # of one, rows and tokens could not be told apart
Tokens = Annotated[int, Field(ge=2, le=1_000_000)]
Parts = Annotated[int, Field(ge=2, le=1024)]
UNIQUE = {"uniqueItems": True}  # for editors


class MemoryByLength(Section):
    """Memory is measured by rows and their length: up to a limit at each, and with what saves memory beside it."""

    lengths: Annotated[list[Tokens], Field(min_length=LEAST_LENGTHS, max_length=20, json_schema_extra=UNIQUE)] = Field(
        description="tokens T of a row, to each of which the study's rows are cut or repeated; of images the width in "
        "pixels, to which they are resized"
    )
    limit: Annotated[Number, Field(gt=0, le=1_000_000)] = Field(
        2.0,
        description="GB (10⁹ bytes) that a process may take, the engine with it, when the largest m that fits is "
        "looked for at each length",
    )
    dtypes: Annotated[list[Literal["float32", "mixed_bfloat16"]], Field(json_schema_extra=UNIQUE)] = Field(
        default_factory=list, description="number types measured beside that of the study"
    )
    accumulation: Annotated[list[Parts], Field(max_length=10, json_schema_extra=UNIQUE)] = Field(
        default_factory=list, description="parts of a batch, measured beside those of the study"
    )

    @field_validator("lengths", "dtypes", "accumulation")
    @classmethod
    def _each_once(cls, values: list[object]) -> list[object]:
        if len({*values}) < len(values):
            raise ValueError(f"{values} has a value more than once; each is allowed once")
        return values

    @property
    def limit_bytes(self) -> int:
        """The limit in bytes."""
        return round(self.limit * 1e9)
