"""Whatever params.yaml holds, it is read, or each line about it is ours: short, printable, with the key."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from batchwise.common.errors import UserError
from batchwise.config import params, schema
from batchwise.config.params import Params

TEXT = """\
# a study with each section that there is
files: { photos: pictures/cells, start: start.npz }
data_sets:
  digits: &options { test_rows: 297, validation_rows: 300, seed: 0 }
  breast_cancer: { <<: *options, test_rows: 114 }
  vector_classes: { classes: 4, features: 20, std: 0.7, train_rows: 50, validation_rows: 3, test_rows: 10, seed: 0 }
studies:
  a:
    data_set: digits
    subset: { train_rows: 100, seed: 1 }
    model: { name: cnn, channels: 8, normalization: batch, normalization_batch: 2 }
    optimizer: { name: sgd, momentum: 0.9, nesterov: true }
    budget: { epochs: 5 }
    schedule: { warm_up: 0.1, drops: [0.5, 0.75] }
    weight_decay: 1e-4
    augmentation: { pad: 1, flip: true }
    accumulation: 2
    dtype: mixed_bfloat16
    trainable: [dense]
    weights: start
    learning_rate_scaling: linear
    grid: &grid
      batch_sizes: [2, 4]
      base_learning_rates: [0.1, 0.2]
      seeds: 3
    metric: accuracy
    targets: [0.9]
    landscape: [2]
  b:
    data_set: digits
    model: { name: mlp, hidden_units: [32] }
    optimizer: { name: lamb, epsilon: 1.0e-7, second_moment_half_life: 5000, ema: 0.9, clipnorm: 1 }
    budget: { updates: 5 }
    learning_rate_scaling: none
    grid: *grid
"""
FOREIGN = re.compile(
    r"Input should|pydantic|type=|validation error|Traceback|Error\b|<class|ctx|valid (int|num|str|dict)"
)
# A line begins with the file, and then the key, its section or its line.
BEGINNING = re.compile(
    r"params\.yaml(, line \d+: | is not valid YAML: line \d+: | is not UTF-8 text|"
    r": (a key of )?(files|data_sets|studies)\b|: the file is |"
    r": .+ is not a known key of this section; allowed: files, data_sets, studies)"
)
NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**32,
    2**63,
    10**400,
    -(10**30),
    0.0,
    -0.5,
    1e-300,
    1e300,
    5e-324,
    float("nan"),
    float("inf"),
]
SCALARS = st.sampled_from([*NUMBERS, None, True, False, "", "é\n", "x" * 999, "2024-01-01", "1e-4", "mlp", "../x"])
VALUES = st.recursive(
    SCALARS | st.text(max_size=5) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS | st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
Path_ = tuple[Any, ...]
SCHEMA = Draft202012Validator(schema.of_params())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "params.yaml"


@pytest.fixture(scope="module")
def content(file) -> dict[str, Any]:
    """Return the whole of TEXT, checked: as plain values, with every default."""
    file.write_text(TEXT, encoding="utf-8")
    given = params.load(file)
    studies = {name: study.model_dump() for name, study in given.studies.items()}
    studies["b"]["subset"] = studies["a"]["subset"]
    studies["b"].pop("augmentation")
    studies["b"].pop("metric")
    return {"files": given.files, "data_sets": given.data_sets, "studies": studies}


def paths(content: Any, above: Path_ = ()) -> list[Path_]:
    """Return where values stand: the keys and numbers that lead to each, of the whole first."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [above, *(path for key, value in inner for path in paths(value, (*above, key)))]


def mutated(content: Any, data: st.DataObject) -> Any:
    """Return the content with one of its values taken away, replaced, nested, doubled, or put beside itself."""
    path = data.draw(st.sampled_from(paths(content)))
    kind = data.draw(st.sampled_from(["remove", "replace", "list", "mapping", "double", "beside"]))
    if not path:
        return data.draw(VALUES) if kind == "replace" else content
    *above, last = path
    section = content
    for key in above:
        section = section[key]
    if kind == "remove":
        del section[last]
    elif kind == "replace":
        section[last] = data.draw(VALUES)
    elif kind == "beside" and isinstance(section, dict):
        section[data.draw(SCALARS)] = section[last]
    else:
        section[last] = {"list": [section[last]], "mapping": {last: section[last]}}.get(kind, [section[last]] * 2)
    return content


def lines_are_ours(call: Any) -> bool:
    """Return whether a call gives parameters; if it does not, what it says must be in our words."""
    try:
        assert isinstance(call(), Params)
    except UserError as error:
        for line in str(error).split("\n       "):
            assert BEGINNING.match(line) or line.endswith("more mistakes like these"), line
            assert not FOREIGN.search(line), line
            assert line.isprintable(), line
            assert len(line) <= 400, line
        return False
    return True


@settings(max_examples=100)
@given(st.data(), st.integers(1, 3))
def test_any_value_in_any_place(content, data, times) -> None:
    changed = copy.deepcopy(content)
    for _ in range(times):
        changed = mutated(changed, data)
    if lines_are_ours(lambda: params.check(changed)):
        SCHEMA.validate(changed)  # an editor marks nothing in what is right


PIECES = [
    *(
        "&options ",
        "*grid",
        "*options",
        "&grid ",
        "<<: ",
        "!!set ",
        "!!binary ",
        "! ",
        "? ",
        "- ",
        "---\n",
        "...\n",
        "%",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ": ",
        ",",
        "#",
        "|\n",
        ">\n",
        '"',
        "'",
        "\\",
        "\t",
        "\n",
        "\0",
        "\ufeff",
        "\x85",
        "é",
        "\u2028",
    ),
    *("0x", "_", ".nan", "-.inf", "~", "=", "1e999", "9" * 400, "2024-13-45", "@", "`", '"\\ud800"', '"\\0"', "\x7f"),
]
CHANGES = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=3)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60)
@given(CHANGES)
@example([(0, 0, "\ufeff")])
@example([(0, len(TEXT), "")])
def test_any_change_of_the_text(file, changes) -> None:
    text = TEXT
    for start, removed, piece in changes:
        text = text[:start] + piece + text[start + removed :]
    file.write_bytes(text.encode(errors="surrogatepass"))
    lines_are_ours(lambda: params.load(file))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 255)), max_size=3), st.integers(0, len(TEXT)))
def test_any_flip_and_any_end_of_its_bytes(file, flips, end) -> None:
    content = bytearray(TEXT.encode())
    for position, bits in flips:
        content[position] ^= bits
    file.write_bytes(content[: end or None])
    lines_are_ours(lambda: params.load(file))
