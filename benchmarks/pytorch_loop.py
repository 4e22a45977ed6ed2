"""PyTorch, eager: tensors indexed by the order, an evaluation of each part after each epoch."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.job import Job


def prepare(job: Job) -> Callable[[], np.ndarray]:
    """Return what trains the job and returns the losses after each epoch, [epochs, 3]."""
    torch.set_num_threads(1)
    parts = [(torch.from_numpy(part.inputs), torch.from_numpy(part.labels).long()) for part in job.parts]
    inputs, labels = parts[0]
    # Keras keeps a layer's weights as [in, out], PyTorch as [out, in].
    start = [torch.from_numpy(np.ascontiguousarray(weight.T)) for weight in job.weights]
    layers = [nn.Linear(*weight.shape) for weight in job.weights[::2]]
    model = nn.Sequential(*(step for layer in layers for step in (layer, nn.ReLU())))[:-1]
    orders = torch.from_numpy(job.orders).long()

    def run():
        model.load_state_dict(dict(zip(model.state_dict(), start, strict=True)))
        optimizer = torch.optim.SGD(model.parameters(), lr=job.learning_rate)
        losses = []
        for order in orders:
            for rows in order.split(job.batch_size):
                optimizer.zero_grad()
                cross_entropy(model(inputs[rows]), labels[rows]).backward()
                optimizer.step()
            losses.append([_metrics(model, *part)[0] for part in parts])
        return np.array(losses)

    return run


@torch.no_grad()
def _metrics(model, inputs, labels):
    logits = model(inputs)
    return cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).sum().item()
