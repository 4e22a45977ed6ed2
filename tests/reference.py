"""An independent training loop in NumPy: an MLP, its gradients, update rules and crops, from the papers' formulas.

Knows nothing of Keras or of the engine.
Weights are [kernel, bias, kernel, bias, …] as in a Keras model of dense layers.
"""

from collections.abc import Callable, Iterator

import numpy as np

Weights = list[np.ndarray]
Step = Callable[..., tuple]  # (weight, gradient, η, number of the update, *states) → (change of the weight, *states)


def activations(weights: Weights, inputs: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of each layer, the inputs first and the logits last, each [B, units]."""
    layers = [inputs]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        layers.append(np.maximum(layers[-1], 0) @ kernel + bias if len(layers) > 1 else inputs @ kernel + bias)
    return layers


def losses(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cross-entropy of each example, [B], and its gradient with respect to the logits, [B, outputs]."""
    if logits.shape[1] == 1:
        z = logits[:, 0]
        values = np.maximum(z, 0) - z * labels + np.log1p(np.exp(-np.abs(z)))
        return values, (1 / (1 + np.exp(-z)) - labels)[:, None]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(log_probabilities)
    gradient[rows, labels] -= 1
    return -log_probabilities[rows, labels], gradient


def correct(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether each example's class is predicted, [B]."""
    return (logits[:, 0] > 0) == labels if logits.shape[1] == 1 else logits.argmax(axis=1) == labels


def gradients(weights: Weights, inputs: np.ndarray, labels: np.ndarray) -> Weights:
    """Return the gradients of the mean loss, in the order of the weights, by backpropagation."""
    layers = activations(weights, inputs)
    delta = losses(layers[-1], labels)[1] / len(labels)
    found = []
    for number in range(len(layers) - 2, -1, -1):
        below = np.maximum(layers[number], 0) if number else layers[0]
        found = [below.T @ delta, delta.sum(axis=0), *found]
        delta = (delta @ weights[2 * number].T) * (layers[number] > 0)
    return found


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Step:
    """Polyak 1964; Nesterov's form as in Sutskever et al. 2013, section 2."""

    def step(weight, gradient, rate, number, velocity=0.0):
        velocity = momentum * velocity - rate * gradient
        return (momentum * velocity - rate * gradient if nesterov else velocity), velocity

    return step


def rmsprop(rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7, centered: bool = False) -> Step:
    """Tieleman & Hinton 2012, lecture 6.5, centred as in Graves 2013; epsilon under the root, as Keras documents it."""

    def step(weight, gradient, rate, number, mean=0.0, square=0.0, velocity=0.0):
        mean = rho * mean + (1 - rho) * gradient
        square = rho * square + (1 - rho) * gradient**2
        variance = square - mean**2 if centered else square
        velocity = momentum * velocity + rate * gradient / np.sqrt(variance + epsilon)
        return -velocity, mean, square, velocity

    return step


def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False) -> Step:
    """Kingma & Ba 2015, the form at the end of section 2, whose epsilon is not corrected for bias; Reddi et al. 2018.

    The latter's algorithm 2 divides by the largest mean of squares so far.
    """

    def step(weight, gradient, rate, number, mean=0.0, square=0.0, largest=0.0):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        largest = np.maximum(largest, square)
        corrected = rate * np.sqrt(1 - beta_2**number) / (1 - beta_1**number)
        return -corrected * mean / (np.sqrt(largest if amsgrad else square) + epsilon), mean, square, largest

    return step


def nadam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    """Dozat 2016, algorithm 2, with the schedule of momentum of section 3.1."""

    def momentum(number):
        return beta_1 * (1 - 0.96**number / 2)

    def step(weight, gradient, rate, number, mean=0.0, square=0.0, product=1.0):
        now, following = momentum(number), momentum(number + 1)
        product = product * now
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        ahead = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
        return -rate * ahead / (np.sqrt(square / (1 - beta_2**number)) + epsilon), mean, square, product

    return step


def lamb(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    """You et al. 2020 (arXiv 1904.00962), algorithm 2, with φ(z) = z; decay is decoupled, as in Keras."""

    def step(weight, gradient, rate, number, mean=0.0, square=0.0):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        ratio = mean / (1 - beta_1**number) / (np.sqrt(square / (1 - beta_2**number)) + epsilon)
        lengths = np.linalg.norm(weight), np.linalg.norm(ratio)
        return -rate * (lengths[0] / lengths[1] if all(lengths) else 1) * ratio, mean, square

    return step


def lion(beta_1: float = 0.9, beta_2: float = 0.99) -> Step:
    """Chen et al. 2023 (arXiv 2302.06675), algorithm 2."""

    def step(weight, gradient, rate, number, mean=0.0):
        sign = np.sign(beta_1 * mean + (1 - beta_1) * gradient)
        return -rate * sign, beta_2 * mean + (1 - beta_2) * gradient

    return step


def adadelta(rho: float = 0.95, epsilon: float = 1e-7) -> Step:
    """Zeiler 2012, algorithm 1, times a learning rate."""

    def step(weight, gradient, rate, number, square=0.0, change_square=0.0):
        square = rho * square + (1 - rho) * gradient**2
        change = -np.sqrt(change_square + epsilon) / np.sqrt(square + epsilon) * gradient
        return rate * change, square, rho * change_square + (1 - rho) * change**2

    return step


def adagrad(initial_accumulator_value: float = 0.1, epsilon: float = 1e-7) -> Step:
    """Duchi et al. 2011, figure 1, with diagonal matrices; epsilon under the root, as in Keras."""

    def step(weight, gradient, rate, number, total=initial_accumulator_value):
        total = total + gradient**2
        return -rate * gradient / np.sqrt(total + epsilon), total

    return step


def ftrl(
    learning_rate_power: float = -0.5,
    initial_accumulator_value: float = 0.1,
    l1_regularization_strength: float = 0.0,
    l2_regularization_strength: float = 0.0,
    l2_shrinkage_regularization_strength: float = 0.0,
    beta: float = 0.0,
) -> Step:
    """McMahan et al. 2013, algorithm 1, with λ₁ and 2·λ₂, and shrinkage in the gradient of z alone."""
    l1, l2 = l1_regularization_strength, 2 * l2_regularization_strength

    def step(weight, gradient, rate, number, total=initial_accumulator_value, z=0.0):
        before, total = total**-learning_rate_power, total + gradient**2
        slope = total**-learning_rate_power
        shrunk = gradient + 2 * l2_shrinkage_regularization_strength * weight
        z = z + shrunk - (slope - before) / rate * weight
        new = np.where(np.abs(z) > l1, -(z - np.sign(z) * l1) / ((beta + slope) / rate + l2), 0)
        return new - weight, total, z

    return step


STEPS = {
    "sgd": sgd,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
    "nadam": nadam,
    "lamb": lamb,
    "lion": lion,
    "adadelta": adadelta,
    "adagrad": adagrad,
    "ftrl": ftrl,
}


def clipped(
    gradients: Weights,
    clipnorm: float | None = None,
    clipvalue: float | None = None,
    global_clipnorm: float | None = None,
) -> Weights:
    """Return gradients of which each tensor, each number or all together are limited (Pascanu et al. 2013)."""
    norms = [np.linalg.norm(gradient) for gradient in gradients]
    if clipnorm:
        return [gradient * min(1, clipnorm / norm) for gradient, norm in zip(gradients, norms, strict=True)]
    if global_clipnorm:
        return [gradient * min(1, global_clipnorm / np.linalg.norm(norms)) for gradient in gradients]
    return [np.clip(gradient, -clipvalue, clipvalue) for gradient in gradients] if clipvalue else gradients


def train(
    weights: Weights,
    step: Step | list[Step],
    inputs: list[np.ndarray],
    labels: np.ndarray,
    orders: np.ndarray,
    batch_size: int | list[int],
    rates: np.ndarray,
    weight_decay: float = 0.0,
    *,
    decoupled: float = 0.0,
    average: float = 0.0,
    clip: dict[str, float] | None = None,
) -> Iterator[Weights]:
    """Yield the weights at the start and after each epoch, of which the last ends with the last of the rates.

    `inputs` are those of each epoch, [N, features], and `step` and `batch_size` may be; there is a rate for each
    update. After the start they are moving averages, from the first update on, of which each update keeps a share
    `average`.
    """
    weights, states, number = [np.array(weight, "float64") for weight in weights], [()] * len(weights), 0
    yield weights
    averages: Weights = []
    steps = step if isinstance(step, list) else [step] * len(orders)
    sizes = batch_size if isinstance(batch_size, list) else [batch_size] * len(orders)
    for order, inputs_now, of_epoch, size in zip(orders, inputs, steps, sizes, strict=True):
        for start in range(0, len(order), size):
            if number == len(rates):
                break
            rate, number = rates[number], number + 1
            rows = order[start : start + size]
            found = gradients(weights, inputs_now[rows], labels[rows])
            found[::2] = [
                gradient + weight_decay * kernel for gradient, kernel in zip(found[::2], weights[::2], strict=True)
            ]
            found = clipped(found, **clip or {})
            weights = [weight * (1 - rate * decoupled) for weight in weights]
            each = zip(weights, found, states, strict=True)
            moves = [of_epoch(weight, gradient, rate, number, *state) for weight, gradient, state in each]
            weights = [weight + move[0] for weight, move in zip(weights, moves, strict=True)]
            states = [move[1:] for move in moves]
            pairs = zip(averages or weights, weights, strict=True)
            averages = [average * before + (1 - average) * weight for before, weight in pairs]
        yield averages


def augment(images: np.ndarray, drawn: np.ndarray, pad: int) -> np.ndarray:
    """Return each image padded by zeros, cut and mirrored, one by one; `drawn` is top, left, mirror of each."""
    height, width = images.shape[1:3]
    found = []
    for image, (top, left, mirror) in zip(images, drawn, strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
        crop = padded[top : top + height, left : left + width]
        found.append(crop[:, ::-1] if mirror else crop)
    return np.stack(found)


def evaluate(weights: Weights, inputs: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return the mean loss and the accuracy, NaN without rows."""
    logits = activations(weights, inputs)[-1]
    if not len(labels):
        return np.nan, np.nan
    return losses(logits, labels)[0].mean(), int(correct(logits, labels).sum()) / len(labels)
