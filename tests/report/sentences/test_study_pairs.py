"""What is said of a pair of studies: by the interval of each difference, with the options in which they differ."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwise.analysis.study_pairs import StudyPair
from batchwise.report.sentences import study_pairs as sentences


def pair(change: str, base, other) -> StudyPair:
    """Return a pair of studies, of which only that is known in which they differ."""
    key = "model" if change == "normalization" else change
    return StudyPair(*(SimpleNamespace(recipe={"lanes": None, key: value}) for value in (base, other)), change)


@pytest.mark.parametrize(
    ("change", "base", "other", "said"),
    [
        ("optimizer", {"name": "sgd"}, {"name": "adam"}, "adam instead of sgd"),
        (
            "optimizer",
            {"name": "sgd", "momentum": 0.0},
            {"name": "sgd", "momentum": 0.9},
            "sgd with momentum 0.9 instead of sgd with momentum 0",
        ),
        (
            "optimizer",
            {"name": "adam", "beta_2": 0.95, "second_moment_half_life": None},
            {"name": "adam", "beta_2": None, "second_moment_half_life": 6919.0},
            "adam with second_moment_half_life 6,919 instead of adam with beta_2 0.95",
        ),
        (
            "optimizer",
            {"name": "sgd", "clipnorm": None},
            {"name": "sgd", "clipnorm": 1.0},
            "sgd with clipnorm 1 instead of sgd",
        ),
        ("accumulation", 1, 4, "each batch in 4 parts instead of whole"),
        (
            "schedule",
            {"warm_up": 0, "drops": [], "batch_sizes": {}},
            {"warm_up": 0, "drops": [], "batch_sizes": {"0.5": 8}, "learning_rate_scaling": "sqrt"},
            "m ×8 from 50 % of the epochs on (η grows with √m) instead of nothing that changes within a run",
        ),
        ("dtype", "float32", "mixed_bfloat16", "mixed_bfloat16 instead of float32"),
        ("engine", "tensorflow", "jax", "JAX with 8 runs at once instead of TensorFlow"),
        ("normalization", {"normalization": "none"}, {"normalization": "batch"}, "batch normalisation instead of no"),
    ],
)
def test_it_is_said_in_what_a_pair_differs(change: str, base, other, said: str) -> None:
    assert sentences.what_differs(pair(change, base, other)).startswith(said)


@pytest.mark.parametrize(
    ("seconds", "bytes_", "said"),
    [
        ([1.0, 1.0], [1.0, 2.0], "An epoch takes as long and a process takes 1 to 2 times as much memory."),
        ([2.0, 4.0], [1.0, 1.0], "An epoch takes 2 to 4 times as long and a process takes as much memory."),
        ([None, None], [3.0, 3.0], "A process takes 3 times as much memory."),
        ([None, None], [None, None], ""),
    ],
)
def test_what_a_pair_costs_is_said_where_it_is_known(seconds, bytes_, said: str) -> None:
    table = pd.DataFrame({"other_epoch_seconds": seconds, "other_memory_bytes": bytes_}, dtype=float)
    table[["base_epoch_seconds", "base_memory_bytes"]] = 1.0
    assert sentences._costs(table) == said


@given(low=st.floats(-5, 5), width=st.floats(0, 5), margin=st.floats(0.01, 3))
def test_a_verdict_is_that_of_its_interval(low: float, width: float, margin: float) -> None:
    high = low + width
    found = sentences.verdict(low, high, margin)
    assert (found == sentences.BETTER) == (low > margin)
    assert (found == sentences.WORSE) == (high < -margin)
    assert (found == sentences.SAME) == (max(abs(low), abs(high)) < margin)
    turned = {sentences.BETTER: sentences.WORSE, sentences.WORSE: sentences.BETTER}
    assert sentences.verdict(-high, -low, margin) == turned.get(found, found)


def test_without_an_interval_nothing_is_told() -> None:
    assert sentences.verdict(np.nan, np.nan, 1.0) == sentences.UNKNOWN


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ([sentences.SAME] * 2, "no difference"),
        ([sentences.SAME, sentences.UNKNOWN], "no difference at some m"),
        ([sentences.BETTER, sentences.WORSE], "it depends on m"),
        ([sentences.UNKNOWN], "cannot be told"),
    ],
)
def test_a_mark_sums_up_what_is_said_of_each_batch_size(said: list[str], mark: str) -> None:
    assert sentences.mark(said)[0] == mark
