"""The state of a run: the values of the variables of its model and its optimiser, as programs take and return them."""

from typing import Any, NamedTuple

from batchwise.runtime.jax import keras

Array = Any  # of JAX


class State(NamedTuple):
    """In the order in which Keras has the variables of each kind; in lanes all have an axis more, the first."""

    weights: list[Array]  # that train
    others: list[Array]  # of the model
    optimizer: list[Array]


class Variables:
    """Which variables of a model and its optimiser are where in a State."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer
        weights = [id(variable) for variable in model.trainable_variables]
        others = [id(variable) for variable in model.non_trainable_variables]
        self.of_model = [  # of each variable of the model, whether it trains, and its place
            (True, weights.index(id(variable))) if id(variable) in weights else (False, others.index(id(variable)))
            for variable in model.variables
        ]
        places = {variable.path: place for place, variable in enumerate(optimizer.variables)}
        self.rate, self.iterations = places[optimizer.learning_rate.path], places[optimizer.iterations.path]
        averages = optimizer._model_variables_moving_average if optimizer.use_ema else []
        self.averages = [places[average.path] for average in averages]

    def state(self, values: list[Array], optimizer: list[Array]) -> State:
        """Return the state with the values of the model's variables, in its order, and of the optimiser's."""
        pairs = sorted(zip(self.of_model, values, strict=True), key=lambda pair: pair[0][1])
        weights = [value for (trains, _), value in pairs if trains]
        others = [value for (trains, _), value in pairs if not trains]
        return State(weights, others, list(optimizer))

    def of_model_in(self, state: State) -> list[Array]:
        """Return the values of the model's variables, in its order."""
        return [(state.weights if trains else state.others)[place] for trains, place in self.of_model]

    def evaluated(self, state: State) -> list[Array]:
        """Return what is evaluated and kept of each variable of the model: of weights their average where asked for."""
        weights = [state.optimizer[place] for place in self.averages] or state.weights
        return self.of_model_in(state._replace(weights=weights))

    def at_rate(self, state: State, rate: Array) -> State:
        """Return a state with another learning rate."""
        optimizer = list(state.optimizer)
        optimizer[self.rate] = rate.astype(optimizer[self.rate].dtype)
        return state._replace(optimizer=optimizer)
