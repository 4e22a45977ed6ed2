"""What a task says of its labels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tensor = Any


@dataclass(frozen=True)
class Task:
    """`loss` and `correct` take labels [B] and logits [B, outputs], and return a value for each example, [B]."""

    outputs: Callable[[int], int]  # of the number of classes
    loss: Callable[[Tensor, Tensor], Tensor]  # cross-entropy, nats
    correct: Callable[[Tensor, Tensor], Tensor]  # bool
