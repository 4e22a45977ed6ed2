"""Moving averages of the weights, which are evaluated and kept in place of the weights where a recipe asks for them.

They are Keras's: the first is the weights after the first update. What a model has beside weights that train, the
moving averages of normalisation say, is an average already, or of no number, and is that of training.
"""

from batchwise.runtime.tensorflow import keras, tf


class Averages:
    """Those of an optimiser, for the weights that it trains; there are none if it has none."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, weights: list[keras.Variable]) -> None:
        self.iterations, self.averages = optimizer.iterations, {}
        if optimizer.use_ema:
            pairs = zip(weights, optimizer._model_variables_moving_average, strict=True)
            self.averages = {id(weight): (weight, average) for weight, average in pairs}

    def of(self, variable: keras.Variable) -> keras.Variable:
        """Return what is evaluated and kept of a variable of the model: its average, or itself."""
        _, found = self.averages.get(id(variable), (variable, variable))
        return found

    def exchange(self) -> None:
        """Exchange the weights and their averages, once there are any.

        In a program the model has the weights; between programs, where it is evaluated and kept, it has the averages.
        """
        for weight, average in self.averages.values():
            values, averaged = tf.identity(weight.value), tf.identity(average.value)
            begun = self.iterations.value > 0
            weight.assign(tf.where(begun, averaged, values))
            average.assign(tf.where(begun, values, averaged))
