"""An attack, or an accident: params.yaml is refused in a sentence, at once, before it is built."""

import functools
import os
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.config import params, yaml_file
from batchwise.config.yaml_file import MAX_BYTES, MAX_DEPTH, MAX_LENGTH, MAX_VALUES


def laughs(first: str, line: str, levels: int = 30) -> str:
    """Return a text in which each line repeats the one before nine times."""
    repeated = [line.format(number, ", ".join([f"*a{number - 1}"] * 9)) for number in range(1, levels)]
    return "\n  ".join([f"a0: &a0 {first}", *repeated])


LISTS, MAPPINGS = laughs("[ha]", "a{0}: &a{0} [{1}]"), laughs("{ha: 1}", "a{0}: &a{0} {{<<: [{1}], k{0}: 1}}")
TOO_MANY = "there are more than 10,000 values, repeated ones (*) included, which is the limit"
TOO_DEEP = "lists and mappings are nested more than 20 deep, which is the limit"
ATTACKS = {
    "aliases": (f"data_sets:\n  {LISTS}", TOO_MANY),
    "merge keys": (f"data_sets:\n  {MAPPINGS}", TOO_MANY),
    "an option": (
        f"data_sets:\n  digits:\n    seed:\n      x:\n        {LISTS}".replace("\n  a", "\n        a"),
        TOO_MANY,
    ),
    "each in the one before": (
        "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 999)).replace("*a0", "0"),
        TOO_MANY,
    ),
    "values": (f"[{'1, ' * MAX_VALUES}1]", TOO_MANY),
    "keys": ("\n".join(f"k{number}:" for number in range(MAX_VALUES)), TOO_MANY),
    "aliases of one value": (f"a: &a 1\nb: [{'*a, ' * MAX_VALUES}1]", TOO_MANY),
    "lists in lists": ("[" * 100_000, TOO_DEEP),
    "mappings in mappings": ("{a: " * 50_000, TOO_DEEP),
    "lines further and further in": ("".join(f"{' ' * n}a:\n" for n in range(500)), TOO_DEEP),
    "dashes": ("- " * 50_000, TOO_DEEP),
    "a long value": (f"a: {'1' * (MAX_LENGTH + 1)}", "a value of 1,001 characters; at most 1,000 are allowed"),
    "a long key": (f"a: 1\n{'b' * (MAX_LENGTH + 1)}: 1", "line 2: a value of 1,001 characters"),
    "bytes": ("#" * (MAX_BYTES + 1), "has more than 200,000 bytes, which is the limit"),
    "a list in itself": ("a: &a [*a]", "line 1: *a stands for nothing, or for a value that contains it"),
    "a mapping in itself": ("a: &a\n  <<: *a", "line 2: *a stands for nothing, or for a value that contains it"),
    "a list in itself under an old name": ("a: &a 1\nb: &a [*a]", "line 2: *a stands for nothing, or for a value"),
    "an alias of nothing": ("a: *b", "line 1: *b stands for nothing, or for a value that contains it"),
    "a tag of Python": ("a: !!python/object/apply:os.system [true]", "line 1: the tag !!python/object/apply:os.system"),
    **{
        f"the tag {tag}": (f"a: 1\nb: {tag} 1", f"line 2: the tag {tag} is not allowed; a value needs none")
        for tag in ("!!binary", "!!set", "!!timestamp", "!!omap", "!!int", "!!float", "!!bool", "!own", "!")
    },
    "a directive": ("%YAML 1.1\n---\na: yes", "a directive (%) is not allowed; leave it out"),
    "a directive of tags": ("%TAG ! tag:x\n---\na: 1", "a directive (%) is not allowed; leave it out"),
    "several documents": (
        "a: 1\n---\nb: 1",
        "is not valid YAML: line 2: what follows is another document; write one alone",
    ),
    "a key twice": (
        "a: 1\nb: 2\na: 3",
        "is not valid YAML: line 3: the key a is given more than once in a mapping; leave one of them",
    ),
    "a long value twice": (
        f"a: {'x ' * 400}\na: {'y ' * 400}",
        "is not valid YAML: line 2: the key a is given more than once",
    ),
    "a list as a key of a mapping": (
        "? {a: b}\n: 1",
        "is not valid YAML: line 1: a mapping is the key of another; a key is a name",
    ),
    "a zero byte": ("a: 1\nb: \0", r"line 2: the character '\x00' is not allowed"),
    "a control character": ("a: \x1b[31m", r"line 1: the character '\x1b' is not allowed"),
    "half a character": ('a: "\\ud800"', r"line 1: '\ud800' has half a character"),
    "no number": ("a: 1\nb: 0_\nc: 0o_", "is not valid YAML: line 3: 0o_ is no number"),
}


@pytest.mark.parametrize(("text", "words"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_a_sentence_at_once(tmp_path, text, words) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    begun = time.process_time()
    with pytest.raises(UserError) as caught:
        yaml_file.read(path)
    assert time.process_time() - begun < 5  # a tenth of it or less, where nothing else runs
    sentence = str(caught.value)
    assert sentence.startswith("params.yaml")
    assert words in sentence
    assert sentence.isprintable()
    assert len(sentence) < 400


FOREIGN = re.compile(
    r"<[a-z]+ ?[a-z]*>|token|node|constructor|scalar|stream|block|sequence|hash|handle|expected|found|tag:yaml"
)
WRONG = {
    "a:\n\tb: 1": "line 2: a tab, which YAML does not take for indentation; use spaces",
    "a: @b": "line 1: a value that begins with @; put it in quotes",
    "a: `b": "line 1: a value that begins with `; put it in quotes",
    "a: 0o_": "line 1: 0o_ is no number",
    "a: {b: 1\nc: 2": "line 2: a comma or a closing bracket is missing",
    "a: [1, 2": "line 1: the file ends within a value; close its quote or bracket",
    "a: 'b": "line 1: the file ends within a value; close its quote or bracket",
    "a: b: c": "line 1: a `: `, `- ` or `? ` that cannot be here; put the value in quotes, or indent it",
    "a: - b": "line 1: a `: `, `- ` or `? ` that cannot be here; put the value in quotes, or indent it",
    "a:\n  b: 1\n c: 2": "line 3: this line is not indented like those that it belongs to",
    "a: 1\nb c\nd: 2": "line 3: a key without its colon; write `key: value`",
    "a: ]": "line 1: a value is missing, or there is a bracket or a dash too many",
    "a: 1\n...\nb: 2": "line 3: what follows is another document; write one alone",
    "a: {<<: 3}": "line 1: << must be a mapping of this file (*name), or a list of such",
    "a: {<<: [3]}": "line 1: << must be a mapping of this file (*name), or a list of such",
    "a: <<": "line 1: << must be a mapping of this file (*name), or a list of such",
    "x: &x {b: 1}\na:\n  <<: *x\n  <<: *x": "line 4: the key << is given more than once in a mapping; give it",
    'a: "\\q"': "line 1: an unknown escape in a text; write it in single quotes, or \\\\ for a backslash",
    "a: !e!x 1": "line 1: a tag (!) is not allowed; a value needs none",
    "%YAML 1.1\n%YAML 1.1\n---\na: 1": "line 2: a directive (%) is not allowed; leave it out",
}


@pytest.mark.parametrize(("text", "words"), WRONG.items())
def test_what_is_no_yaml_is_told_in_our_words(tmp_path, text, words) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        yaml_file.read(path)
    assert str(caught.value).startswith(f"params.yaml is not valid YAML: {words}")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [*"ab1:-?,[]{}#&*!|>'%@`\"\\\n\t =<~", ": ", "- ", "? ", "\n  ", "<<", "---\n", "...\n", "&a ", "*a"]
        )
    )
)
def test_no_text_gets_a_sentence_of_the_parser(tmp_path, pieces) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("".join(pieces), encoding="utf-8")
    try:
        yaml_file.read(path)
    except UserError as error:
        assert not FOREIGN.search(re.sub("stands for nothing.*", "", str(error))), str(error)


def test_what_is_within_the_limits_is_read(tmp_path) -> None:
    path = tmp_path / "params.yaml"
    aliases = (MAX_VALUES - 7) // 2  # beside the two keys, their values and the value that is repeated
    for text, value in {
        f"a: &a [1]\nb: [{'*a, ' * aliases}]": {"a": [1], "b": [[1]] * aliases},
        "[" * MAX_DEPTH + "]" * MAX_DEPTH: functools.reduce(lambda inner, _: [inner], range(MAX_DEPTH - 1), []),
        "a: " + "x" * MAX_LENGTH: {"a": "x" * MAX_LENGTH},
        "a: 1".ljust(MAX_BYTES): {"a": 1},
        "\ufeffa: é": {"a": "é"},
        "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}": {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}},
        "a: &x 1\nb: &x 2\nc: *x": {"a": 1, "b": 2, "c": 2},
        "[2024-01-01, 2024-13-45, =, 1e-5, yes, ~]": ["2024-01-01", "2024-13-45", "=", 1e-5, "yes", None],
        "": None,
    }.items():
        path.write_text(text, encoding="utf-8")
        assert yaml_file.read(path) == value


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_text_in_another_encoding(tmp_path, encoding) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: é", encoding=encoding)
    with pytest.raises(UserError, match=r"^params.yaml(, line 1: the character '.x00'| is not UTF-8 text \(byte \d\))"):
        yaml_file.read(path)


def folder(path) -> None:
    path.mkdir()


def pipe(path) -> None:
    os.mkfifo(path)


def device(path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [folder, pipe, device])
def test_what_is_no_file_is_not_read(tmp_path, make) -> None:
    path = tmp_path / "params.yaml"
    make(path)
    with pytest.raises(UserError, match=r"params.yaml in .* is no file; write the parameters into one"):
        params.load(path)


def test_a_large_file_is_not_read_to_its_end(tmp_path) -> None:
    path = tmp_path / "params.yaml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="more than 200,000 bytes"):
        params.load(path)


def test_a_link_to_itself(tmp_path) -> None:
    path = tmp_path / "params.yaml"
    path.symlink_to(path)
    with pytest.raises(UserError, match=r"params.yaml in .* cannot be read: Too many levels of symbolic links"):
        params.load(path)


def test_a_file_of_somebody_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: 1", encoding="utf-8")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refused)  # the tests may be run by root, who may read everything
    with pytest.raises(UserError, match=r"params.yaml in .* cannot be read: Permission denied"):
        params.load(path)


@pytest.mark.parametrize(
    "file",
    [
        "params.yaml",
        "gallery/detection/params.yaml",
        "gallery/text/params.yaml",
        "paper/params.yaml",
        "paper/imagenet/params.yaml",
        "paper/small/params.yaml",
    ],
)
def test_the_parameters_of_the_project_are_far_from_the_limits(file) -> None:
    assert (ROOT / file).stat().st_size < MAX_BYTES / 10
    assert repr(yaml_file.read(ROOT / file)).count(",") < MAX_VALUES / 4
