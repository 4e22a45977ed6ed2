"""How a study trains: everything but the grid and the data. A recipe, m, η and a seed decide a run."""

import math
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_validator,
)

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import shown, unknown
from batchwise.common.option_types import Number
from batchwise.config.optimizers import AnyOptimizer, Fraction
from batchwise.config.section import Section, mistake, mistakes

MOST_EPOCHS = 1_000_000


class Plugin(Section):
    """A plug-in's name with its options, which are the keyword-only arguments of its function."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    name: str = Field(description="name of the file, without .py")

    @property
    def options(self) -> dict[str, Any]:
        """The options given in params.yaml."""
        return dict(self.model_extra or {})


def check_options(kind: str, name: str, given: dict[str, Any], files: Collection[str] | None = None) -> None:
    """Raise ValidationError for a plug-in that does not exist or is wrong itself, or options that it does not take.

    `files` are the keys that an option of type File can have, if they are known.
    """
    if name not in plugins.names(kind):
        raise mistakes([mistake(unknown(plugins.KINDS[kind].title, name, plugins.names(kind)))])
    try:
        options = plugins.options(kind, name)
    except UserError as error:
        raise mistakes([mistake(str(error))]) from None
    # By number, since a field cannot have each name that an argument can.
    fields: dict[str, Any] = {
        f"option_{number}": (of_type, Field(default, alias=option))
        for number, (option, (of_type, default)) in enumerate(options.items())
    }
    defaults = {option: default for option, (_, default) in options.items() if default is not ...}
    create_model(name, __base__=Section, **fields).model_validate({**defaults, **given}, context=files)


class Model(Plugin):
    """A file of batchwise/models/ and its options."""

    @model_validator(mode="after")
    def _known(self) -> "Model":
        check_options("models", self.name, self.options)
        return self


class TaskChoice(Plugin):
    """A file of batchwise/tasks/ and its options."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _known(self) -> "TaskChoice":
        check_options("tasks", self.name, self.options)
        return self


Drops = Annotated[
    list[Annotated[Number, Field(gt=0, lt=1)]], Field(max_length=100, json_schema_extra={"uniqueItems": True})
]
MIXED = "mixed_bfloat16"


def _given(key: str) -> dict[str, Any]:
    """Return the JSON Schema of a mapping in which a key is a whole number."""
    return {"required": [key], "properties": {key: {"type": "integer"}}}


class Budget(Section):
    """How long a run trains: either passes over the training rows or weight updates."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_given("epochs"), _given("updates")]})  # for editors

    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] | None = Field(
        None, description="number of passes over the training rows"
    )
    updates: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = Field(
        None, description="number of updates of the weights, at every m"
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Budget":
        if (self.epochs is None) == (self.updates is None):
            raise ValueError("give either epochs or updates, and not both")
        return self


def _fractions(given: Any) -> Any:
    """Return a mapping with fractions as text, as JSON has keys; any other value as it is."""
    if not isinstance(given, dict):
        return given
    found: dict[Any, Any] = {}
    for key, multiple in given.items():
        fraction = _fraction(key)
        if not 0 < fraction < 1:
            raise ValueError(f"{shown(key)} is no fraction of the epochs; write a number between 0 and 1")
        if str(fraction) in found:
            raise ValueError(f"{shown(key)} is given more than once; each fraction is allowed once")
        found[str(fraction)] = multiple
    return {key: found[key] for key in sorted(found, key=float)}


def _fraction(key: Any) -> float:
    try:
        return float(key) if isinstance(key, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return math.nan


Multiple = Annotated[int, Field(ge=1, le=2**20)]
BatchSizeMultiples = Annotated[
    dict[Annotated[str, Field(json_schema_extra={"pattern": r"^0?\.[0-9]+$"})], Multiple],
    Field(max_length=100),
    BeforeValidator(_fractions),
]


def first_epoch(fraction: float, epochs: int) -> int:
    """Return the first epoch of some, from 0, that begins at or after a fraction of them."""
    return math.ceil(round(fraction * epochs, 9))


class Schedule(Section):
    """How the learning rate and the batch size change in a run; positions are fractions of it (schedule.py)."""

    warm_up: Fraction = Field(0.0, description="fraction of all updates over which the rate rises from η/32 to η")
    drops: Drops = Field(
        default_factory=list,
        description="fractions of all updates, in order, from which on the rate is multiplied by 0.1",
    )
    batch_sizes: BatchSizeMultiples = Field(
        default_factory=dict,
        description="`{ 0.25: 2, 0.5: 4 }`: m is multiplied by 2 from the first epoch that begins after a quarter of "
        "all epochs, by 4 from half of them on; at most all rows",
    )
    learning_rate_scaling: Literal["linear", "sqrt", "none"] = Field(
        "none",
        description="how η grows where `batch_sizes` multiply m by k: `linear` η·k, `sqrt` η·√k, `none` not at all "
        "(Smith 2018: instead of a drop of η)",
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Schedule":
        if sorted({*self.drops}) != self.drops:
            raise ValueError(f"drops are {self.drops}; each must come after the one before it")
        if self.drops and self.warm_up > self.drops[0]:
            raise ValueError(f"warm_up {self.warm_up} ends after the first drop, at {self.drops[0]}; make it shorter")
        if self.learning_rate_scaling != "none" and not self.batch_sizes:
            raise ValueError(
                f"learning_rate_scaling: {self.learning_rate_scaling} of a schedule is for its batch_sizes, and there "
                "are none; leave it out"
            )
        return self

    @property
    def changes_rate(self) -> bool:
        """Whether the learning rate changes from update to update, at the same m."""
        return bool(self.warm_up or self.drops)

    @property
    def multiples_of_batch_size(self) -> list[tuple[float, int]]:
        """The fractions of the epochs, ascending, and what m is multiplied with from there on."""
        return [(float(fraction), multiple) for fraction, multiple in self.batch_sizes.items()]


class Augmentation(Section):
    """How training images, with the boxes in them, are changed, anew in each epoch (augmentation.py)."""

    pad: Annotated[int, Field(ge=0, le=1000)] = Field(
        description="pixels added on each side, before a random crop of the old size"
    )
    flip: bool = Field(description="whether each image is mirrored, left to right, every other time on average")
    flip_vertically: bool = Field(
        False, description="whether each image is mirrored, top to bottom, every other time on average"
    )
    zoom: Annotated[Number, Field(ge=1, le=4)] = Field(
        1.0,
        description="each image is resized by a factor from 1/zoom to zoom, all octaves alike, and a random part of it "
        "keeps the old size, or all of it at a random place; 1 leaves it out",
    )

    @model_validator(mode="after")
    def _does_something(self) -> "Augmentation":
        if not (self.pad or self.flip or self.flip_vertically or self.zoom > 1):
            raise ValueError(
                "pad: 0 with flip: false, flip_vertically: false and zoom: 1 changes no image; leave augmentation out"
            )
        return self

    @property
    def changes_size(self) -> bool:
        """Whether it does more than cut out and mirror left to right, so that more numbers are drawn."""
        return self.flip_vertically or self.zoom > 1


def _told_once(given: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Raise one mistake for what is none of two kinds, where pydantic has one for each."""
    try:
        return validate(given)
    except ValidationError:
        raise ValueError(
            f"{shown(given)} is neither a whole number of epochs, from 1 to {MOST_EPOCHS:,}, nor doubling"
        ) from None


ScoresEvery = Annotated[Annotated[int, Field(ge=1, le=MOST_EPOCHS)] | Literal["doubling"], WrapValidator(_told_once)]


LANES = 8  # on one core of a CPU more gain nothing, and more would idle where a batch size has few runs


def runs_at_once(engine: str, lanes: int | None) -> int:
    """Return how many runs of a batch size a program of an engine trains; where there are fewer, some lanes idle."""
    return 1 if engine == "tensorflow" else lanes or LANES


class Recipe(Section):
    """What a study trains and how, without its grid and its data."""

    model: Model = Field(
        description="what is trained: `name` of a file of batchwise/models/, and the arguments of its build()"
    )
    optimizer: AnyOptimizer = Field(
        description="what updates the weights: `name` of an optimiser of Keras, and its options; defaults are Keras's"
    )
    budget: Budget = Field(description="how long a run trains: `epochs` or `updates`")
    schedule: Schedule = Field(Schedule(), description="how the learning rate and the batch size change in a run")
    weight_decay: Annotated[Number, Field(ge=0, le=1)] = Field(
        0.0,
        description="λ of an L2 penalty λ/2·‖w‖² on kernels (weights with two or more axes), not on biases, γ and β; "
        "its gradient joins that of the loss",
    )
    augmentation: Augmentation | None = Field(
        None, description="how training images are changed, anew in each epoch; otherwise they are not"
    )
    accumulation: Annotated[int, Field(ge=1, le=1024)] = Field(
        1,
        description="parts of a batch, of one row at least, that pass through the model one after the other; their "
        "gradients are accumulated",
    )
    task: TaskChoice | None = Field(
        None,
        description="what labels mean: `name` of a file of batchwise/tasks/, and its options; otherwise that of the "
        "data set",
    )
    class_weights: Literal["balanced"] | None = Field(
        None,
        description="`balanced`: rows count in training by N / (classes · rows of their class), as in scikit-learn; "
        "otherwise all count the same",
    )
    scores_every: ScoresEvery = Field(
        1,
        description="epochs from one evaluation of what takes all predictions of a part, average precision say, to the "
        "next; `doubling`: after 1, 2, 4, … epochs. The last epoch has one, and the loss is evaluated after each",
    )
    dtype: Literal["float32", "float64", "mixed_bfloat16"] = Field(
        "float32",
        description="type of all numbers; `mixed_bfloat16` computes layers in bfloat16, with weights, optimiser, "
        "statistics, loss and metrics in float32",
    )
    trainable: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = Field(
        None,
        description="names of the layers, or of models within the model, that train; the others stay as they start; "
        "otherwise all train",
    )
    engine: Literal["tensorflow", "jax"] = Field(
        "tensorflow",
        description="what computes: `tensorflow` trains one run at a time, `jax` the runs of a batch size together, in "
        "lanes of one program (an extra: `make JAX=1`). They agree to rounding, not to the bit",
    )
    lanes: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        None,
        description=f"of `jax`: how many runs a program trains, which decides their bits; otherwise {LANES}. For a "
        "GPU, as many as a batch size has: learning rates × seeds",
    )

    @model_validator(mode="after")
    def _lanes_of_jax(self) -> "Recipe":
        if self.lanes is not None and self.engine != "jax":
            problem = f"the engine {self.engine} trains one run at a time; leave lanes out, or use jax"
            raise mistakes([mistake(problem, "lanes")])
        return self

    @model_validator(mode="after")
    def _one_weight_decay(self) -> "Recipe":
        decoupled = getattr(self.optimizer, "weight_decay", 0.0)
        if self.weight_decay and decoupled:
            raise ValueError(
                f"weight_decay is {self.weight_decay}, a penalty, and {self.optimizer.name} has a decoupled "
                f"weight_decay of {decoupled}; give one of them, and set the other to 0"
            )
        return self

    @model_validator(mode="after")
    def _phases_begin(self) -> "Recipe":
        given, epochs = self.schedule.multiples_of_batch_size, self.budget.epochs
        problem = None
        if given and not epochs:
            problem = "they begin at fractions of epochs; give a budget of epochs, or leave them out"
        elif epochs:
            starts = [first_epoch(fraction, epochs) for fraction, _ in given]
            late = [fraction for (fraction, _), start in zip(given, starts, strict=True) if start >= epochs]
            if late:
                problem = f"no epoch of {epochs} begins at {late[0]:g} or after; make it earlier, or train more epochs"
            elif len({*starts}) < len(starts):
                problem = f"two of them would begin with the same of {epochs} epochs; leave one out, or train more"
        if problem:
            raise mistakes([mistake(problem, "schedule", "batch_sizes")])
        return self

    @property
    def runs_at_once(self) -> int:
        """How many runs of a batch size a program trains."""
        return runs_at_once(self.engine, self.lanes)

    @property
    def variable_dtype(self) -> str:
        """The type of weights, inputs and outputs, which is not that of all layers in mixed_bfloat16."""
        return "float32" if self.dtype == MIXED else self.dtype

    def scores(self, epoch: int, end: int) -> bool:
        """Return whether scores of all predictions are evaluated after an epoch of a run that ends at another.

        At the start, epoch 0, they are with those of every epoch alone: what has not learned takes longest to score.
        """
        asked = epoch & (epoch - 1) if self.scores_every == "doubling" else epoch % self.scores_every
        return self.scores_every == 1 or asked == 0 < epoch or epoch == end

    def check_inputs(self, input_shape: tuple[int, ...]) -> None:
        """Raise UserError if images are to be changed, and the inputs are none."""
        if self.augmentation and len(input_shape) != 3:
            raise UserError(
                "augmentation needs images, of shape (height, width, channels); the inputs have the shape "
                f"{input_shape}; leave augmentation out"
            )
