"""The random numbers of TensorFlow on a CPU, in NumPy: so that models start from the same weights on other engines.

They are Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3) with a key that
is scrambled from a seed, and what TensorFlow makes of its blocks of four whole numbers of 32 bits:
tensorflow/core/kernels/stateless_random_ops.cc (GenerateKey), random_op_cpu.h (FillPhiloxRandom) and
tensorflow/core/lib/random/random_distributions.h. Uniform and whole numbers are the same to the bit, others to the
rounding of logarithms, sines and cosines.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)  # what a round adds to the key
SCRAMBLING = (0x3EC8F720, 0x02461E29)
RESERVED = 256  # whole numbers of 32 bits, for a truncated normal number
SMALLEST = 1e-7  # of which a logarithm is taken
BEYOND = 2.0  # standard deviations, where normal numbers are truncated
TOGETHER = 2**15  # blocks, which stay in the cache

Seed = Sequence[int]  # two, each from 0 to less than 2³²
Key = tuple[int, int]
Start = tuple[Key, Key]  # a key, and the half of the counter that is the same for all blocks


def uniform(seed: Seed, size: int, dtype: str) -> np.ndarray:
    """Return numbers from 0 to less than 1, [size]: those of tf.random.stateless_uniform with a seed."""
    return _filled(seed, size, lambda blocks: _from_0_to_1(blocks, dtype))


def normal(seed: Seed, size: int, dtype: str) -> np.ndarray:
    """Return numbers of mean 0 and variance 1, [size]: those of tf.random.stateless_normal."""
    return _filled(seed, size, lambda blocks: _normal(blocks, dtype))


def integers(seed: Seed, size: int, low: int, high: int, dtype: str) -> np.ndarray:
    """Return whole numbers from `low` to less than `high`, [size] int32 or int64: of tf.random.stateless_uniform."""
    unsigned = "uint64" if dtype == "int64" else "uint32"
    found = _filled(seed, size, lambda blocks: blocks.view(unsigned))
    return (found % np.array(high - low, unsigned)).astype(dtype) + np.array(low, dtype)


def truncated_normal(seed: Seed, size: int, dtype: str) -> np.ndarray:
    """Return normal numbers within two standard deviations, [size]: those of tf.random.stateless_truncated_normal.

    As many as one block makes take the first ones that are within of the blocks that are reserved for them.
    """
    start, width = _scrambled(seed), _width(dtype)
    parts = [_within(start, groups, dtype) for groups in _parts(size, width)]
    return np.concatenate([np.empty((0, width), dtype), *parts]).ravel()[:size]


def _within(start: Start, groups: np.ndarray, dtype: str) -> np.ndarray:
    """Return truncated normal numbers of groups with these numbers [n], [n, width]."""
    width = _width(dtype)
    found = np.empty((len(groups), width), dtype)
    filled = np.zeros(len(groups), int)
    waiting, block = np.arange(len(groups)), 0
    while len(waiting):
        numbers = _normal(_blocks(start, groups[waiting] * np.uint64(width * RESERVED // 4) + np.uint64(block)), dtype)
        within = np.abs(numbers) < BEYOND
        places = filled[waiting, None] + within.cumsum(1) - 1
        rows, columns = np.nonzero(within & (places < width))
        found[waiting[rows], places[rows, columns]] = numbers[rows, columns]
        filled[waiting] += within.sum(1)
        waiting, block = waiting[filled[waiting] < width], block + 1
    return found


def _filled(seed: Seed, size: int, numbers: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the numbers [size] that are made of the blocks of a seed, in their order."""
    start, width = _scrambled(seed), numbers(np.zeros((1, 4), "uint32")).shape[1]
    parts = [numbers(_blocks(start, part)) for part in _parts(max(size, 1), width)]
    return np.concatenate(parts).ravel()[:size]


def _parts(size: int, width: int) -> Iterator[np.ndarray]:
    """Yield the numbers of the blocks, or groups, for so many numbers, of which each makes `width`."""
    count = -(-size // width)
    for first in range(0, count, TOGETHER):
        yield np.arange(first, min(first + TOGETHER, count), dtype="uint64")


def _width(dtype: str) -> int:
    """Return how many numbers a block makes."""
    return 2 if dtype == "float64" else 4


def _scrambled(seed: Seed) -> Start:
    counter = np.array([[seed[0]], [0], [seed[1]], [0]], "uint64")
    first, second, *counter_of_all = map(int, _philox(counter, SCRAMBLING)[0])
    return (first, second), (counter_of_all[0], counter_of_all[1])


def _blocks(start: Start, numbers: np.ndarray) -> np.ndarray:
    """Return the blocks with these numbers [n], [n, 4] uint32."""
    key, (third, fourth) = start
    low = np.uint64(0xFFFFFFFF)
    counter = [numbers & low, numbers >> np.uint64(32), *(np.full_like(numbers, half) for half in (third, fourth))]
    return _philox(np.stack(counter), key)


def _philox(counter: np.ndarray, key: Key) -> np.ndarray:
    """Return the blocks of counters [4, n] uint64, of which each number has 32 bits, [n, 4] uint32."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    one, two, three, four = counter
    for number in range(ROUNDS):
        keys = [np.uint64((part + number * weyl) % 2**32) for part, weyl in zip(key, WEYL, strict=True)]
        first, third = one * np.uint64(MULTIPLIERS[0]), three * np.uint64(MULTIPLIERS[1])
        one, two, three, four = third >> half ^ two ^ keys[0], third & low, first >> half ^ four ^ keys[1], first & low
    return np.stack([one, two, three, four], 1).astype("uint32")


def _from_0_to_1(blocks: np.ndarray, dtype: str) -> np.ndarray:
    """Return the numbers from 0 to less than 1 of which the bits are the mantissa, [n, width]."""
    if dtype == "float64":
        high, low = blocks[:, ::2].astype("uint64"), blocks[:, 1::2].astype("uint64")
        mantissa = (high & np.uint64(0xFFFFF)) << np.uint64(32) | low
        return (mantissa | np.uint64(1023 << 52)).view(dtype) - 1
    return (blocks & np.uint32(0x7FFFFF) | np.uint32(127 << 23)).view(dtype) - np.float32(1)


def _normal(blocks: np.ndarray, dtype: str) -> np.ndarray:
    """Return the normal numbers that Box & Muller 1958 make of each pair, [n, width].

    As TensorFlow, it rounds to the type after each step; the steps are computed in float64, as exactly as in C.
    """
    numbers = _from_0_to_1(blocks, dtype)
    logarithms = np.log(np.maximum(numbers[:, ::2], np.array(SMALLEST, dtype)).astype("float64")).astype(dtype)
    radii = np.sqrt(-2 * logarithms)
    angles = (2 * math.pi * numbers[:, 1::2].astype("float64")).astype(dtype).astype("float64")
    sines, cosines = np.sin(angles).astype(dtype), np.cos(angles).astype(dtype)
    return np.stack([sines * radii, cosines * radii], 2).reshape(numbers.shape)
