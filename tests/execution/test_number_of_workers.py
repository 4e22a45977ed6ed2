"""BATCHWISE_WORKERS is a whole number that the machine can bear, or is refused in a line."""

from collections.abc import Callable

import pytest

from batchwise.common.errors import UserError
from batchwise.execution import pool_size


@pytest.fixture
def number(monkeypatch) -> Callable[[str], int]:
    """The number of workers that a value of the variable gives, on a machine with four cores."""
    monkeypatch.setattr(pool_size, "CPU_COUNT", 4)

    def read(given: str) -> int:
        monkeypatch.setenv("BATCHWISE_WORKERS", given)
        return pool_size.number_of_workers()

    return read


@pytest.mark.parametrize(("given", "wanted"), [("1", 1), ("4", 4), ("32", 32), ("007", 7)])
def test_as_many_workers_as_are_given(number, given, wanted) -> None:
    assert number(given) == wanted


def test_without_a_number_each_core_has_one(number, monkeypatch) -> None:
    monkeypatch.setattr(pool_size, "gpu_of", lambda engine: None)
    assert number("") == 4


WRONG = [
    "0",
    "-1",
    "33",
    "999999999",
    "9" * 5000,
    "1.0",
    "1e1",
    "0x4",
    " 4",
    "4 ",
    "+4",
    "٤",
    "two",
    "nan",
    "4\n",
    "4;5",
]


@pytest.mark.parametrize("given", WRONG, ids=lambda given: ascii(given[:9]))
def test_another_number_or_none_is_refused_in_a_line(number, given) -> None:
    with pytest.raises(UserError, match=r"allowed are whole numbers from 1 to 32, 8 for each core$") as caught:
        number(given)
    assert str(caught.value).startswith("BATCHWISE_WORKERS is ") and str(caught.value).isprintable()
    assert len(str(caught.value)) < 160
