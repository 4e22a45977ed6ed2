"""The next token at each place of a row: an output for each token of the vocabulary there, softmax cross-entropy."""

from collections.abc import Callable

import numpy as np

from batchwise.data import large_arrays
from batchwise.data.task import LOSS, Labels, Task, TaskMetric, Tensor


def task() -> Task:
    """Return the task. The loss of a row is the mean over its tokens, so that a short text counts like a long one."""
    return Task(
        labels=Labels("tokens"),
        outputs=lambda tokens: tokens,
        loss=loss,
        metrics=(
            TaskMetric(
                name=LOSS,
                description="cross-entropy of a token: the mean over the rows of the mean over their tokens, nats",
                higher_is_better=False,
                baseline=entropy_of_rows,
                values=loss,
                unit="nats",
                difference_unit="nat",
                margins=(0.02, 0.05, 0.1),  # 2, 5 and 10 % of the perplexity
                learned=0.05,
                lowest=0,
            ),
            TaskMetric(
                name="perplexity",
                description="exp(cross-entropy of all tokens of a part / their number): of so many equally likely "
                "tokens one would be as uncertain (Jelinek et al. 1977)",
                higher_is_better=False,
                baseline=lambda labels: float(np.exp(entropy(labels))),
                values=sums,
                reduce=lambda means: np.exp(means[..., 0] / means[..., 1]),
                decimals=2,
                lowest=1,
            ),
            TaskMetric(
                name="bits_per_byte",
                description="cross-entropy of all tokens of a part in bits / the bytes of their text in UTF-8, which "
                "does not depend on how it is cut into tokens (Gao et al. 2020, arXiv 2101.00027, section 3.1)",
                higher_is_better=False,
                baseline=bits_per_byte_of_constant,
                values=sums,
                reduce=lambda means: means[..., 0] / np.log(2) / means[..., 2],
                unit="bits",
                difference_unit="bit",
                margins=(0.01, 0.02, 0.05),
                lowest=0,
            ),
        ),
    )


def loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the mean over its tokens of the cross-entropy of each row, [B], nats."""
    from keras import ops

    summed, tokens = _cross_entropy(labels, logits)
    return summed / ops.maximum(tokens, 1)


def sums(labels: Tensor, logits: Tensor) -> Tensor:
    """Return of each row the cross-entropy of its tokens, nats, their number, and the bytes of their text, [B, 3]."""
    from keras import ops

    summed, tokens = _cross_entropy(labels, logits)
    return ops.stack([summed, tokens, ops.cast(labels[:, -1], logits.dtype)], axis=-1)


def _cross_entropy(labels: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of the tokens of each row, nats, and how many there are, [B] each.

    The logit of a token is picked by comparison: the compiler makes of it no array of [B, T, V], as it does of a
    one-hot one, and the gradient is no scatter. It takes half the time of either.
    """
    from keras import ops

    tokens = labels[:, :-1]  # [B, T]
    shifted = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))  # [B, T, V], at most 0
    is_token = ops.equal(tokens[:, :, None], ops.arange(logits.shape[-1], dtype="int32"))
    picked = ops.sum(ops.where(is_token, shifted, ops.zeros_like(shifted)), axis=-1)  # [B, T]
    found = ops.log(ops.sum(ops.exp(shifted), axis=-1)) - picked
    counted = ops.cast(tokens > 0, logits.dtype)
    return ops.sum(found * counted, axis=-1), ops.sum(counted, axis=-1)


def entropy_of_rows(labels: np.ndarray) -> float:
    """Return the loss of always answering with the shares of the tokens, where all rows count alike, nats."""
    return _entropy(_counts(labels, lambda tokens: 1 / (tokens > 0).sum(axis=1)))


def entropy(labels: np.ndarray) -> float:
    """Return the entropy of the tokens: the cross-entropy of always answering with their shares, nats a token."""
    return _entropy(_counts(labels, lambda tokens: np.ones(len(tokens))))


def bits_per_byte_of_constant(labels: np.ndarray) -> float:
    """Return the bits a byte of always answering with the shares of the tokens."""
    tokens = sum(int((some[:, :-1] > 0).sum()) for some in large_arrays.chunks(labels))
    return entropy(labels) * tokens / np.log(2) / float(labels[:, -1].sum(dtype="float64"))


def _counts(labels: np.ndarray, weights: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return how often each token is there, [tokens], those of a row weighing what `weights` gives, [rows]."""
    counts: np.ndarray = np.zeros(1)
    for some in large_arrays.chunks(labels):
        tokens = some[:, :-1]
        of_rows = np.repeat(weights(tokens), tokens.shape[1])
        counted = np.bincount(tokens.ravel(), of_rows, minlength=len(counts))
        counts = counted + np.pad(counts, (0, len(counted) - len(counts)))
    return counts[1:]  # without padding


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
