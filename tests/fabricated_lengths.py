"""Made-up rows of lengths.csv in which a token takes a known number of bytes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from batchwise.measuring.profiling.profile_files import LENGTHS

BASE, LIMIT = 6e8, 2e9  # bytes
TOKENS = (2**13, 2**15, 2**16)
Kinds = Mapping[tuple[str, int], tuple[float, float]]  # {(type, parts): (bytes of a token, seconds of one)}
OWN: Kinds = {("float32", 1): (3000.0, 1e-6)}


def lengths(
    kinds: Kinds = OWN,
    tokens: Sequence[int] = (50, 100, 200, 400),
    *,
    exponent: float = 1.0,
    square: float = 0.0,
    noise: float = 2e6,
    ends: bool = True,
    evaluation: float | None = None,
) -> pd.DataFrame:
    """Return lengths.csv; the first of `kinds` is the study, whose memory ends at LIMIT.

    The largest m that is found falls as 1/T to the power `exponent`, from that of the shortest length. `evaluation` are
    its bytes for each token of a row.
    """
    random, rows = np.random.default_rng(0), []
    for number, ((dtype, parts), (of_token, seconds)) in enumerate(kinds.items()):
        for length in tokens:
            for m in [2 ** int(np.log2(most / length)) for most in TOKENS]:
                peak = BASE + m * (of_token * length + square * length**2) + noise * random.normal()
                rows.append([length, dtype, parts, m, "point", "fits", None, int(peak), seconds * m * length])
        for length in tokens if ends and number == 0 else ():
            most = (LIMIT - BASE) / (of_token * tokens[0]) * (tokens[0] / length) ** exponent
            rows.append([length, dtype, parts, int(0.97 * most), "end", "fits", None, int(0.98 * LIMIT), 1.0])
            rows.append([length, dtype, parts, int(1.05 * most), "end", "out_of_memory", "no room", None, None])
    for length in tokens if evaluation else ():
        peak = int(BASE + (evaluation or 0) * length)
        rows.append([length, "float32", 1, 2048, "evaluation", "fits", None, peak, None])
    return pd.DataFrame(rows, columns=list(LENGTHS))
