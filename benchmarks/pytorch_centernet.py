"""The detector of batchwise/models/centernet_small.py in PyTorch, eager, as a user writes it, and its loss."""

import torch
from torch import nn
from torch.nn import functional

STRIDE = 4  # pixels of a cell of the grid


class CenterNet(nn.Module):
    """Convolutions that halve the image three times, and put out boxes where it is halved twice; channels last."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(convolution(3, 16, stride=2), convolution(16, 32, stride=2), convolution(32, 32))
        self.coarse = nn.Sequential(
            convolution(32, 48, stride=2), convolution(48, 48), convolution(48, 48), convolution(48, 32, size=1)
        )
        self.together = convolution(32, 32)
        self.head = nn.Conv2d(32, classes + 4, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits and the four numbers of a box of each cell, [B, 3, H, W] → [B, H/4·W/4, classes + 4]."""
        fine = self.fine(images)
        together = self.together(fine + functional.interpolate(self.coarse(fine), scale_factor=2))
        return self.head(together).flatten(2).transpose(1, 2)


def convolution(channels_in: int, channels: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution with its normalisation and a ReLU."""
    layer = nn.Conv2d(channels_in, channels, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


def loss_of_rows(
    labels: torch.Tensor, outputs: torch.Tensor, size: tuple[int, int], class_balance: float
) -> torch.Tensor:
    """Return the loss of each image of a size with boxes [B, K, 5], that of batchwise/tasks/detection.py, [B].

    `outputs` are those of the network, [B, H/4·W/4, classes + 4].
    """
    classes = outputs.shape[2] - 4
    logits = outputs[..., :classes]
    there, label = labels[..., 4] >= 0, labels[..., 4].clamp(min=0).long()
    cell, targets, heat = _targets(labels, label, there, size, classes)
    away = (1 - heat) ** 4 * logits.sigmoid() ** 2 * functional.softplus(logits)
    at = outputs.gather(1, cell[..., None].expand(-1, -1, classes + 4))  # [B, K, classes + 4]
    of_class = at.gather(2, label[..., None])[..., 0]
    found = (1 - of_class.sigmoid()) ** 2 * functional.softplus(-of_class)
    errors = (at[..., classes:] - targets).abs().sum(2)
    weights = _weights(label, there, classes, class_balance)
    of_objects = there * weights.gather(1, label) * (found + errors)
    return (weights * away.sum(1)).sum(1) + of_objects.sum(1)


@torch.no_grad()
def _targets(
    labels: torch.Tensor, label: torch.Tensor, there: torch.Tensor, size: tuple[int, int], classes: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the cell of each object, what to put out there [B, K, 4], and how near objects cells are, [B, P, C]."""
    height, width = size[0] // STRIDE, size[1] // STRIDE
    grid = torch.tensor([width, height])
    centres = (labels[..., :2] + labels[..., 2:4]) / 2 * grid  # in cells
    sides = (labels[..., 2:4] - labels[..., :2]).clamp(min=1e-6) * grid
    own = torch.minimum(centres.long().clamp(min=0), grid - 1)
    targets = torch.cat([centres - own - 0.5, sides.log()], 2)
    deviations = (sides / 9).clamp(min=0.4)
    # A Gaussian of two axes is the product of one along each.
    x, y = (
        torch.exp(-(((torch.arange(cells) - own[..., axis, None]) / deviations[..., axis, None]) ** 2) / 2)
        for axis, cells in enumerate((width, height))
    )
    near = (there[..., None, None] * y[..., None] * x[..., None, :]).flatten(2)  # [B, K, P]
    heat = torch.zeros(len(labels), classes, near.shape[2])
    heat.scatter_reduce_(1, label[..., None].expand_as(near), near, "amax")
    return own[..., 1] * width + own[..., 0], targets, heat.transpose(1, 2)


def _weights(label: torch.Tensor, there: torch.Tensor, classes: int, class_balance: float) -> torch.Tensor:
    """Return how much an object of each class counts, [B, C]."""
    counts = (functional.one_hot(label, classes) * there[..., None]).sum(1)
    weights = counts.clamp(min=1) ** -class_balance
    return weights / (counts * weights).sum(1, keepdim=True).clamp(min=1)
