"""What is said of a plug-in that cannot be read: in one line, before anything is imported."""

import pytest

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.config import params

PARAMS = {
    "data_sets": {"mine": {}},
    "studies": {
        "small": {
            "data_set": "mine",
            "model": {"name": "mlp", "hidden_units": [8]},
            "optimizer": {"name": "sgd"},
            "budget": {"epochs": 1},
            "learning_rate_scaling": "linear",
            "grid": {"batch_sizes": [4], "base_learning_rates": [0.5], "seeds": 1},
        }
    },
}
ALLOWED = "allowed: int, float, bool, str, PositiveInt"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"def prepare(:\n", "batchwise/datasets/mine.py, line 1: this is not Python: "),
        (b"x = 1\n  y = 2\n", "batchwise/datasets/mine.py, line 2: this is not Python: unexpected indent"),
        (b"x = 1\n\0", "batchwise/datasets/mine.py: this is not Python: source code string cannot contain null bytes"),
        (b"x = '\xe9'\n", "batchwise/datasets/mine.py, line 1: this is not UTF-8 text; save the file in that encoding"),
        (b"x = " + b"-" * 100_000 + b"1", "batchwise/datasets/mine.py"),
        (b"x = " + b"(" * 1000, "batchwise/datasets/mine.py"),
        (b"", "batchwise/datasets/mine.py has no function prepare; write `def prepare(*, "),
        (b"async def prepare(): ...", "batchwise/datasets/mine.py, line 1: prepare is async; write `def prepare(*, "),
        (b"prepare = dict", "batchwise/datasets/mine.py has no function prepare; write `def prepare(*, "),
        (b"def prepare(*, a): ...", f"mine.py, line 1: option a has type nothing; {ALLOWED}"),
        (b"def prepare(*, a: bytes): ...", f"mine.py, line 1: option a has type bytes; {ALLOWED}"),
        (b"def prepare(*, a: Literal[B]): ...", f"option a has type Literal[B]; {ALLOWED}"),
        (b"def prepare(*, a: int = B): ...", "mine.py, line 1: the default of a is B; write a value as in params.yaml"),
    ],
)
def test_a_plugin_that_cannot_be_read_is_told_so_in_one_line(content, words, tmp_path, monkeypatch) -> None:
    (tmp_path / "mine.py").write_bytes(content)
    folder = plugins._folder
    monkeypatch.setattr(plugins, "_folder", lambda kind: tmp_path if kind == "datasets" else folder(kind))
    with pytest.raises(UserError) as caught:
        params.check(PARAMS)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_plugin_may_begin_with_the_mark_of_its_encoding(tmp_path, monkeypatch) -> None:
    (tmp_path / "mine.py").write_bytes("\ufeffdef prepare(*, a: int = 3): ...\r\n".encode())
    monkeypatch.setattr(plugins, "_folder", lambda kind: tmp_path)
    ((name, (_, default)),) = plugins.options("datasets", "mine").items()
    assert (name, default) == ("a", 3)
