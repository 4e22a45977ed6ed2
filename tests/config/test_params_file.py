"""Edits of params.yaml: they say what they should, and leave all else as it was typed."""

import math
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import params_file, yaml_file
from batchwise.config.params_file import add_entry, set_value

# Each kind of line is in it, but few of a kind: reading it takes most of the time.
PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8").partition("  digits_adam:")[0]
PARAMS = re.sub(r"  breast_cancer_question:.*?\n\n|(?<=\n) +- 0\.0\d+\n", "", PARAMS, flags=re.DOTALL)
names = st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | floats | texts
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=4),
    max_leaves=12,
)
entries = st.dictionaries(names, plain, min_size=1, max_size=4)


def read(text: str) -> Any:
    return yaml_file.values(text, "params.yaml")


CONTENT = read(PARAMS)


def paths(value: Any, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys that lead to each value of nested mappings."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield (*above, key)
        yield from paths(inner, *above, key)


def changed(content: dict, keys: tuple[str, ...], value: Any) -> dict:
    place = content = deepcopy(content)
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return content


def span(lines: list[str], keys: tuple[str, ...]) -> tuple[int, int]:
    """Return the first line of an entry and that behind its last, by indentation alone."""

    def indentation(line: str) -> int:
        return len(line) - len(line.lstrip())

    def is_content(line: str) -> bool:
        return bool(line.strip()) and not line.lstrip().startswith("#")

    first, end = -1, len(lines)
    for key in keys:
        below = [i for i in range(first + 1, end) if lines[i].lstrip().startswith(f"{key}:")]
        if not below:  # in the line of what it belongs to, or the next
            break
        first = below[0]
        others = (i for i in range(first + 1, end) if is_content(lines[i]))
        end = next((i for i in others if indentation(lines[i]) <= indentation(lines[first])), end)
    while not is_content(lines[end - 1]):
        end -= 1
    return first, end


@settings(max_examples=40)
@given(keys=st.sampled_from(sorted(paths(CONTENT))), value=plain, windows=st.booleans())
def test_a_value_of_params_yaml_is_another_and_all_else_as_it_was(keys, value, windows) -> None:
    before = PARAMS.replace("\n", "\r\n") if windows else PARAMS
    lines = before.splitlines(keepends=True)
    after, (first, end) = set_value(before, keys, value), span(lines, keys)
    assert read(after) == changed(CONTENT, keys, value)
    assert after.startswith("".join(lines[:first])) and after.endswith("".join(lines[end:]))
    assert after.count("\r\n") == after.count("\n") * windows


@settings(max_examples=25)
@given(
    above=st.sampled_from([(), ("data_sets",), ("studies",), ("files",), ("studies", "digits_mlp", "grid")]),
    value=plain,
)
def test_an_entry_is_added_and_all_else_stays(above, value) -> None:
    after = add_entry(PARAMS, above, "new_one", value, comment="why")
    content = CONTENT | ({"files": {}} if above == ("files",) else {})
    assert read(after) == changed(content, (*above, "new_one"), value)
    old, new = PARAMS.splitlines(), after.splitlines()
    end = span(old, above)[1] if above and above != ("files",) else len(old)
    assert new[:end] == old[:end] and new[len(new) - len(old) + end :] == old[end:]


@settings(max_examples=40)
@given(content=entries, name=names, value=plain)
def test_what_edits_made_can_be_edited(content, name, value) -> None:
    text = "first: 1 # mine\n"
    for key, inner in content.items():
        text = set_value(text, (key,), inner)
    content = {"first": 1} | content
    assert read(text) == content
    for key in content:
        assert read(set_value(text, (key,), value)) == {**content, key: value}
    assert read(add_entry(text, ("a section",), name, value)) == {**content, "a section": {name: value}}


@given(value=plain)
def test_what_is_written_is_read_again(value) -> None:
    assert read(f"a: {params_file.written(value)}") == {"a": value}


@pytest.mark.parametrize("exponent", range(-60, 30))
def test_powers_of_two_are_written_as_people_do(exponent) -> None:
    text = params_file.written(2.0**exponent)
    assert read(f"a: {text}") == {"a": 2.0**exponent} and "." in text
    assert ("e" in text) == (2.0**exponent < 1e-9)


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("a: # why\n  - 1 # one\n  - 2\n# end\n", ["a"], "a: # why\n  - 7.0\n  - 8.0\n# end\n"),
        ("a: [1,2]   # why\n", ["a"], "a: [7.0, 8.0]   # why\n"),
        ("a: { b: [1], c:  2 }\n", ["a", "b"], "a: { b: [7.0, 8.0], c:  2 }\n"),
        ("a:\n  b: 'x'\n\nc: 1", ["a", "b"], "a:\n  b: [7.0, 8.0]\n\nc: 1"),
        ("a:\n", ["a"], "a: [7.0, 8.0]\n"),
        ("a: { c: 1 }\n", ["a", "b"], "a: { c: 1, b: [7.0, 8.0] }\n"),
        ("a: {}\n", ["a", "b"], "a: { b: [7.0, 8.0] }\n"),
        ("a:\n    c: 1 # one\n\nd: 1\n", ["a", "b"], "a:\n    c: 1 # one\n    b: [7.0, 8.0]\n\nd: 1\n"),
        ("a: &x [1] # why\n", ["a"], "a: [7.0, 8.0] # why\n"),  # to which nothing refers
        ("x: &x { c: 1 }\na:\n  <<: *x\n", ["a", "c"], "x: &x { c: 1 }\na:\n  <<: *x\n  c: [7.0, 8.0]\n"),
    ],
)
def test_the_style_stays(before, keys, after) -> None:
    assert set_value(before, keys, [7.0, 8.0]) == after


@pytest.mark.parametrize(
    "text", ["x: &x [1]\na: *x\n", "a: &x [1]\nx: *x\n", "x: &x\n  a: [1]\ny: *x\n", "a: &x {b: 1}\nc: {d: *x}\n"]
)
def test_what_is_shared_is_not_edited_behind_a_users_back(text) -> None:
    keys = ["y", "a"] if "y:" in text else ["a"]
    with pytest.raises(UserError, match=r"shares its value with another place by & and \*; edit it by hand$"):
        set_value(text, keys, [2])


def test_a_value_that_is_no_mapping_gets_no_entry() -> None:
    with pytest.raises(UserError, match=r"^a is no mapping; add b by hand$"):
        add_entry("a: 1\n", ["a"], "b", 1)


def test_a_file_keeps_its_mark_and_a_link_its_target(tmp_path) -> None:
    target, link = tmp_path / "real.yaml", tmp_path / "params.yaml"
    target.write_bytes(b"\xef\xbb\xbfa: 1\n")
    link.symlink_to(target)
    params_file.write(link, set_value(yaml_file.text_of(link), ["a"], math.pi))
    assert target.read_bytes() == f"\N{ZERO WIDTH NO-BREAK SPACE}a: {math.pi}\n".encode() and link.is_symlink()
