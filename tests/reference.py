"""An independent training loop in NumPy: an MLP, its gradients, update rules and crops, from the papers' formulas.

Knows nothing of Keras or of the engine.
Weights are [kernel, bias, kernel, bias, …] as in a Keras model of dense layers.
"""

from collections.abc import Callable, Iterator

import numpy as np

Weights = list[np.ndarray]
Step = Callable[..., tuple]  # (gradient, η, number of the update, *states) → (change of the weight, *states)


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

    def step(gradient, rate, number, velocity=0.0):
        velocity = momentum * velocity - rate * gradient
        return (momentum * velocity - rate * gradient if nesterov else velocity), velocity

    return step


def rmsprop(rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7) -> Step:
    """Tieleman & Hinton 2012, lecture 6.5; epsilon under the root, as Keras documents it."""

    def step(gradient, rate, number, square=0.0, velocity=0.0):
        square = rho * square + (1 - rho) * gradient**2
        velocity = momentum * velocity + rate * gradient / np.sqrt(square + epsilon)
        return -velocity, square, velocity

    return step


def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Step:
    """Kingma & Ba 2015, the form at the end of section 2, whose epsilon is not corrected for bias."""

    def step(gradient, rate, number, mean=0.0, square=0.0):
        mean = beta_1 * mean + (1 - beta_1) * gradient
        square = beta_2 * square + (1 - beta_2) * gradient**2
        corrected = rate * np.sqrt(1 - beta_2**number) / (1 - beta_1**number)
        return -corrected * mean / (np.sqrt(square) + epsilon), mean, square

    return step


def adadelta(rho: float = 0.95, epsilon: float = 1e-7) -> Step:
    """Zeiler 2012, algorithm 1, times a learning rate."""

    def step(gradient, rate, number, square=0.0, change_square=0.0):
        square = rho * square + (1 - rho) * gradient**2
        change = -np.sqrt(change_square + epsilon) / np.sqrt(square + epsilon) * gradient
        return rate * change, square, rho * change_square + (1 - rho) * change**2

    return step


STEPS = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam, "adadelta": adadelta}


def train(
    weights: Weights,
    step: Step,
    inputs: list[np.ndarray],
    labels: np.ndarray,
    orders: np.ndarray,
    batch_size: int,
    rates: np.ndarray,
    weight_decay: float = 0.0,
) -> Iterator[Weights]:
    """Yield the weights at the start and after each epoch, of which the last ends with the last of the rates.

    `inputs` are those of each epoch, [N, features]; there is a rate for each update.
    """
    weights, states, number = [np.array(weight, "float64") for weight in weights], [()] * len(weights), 0
    yield weights
    for order, inputs_now in zip(orders, inputs, strict=True):
        for start in range(0, len(order), batch_size):
            if number == len(rates):
                break
            rate, number = rates[number], number + 1
            rows = order[start : start + batch_size]
            found = gradients(weights, inputs_now[rows], labels[rows])
            found[::2] = [
                gradient + weight_decay * kernel for gradient, kernel in zip(found[::2], weights[::2], strict=True)
            ]
            moves = [step(gradient, rate, number, *state) for gradient, state in zip(found, states, strict=True)]
            weights = [weight + move[0] for weight, move in zip(weights, moves, strict=True)]
            states = [move[1:] for move in moves]
        yield weights


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
