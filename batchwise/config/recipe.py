"""How a study trains: everything but the grid and the data. A recipe, m, η and a seed decide a run."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model, model_validator

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.common.messages import unknown
from batchwise.common.option_types import Number
from batchwise.config.section import Section, mistake, mistakes


class Plugin(Section):
    """A plug-in's name with its options, which are the keyword-only arguments of its function."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The options given in params.yaml."""
        return dict(self.model_extra or {})


def check_options(kind: str, name: str, given: dict[str, Any]) -> None:
    """Raise ValidationError for a plug-in that does not exist or is wrong itself, or options that it does not take."""
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
    create_model(name, __base__=Section, **fields).model_validate(given)


class Model(Plugin):
    """A file of batchwise/models/ and its options."""

    @model_validator(mode="after")
    def _known(self) -> "Model":
        check_options("models", self.name, self.options)
        return self


# The bounds are those of float32, in which 0.99999999 is 1 and 1e-50 is 0.
Fraction = Annotated[Number, Field(ge=0, le=0.9999999)]
Drops = Annotated[list[Annotated[Number, Field(gt=0, lt=1)]], Field(max_length=100)]
Epsilon = Annotated[float, Field(ge=1e-30, le=1e30, allow_inf_nan=False)]


class SGD(Section):
    """Stochastic gradient descent; the options are those of keras.optimizers.SGD."""

    name: Literal["sgd"]
    momentum: Fraction = 0.0
    nesterov: bool = False

    @model_validator(mode="after")
    def _momentum_for_nesterov(self) -> "SGD":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class RMSprop(Section):
    """The options are those of keras.optimizers.RMSprop."""

    name: Literal["rmsprop"]
    rho: Fraction = 0.9
    momentum: Fraction = 0.0
    epsilon: Epsilon = 1e-7


class Adam(Section):
    """The options are those of keras.optimizers.Adam."""

    name: Literal["adam"]
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Epsilon = 1e-7


class Adadelta(Section):
    """The options are those of keras.optimizers.Adadelta."""

    name: Literal["adadelta"]
    rho: Fraction = 0.95
    epsilon: Epsilon = 1e-7


class Budget(Section):
    """How long a run trains: either passes over the training rows or weight updates."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    updates: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Budget":
        if (self.epochs is None) == (self.updates is None):
            raise ValueError("give either epochs or updates, and not both")
        return self


class Schedule(Section):
    """How the learning rate changes in a run; positions are fractions of its updates (schedule.py)."""

    warm_up: Fraction = 0.0
    drops: Drops = Field(default_factory=list)

    @model_validator(mode="after")
    def _in_order(self) -> "Schedule":
        if sorted({*self.drops}) != self.drops:
            raise ValueError(f"drops are {self.drops}; each must come after the one before it")
        if self.drops and self.warm_up > self.drops[0]:
            raise ValueError(f"warm_up {self.warm_up} ends after the first drop, at {self.drops[0]}; make it shorter")
        return self


class Augmentation(Section):
    """How training images are changed, anew in each epoch (augmentation.py)."""

    pad: Annotated[int, Field(ge=0, le=1000)]  # pixels on each side, of which a crop of the old size is taken
    flip: bool  # left to right, every other time on average

    @model_validator(mode="after")
    def _does_something(self) -> "Augmentation":
        if not (self.pad or self.flip):
            raise ValueError("pad: 0 with flip: false changes no image; leave augmentation out")
        return self


class Recipe(Section):
    """What a study trains and how, without its grid and its data."""

    model: Model
    optimizer: Annotated[SGD | RMSprop | Adam | Adadelta, Field(discriminator="name")]
    budget: Budget
    schedule: Schedule = Schedule()
    # λ of the penalty λ/2·‖w‖², whose gradient joins that of the loss; on weights with two or more axes (kernels)
    weight_decay: Annotated[Number, Field(ge=0, le=1)] = 0.0
    augmentation: Augmentation | None = None
    # a batch in so many parts, one after the other, whose gradients are accumulated; parts of one row at least
    accumulation: Annotated[int, Field(ge=1, le=1024)] = 1
    dtype: Literal["float32", "float64"] = "float32"

    def check_inputs(self, input_shape: tuple[int, ...]) -> None:
        """Raise UserError if images are to be changed, and the inputs are none."""
        if self.augmentation and len(input_shape) != 3:
            raise UserError(
                "augmentation needs images, of shape (height, width, channels); the inputs have the shape "
                f"{input_shape}; leave augmentation out"
            )
