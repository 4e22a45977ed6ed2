"""One process of the comparison of detectors: trains CenterNet on demand, and says when it is done.

`python -m benchmarks.detector_loops <loop>` reads batch sizes and answers as benchmarks/network_loops.py does.
"""

import sys
from collections.abc import Callable

import numpy as np

from benchmarks.network_loops import answer
from benchmarks.random_boxes import AUGMENTATION, CLASS_BALANCE, CLASSES, SIZE, data_set, images, recipe

# Examples of a turn, by m: some tenths of a second.
EXAMPLES = {4: 256, 16: 512, 64: 512}
LEARNING_RATE = 0.001


def this_engine(augmentation: dict | None = None) -> Callable[[int], None]:
    """Return what trains with this engine, on one core."""
    from batchwise.training.trainer import Trainer

    how = recipe({"epochs": 1}, augmentation)
    trainers = {m: Trainer(data_set(rows, 10, 10), how) for m, rows in EXAMPLES.items()}

    def train(m: int) -> None:
        trainers[m].reset(seed=0)
        for _, program, call, epochs in trainers[m].epoch_calls(m, LEARNING_RATE, seed=0):
            program(*call, np.int32(epochs))[0].numpy()

    return train


def this_engine_augmented() -> Callable[[int], None]:
    """Return what trains with this engine, on one core, with flips and other sizes, of images and boxes."""
    return this_engine(AUGMENTATION)


def keras_fit(threads: int = 0) -> Callable[[int], None]:
    """Return what trains with `model.fit` on so many threads, 0 for one on each core."""
    import keras
    import tensorflow as tf

    from batchwise.data.task import of_recipe
    from benchmarks.keras_centernet import centernet

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    part = images(max(EXAMPLES.values()))
    inputs, labels = (part.inputs - np.float32(128)) / np.float32(128), part.labels
    model = centernet(SIZE, CLASSES)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), of_recipe(recipe({"epochs": 1}), "detection").loss)
    return lambda m: model.fit(inputs[: EXAMPLES[m]], labels[: EXAMPLES[m]], batch_size=m, verbose=0)


def keras_fit_side_by_side() -> Callable[[int], None]:
    """Return what trains with `model.fit`, on one core."""
    return keras_fit(threads=1)


def pytorch_loop(threads: int = 0) -> Callable[[int], None]:
    """Return what trains with PyTorch, eager, on so many threads, 0 for one on each core."""
    import torch

    from benchmarks.pytorch_centernet import CenterNet, loss_of_rows

    torch.set_num_threads(threads or torch.get_num_threads())
    part = images(max(EXAMPLES.values()))
    pixels = torch.from_numpy((part.inputs - np.float32(128)) / np.float32(128)).permute(0, 3, 1, 2)  # channels last
    boxes = torch.from_numpy(part.labels)
    model = CenterNet(CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)

    def train(m: int) -> None:
        for rows in torch.randperm(EXAMPLES[m]).split(m):
            optimizer.zero_grad()
            loss_of_rows(boxes[rows], model(pixels[rows]), SIZE, CLASS_BALANCE).mean().backward()
            optimizer.step()

    return train


def pytorch_loop_side_by_side() -> Callable[[int], None]:
    """Return what trains with PyTorch, eager, on one core."""
    return pytorch_loop(threads=1)


LOOPS = {
    loop.__name__: loop
    for loop in (
        this_engine,
        this_engine_augmented,
        keras_fit,
        keras_fit_side_by_side,
        pytorch_loop,
        pytorch_loop_side_by_side,
    )
}

if __name__ == "__main__":
    answer(LOOPS[sys.argv[1]]())
