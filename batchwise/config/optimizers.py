"""The optimisers of params.yaml: the options are those of Keras, or half-lives in rows, which mean the same at every m.

Whatever is averaged over updates forgets: after an update of m rows, a share β of it is left. With one β at all batch
sizes, it forgets in a number of updates; with a half-life, β = ½^(m / rows) (Marek et al. 2025, arXiv 2507.07101).
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from batchwise.common.messages import shown
from batchwise.common.option_types import Number
from batchwise.config.section import Section

# The bounds are those of float32, in which 0.99999999 is 1 and 1e-50 is 0.
Fraction = Annotated[Number, Field(ge=0, le=0.9999999)]
Share = Annotated[Fraction, Field(gt=0)]
Positive = Annotated[float, Field(ge=1e-30, le=1e30, allow_inf_nan=False)]
Strength = Annotated[Number, Field(ge=0, le=1e30)]
# β is 0.9999999 at most at m = 1 already, and no batch is smaller.
HalfLife = Annotated[Number, Field(ge=1, le=5_000_000)]

# Whatever an update keeps a share of is None where the option beside it says so as a half-life.
Velocity = Annotated[Fraction | None, Field(description="share of the past updates that an update keeps")]
Mean = Annotated[Fraction | None, Field(description="share of the mean of the gradients that an update keeps")]
Squares = Annotated[
    Fraction | None, Field(description="share of the mean of the squared gradients that an update keeps")
]
MomentumHalfLife = Annotated[
    HalfLife | None,
    Field(
        description="rows after which half of the past updates, or of the mean of the gradients, is forgotten, at "
        "every m; in place of momentum, beta_1, or beta_2 of lion"
    ),
]
SecondMomentHalfLife = Annotated[
    HalfLife | None,
    Field(
        description="rows after which half of the mean of the squared gradients is forgotten, at every m; in place of "
        "beta_2 or rho"
    ),
]
Epsilon = Annotated[
    Positive, Field(description="what is added to the divisor of the gradients, so that nothing is divided by 0")
]
AMSGrad = Annotated[
    bool, Field(description="divide by the largest mean of the squared gradients so far (Reddi et al. 2018)")
]
Decoupled = Annotated[
    Number,
    Field(
        ge=0,
        le=1,
        description="λ of decoupled weight decay: before each update, all trained weights, biases too, are multiplied "
        "by 1 − η·λ, as in Keras; not beside the weight_decay of the study, which is a penalty",
    ),
]


class Optimizer(Section):
    """What every optimiser takes beside its own options."""

    HALF_LIVES: ClassVar[dict[str, str]] = {}  # {decay: the option that gives it as a half-life}

    name: str = Field(description="name of an optimiser of Keras")
    clipnorm: Positive | None = Field(None, description="largest norm of the gradient of each weight tensor")
    clipvalue: Positive | None = Field(None, description="largest absolute value in a gradient")
    global_clipnorm: Positive | None = Field(None, description="largest norm of the gradient of all weights together")
    ema: Share | None = Field(
        None,
        description="share of a moving average of the trained weights that each update keeps; the averages are "
        "evaluated and kept in place of the weights. Moving averages of normalisation stay those of training",
    )
    ema_half_life: HalfLife | None = Field(
        None, description="rows after which half of the moving average of the weights is forgotten, at every m"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_decay_or_its_half_life(cls, given: Any) -> Any:
        """Take a decay out that is given as a half-life: nothing says both, a default neither."""
        if not isinstance(given, dict):
            return given
        for decay, half_life in cls.half_lives().items():
            value, rows = given.get(decay), given.get(half_life)
            if value is not None and rows is not None:
                raise ValueError(
                    f"{decay}: {shown(value)} and {half_life}: {shown(rows)} both say how fast the same is forgotten; "
                    "give one of them"
                )
            if rows is not None:
                given = {**given, decay: None}
            elif decay in given and value is None and cls.model_fields[decay].default is not None:
                raise ValueError(f"{decay} is None; it must be a number, unless {half_life} is given")
        return given

    @model_validator(mode="after")
    def _one_clip(self) -> "Optimizer":
        given = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
        clips = [f"{name}: {value}" for name, value in given.items() if value is not None]
        if len(clips) > 1:
            raise ValueError(f"{', '.join(clips)}: each limits the gradient; give one of them")
        return self

    @classmethod
    def half_lives(cls) -> dict[str, str]:
        """Return {decay: the option that gives it as a half-life}, of those of every optimiser too."""
        return {**cls.HALF_LIVES, "ema": "ema_half_life"}

    @property
    def averages(self) -> bool:
        """Whether moving averages of the weights are evaluated and kept in place of the weights."""
        return self.ema is not None or self.ema_half_life is not None

    @property
    def clips(self) -> bool:
        """Whether gradients are limited."""
        return any(limit is not None for limit in (self.clipnorm, self.clipvalue, self.global_clipnorm))

    def decays(self, batch_size: int) -> dict[str, float]:
        """Return {option of Keras: β} of what is given as a half-life, for updates of m rows: ½^(m / half-life)."""
        given = {decay: getattr(self, half_life) for decay, half_life in self.half_lives().items()}
        return {_in_keras(decay): 0.5 ** (batch_size / rows) for decay, rows in given.items() if rows is not None}

    def options(self, batch_size: int) -> dict[str, Any]:
        """Return the options of Keras's optimiser of this name, for updates of m rows."""
        ours = {"name", *self.half_lives().values()}
        given = {_in_keras(name): value for name, value in self.model_dump(exclude=ours).items() if value is not None}
        averaging = {"use_ema": True} if self.averages else {}
        return {**given, **averaging, **self.decays(batch_size)}


def _in_keras(option: str) -> str:
    return "ema_momentum" if option == "ema" else option


class SGD(Optimizer):
    """Stochastic gradient descent; the options are those of keras.optimizers.SGD."""

    HALF_LIVES: ClassVar[dict[str, str]] = {"momentum": "momentum_half_life"}

    name: Literal["sgd"] = Field(description="stochastic gradient descent")
    momentum: Velocity = 0.0
    nesterov: bool = Field(False, description="apply Nesterov's momentum, which looks an update ahead")
    momentum_half_life: MomentumHalfLife = None

    @model_validator(mode="after")
    def _momentum_for_nesterov(self) -> "SGD":
        if self.nesterov and not (self.momentum or self.momentum_half_life):
            raise ValueError("nesterov: true needs a momentum above 0")
        return self


class RMSprop(Optimizer):
    """The options are those of keras.optimizers.RMSprop."""

    HALF_LIVES: ClassVar[dict[str, str]] = {"rho": "second_moment_half_life", "momentum": "momentum_half_life"}

    name: Literal["rmsprop"] = Field(description="gradients divided by the root of a mean of their squares")
    rho: Squares = 0.9
    momentum: Velocity = 0.0
    epsilon: Epsilon = 1e-7
    centered: bool = Field(
        False, description="divide by the root of the variance of the gradients, not of their squares"
    )
    momentum_half_life: MomentumHalfLife = None
    second_moment_half_life: SecondMomentHalfLife = None


class _Moments(Optimizer):
    """Adam and its kin, which divide a mean of the gradients by the root of one of their squares."""

    HALF_LIVES: ClassVar[dict[str, str]] = {"beta_1": "momentum_half_life", "beta_2": "second_moment_half_life"}

    beta_1: Mean = 0.9
    beta_2: Squares = 0.999
    epsilon: Epsilon = 1e-7
    momentum_half_life: MomentumHalfLife = None
    second_moment_half_life: SecondMomentHalfLife = None


class Adam(_Moments):
    """The options are those of keras.optimizers.Adam."""

    name: Literal["adam"] = Field(description="a mean of the gradients divided by the root of one of their squares")
    amsgrad: AMSGrad = False


class AdamW(_Moments):
    """Adam with decoupled weight decay; the options are those of keras.optimizers.AdamW."""

    name: Literal["adamw"] = Field(description="Adam with decoupled weight decay")
    amsgrad: AMSGrad = False
    weight_decay: Decoupled = 0.004


class Nadam(_Moments):
    """Adam with Nesterov momentum; the options are those of keras.optimizers.Nadam."""

    name: Literal["nadam"] = Field(description="Adam with Nesterov momentum")


class Lamb(_Moments):
    """Adam, of which each tensor moves in proportion to its norm; the options are those of keras.optimizers.Lamb."""

    name: Literal["lamb"] = Field(description="Adam, of which each tensor moves in proportion to its norm")
    weight_decay: Decoupled = 0.0


class Lion(Optimizer):
    """The sign of a mean of the gradients; the options are those of keras.optimizers.Lion.

    Its mean is that of beta_2; beta_1 says how much of it goes into the sign, beside the gradient of the update.
    """

    HALF_LIVES: ClassVar[dict[str, str]] = {"beta_2": "momentum_half_life"}

    name: Literal["lion"] = Field(description="the sign of a mean of the gradients")
    beta_1: Share = Field(0.9, description="share of the mean of the gradients of which the sign is taken")
    beta_2: Mean = 0.99
    weight_decay: Decoupled = 0.0
    momentum_half_life: MomentumHalfLife = None


class Adadelta(Optimizer):
    """The options are those of keras.optimizers.Adadelta."""

    HALF_LIVES: ClassVar[dict[str, str]] = {"rho": "second_moment_half_life"}

    name: Literal["adadelta"] = Field(
        description="gradients divided by the root of a mean of their squares, times that of past updates"
    )
    rho: Squares = 0.95
    epsilon: Epsilon = 1e-7
    second_moment_half_life: SecondMomentHalfLife = None


class Adagrad(Optimizer):
    """The options are those of keras.optimizers.Adagrad."""

    name: Literal["adagrad"] = Field(description="gradients divided by the root of the sum of their squares")
    initial_accumulator_value: Strength = Field(0.1, description="sum of the squared gradients at the start")
    epsilon: Epsilon = 1e-7


class Ftrl(Optimizer):
    """Follow the regularised leader; the options are those of keras.optimizers.Ftrl.

    It is made for linear models that start at 0: the first update takes most of the weights away that others start at.
    """

    name: Literal["ftrl"] = Field(description="follow the regularised leader, made for linear models that start at 0")
    learning_rate_power: Annotated[Number, Field(ge=-4, le=0)] = Field(
        -0.5,
        description="power of the sum of the squared gradients that scales the learning rate; 0 for none",
    )
    initial_accumulator_value: Positive = Field(0.1, description="sum of the squared gradients at the start")
    l1_regularization_strength: Strength = Field(0.0, description="penalty on the absolute values of the weights")
    l2_regularization_strength: Strength = Field(
        0.0, description="penalty on the squares of the weights, to stabilise them"
    )
    l2_shrinkage_regularization_strength: Strength = Field(
        0.0, description="penalty on the squares of the weights, apart from what stabilises them"
    )
    beta: Strength = Field(0.0, description="β of McMahan et al. 2013, which slows the first updates down")


AnyOptimizer = Annotated[
    SGD | RMSprop | Adam | AdamW | Nadam | Lamb | Lion | Adadelta | Adagrad | Ftrl, Field(discriminator="name")
]
