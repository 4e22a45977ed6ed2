"""He's ResNet for CIFAR in PyTorch, eager, as a user writes it: modules of torch.nn, channels last."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """Two convolutions and a shortcut without weights (He et al. 2015, section 4.2, option A)."""

    def __init__(self, channels_in: int, channels: int, normalized: bool) -> None:
        super().__init__()
        self.stride = channels // channels_in
        self.first = convolution(channels_in, channels, self.stride, normalized)
        self.second = convolution(channels, channels, 1, normalized)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs of the block, [B, channels, H / stride, W / stride]."""
        outputs = self.second(functional.relu(self.first(inputs)))
        shortcut = inputs[:, :, :: self.stride, :: self.stride]
        shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, outputs.shape[1] - inputs.shape[1]))
        return functional.relu(outputs + shortcut)


def convolution(channels_in: int, channels: int, stride: int, normalized: bool) -> nn.Sequential:
    """Return a 3×3 convolution, normalised or not."""
    layer = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=not normalized)
    return nn.Sequential(layer, nn.BatchNorm2d(channels)) if normalized else nn.Sequential(layer)


def resnet(depth: int, normalized: bool, classes: int = 10) -> nn.Sequential:
    """Return the network, [B, 3, H, W] → [B, classes]."""
    blocks = (depth - 2) // 6
    widths = [16] * (blocks + 1) + [32] * blocks + [64] * blocks
    body = [Block(before, after, normalized) for before, after in pairwise(widths)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes)]
    model = nn.Sequential(convolution(3, 16, 1, normalized), nn.ReLU(), *body, *head)
    return model.to(memory_format=torch.channels_last)


def copy_weights(model: nn.Sequential, weights: list[np.ndarray]) -> None:
    """Set the trainable weights to those of the Keras model, in its order."""
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[weight.ndim]  # Keras: [H, W, in, out] and [in, out]
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(weight.transpose(axes))))
