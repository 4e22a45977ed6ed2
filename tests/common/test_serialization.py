"""Equal contents give equal bytes, and what is not a number is empty."""

import json
import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from batchwise.common.serialization import as_csv, as_json

FACTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Pair(NamedTuple):
    mean: float
    n: int


@given(st.dictionaries(st.text(), FACTS, max_size=3))
def test_json_has_what_was_given(content) -> None:
    assert json.loads(as_json(content)) == content


def test_json_has_plain_values() -> None:
    content = {"pair": Pair(np.float64(0.5), np.int64(3)), "none": [math.nan, -math.inf, np.float32("inf")], "η": (1,)}
    assert json.loads(as_json(content)) == {"pair": {"mean": 0.5, "n": 3}, "none": [None, None, None], "η": [1]}
    assert "η" in as_json(content).decode()


def test_csv_is_empty_where_there_is_no_finite_number() -> None:
    table = pd.DataFrame({"m": [1, 2, 3], "accuracy": [0.1, math.inf, math.nan], "name": ["a,b", "", "η"]})
    assert as_csv(table).decode() == 'm,accuracy,name\n1,0.1,"a,b"\n2,,\n3,,η\n'
