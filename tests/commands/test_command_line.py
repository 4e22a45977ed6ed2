"""Whatever is typed behind python -m batchwise, the answer is one line where it cannot be done."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchwise import __main__ as commands
from batchwise.common.exits import exit_with
from batchwise.common.repository import ROOT

WORDS = (
    *("check", "plan", "verify", "advise", "reproduce", "small", "nothing", "--folder", "--memory", "--time"),
    *("--batch-size", "--learning-rate", "--mem", "-h", "--help", "--", "-", "", "-1GB", "-5s", "-inf", "8GB", "10min"),
    *("suggest", "--write"),
    *("8", "nan", "1e999", "9" * 5000, "4", "0.5", "/dev/null", "nowhere", "--memory=8", "a\nb", "\udcff", "x" * 5000),
)


@pytest.fixture
def told(tmp_path, monkeypatch, capsys) -> Callable[..., tuple[object, str]]:
    """The exit status of a command in an empty folder, and what it prints as an error."""

    def run(*words: str) -> tuple[object, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["batchwise", *words])
        with pytest.raises(SystemExit) as ended:
            exit_with(lambda: commands.typed()())
        printed, code = capsys.readouterr().err, ended.value.code
        return (1, f"{code}\n") if isinstance(code, str) else (code, printed)  # Python prints it

    return run


@given(
    words=st.lists(st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=6)
)
@example(words=["advise", "small", "--time", "9" * 5000])
@example(words=["reproduce", "small", "--batch-size", "9" * 5000, "--learning-rate", "1"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_cannot_be_done_and_one_line_says_so(told, words) -> None:
    code, printed = told(*words)
    if code != 0:  # -h
        assert code in (1, 2)
        assert printed.startswith("error: ") and printed.endswith("\n")
        assert printed[:-1].isprintable() and len(printed) < 700
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("option", "amount"), [("--memory", "amount of memory"), ("--mem", "amount of memory"), ("--time", "time")]
)
@pytest.mark.parametrize("text", ["8", "-1GB", "-5s", "-5", "-inf", "- 5s", "+5", "nan"])
def test_an_amount_that_is_none_gets_a_sentence_of_ours(told, option, amount, text) -> None:
    """Also where it begins with a minus sign, which argparse takes for an option."""
    status, printed = told("advise", "small", option, text)
    assert status == 2
    assert f": {text!r} is no {amount} with its unit; allowed are " in printed


@pytest.mark.parametrize(
    "words", [("--memory",), ("--memory", "-h"), ("--memory", "--time", "5s"), ("--memory=8", "-1")]
)
def test_an_option_is_not_taken_for_a_value(told, words) -> None:
    _, printed = told("advise", "small", *words)
    assert "is no amount of memory with its unit" not in printed or words[0] == "--memory=8"


@pytest.mark.parametrize(
    ("option", "text", "sentence"),
    [
        ("--batch-size", "x", "'x' is no batch size; allowed are whole numbers"),
        ("--batch-size", "-2", "'-2' is no batch size; allowed are whole numbers"),
        ("--learning-rate", "nan", "'nan' is no learning rate; allowed are numbers above 0"),
        ("--learning-rate", "-0.1", "'-0.1' is no learning rate; allowed are numbers above 0"),
    ],
)
def test_a_number_that_is_none_gets_a_sentence_of_ours(told, option, text, sentence) -> None:
    status, printed = told("reproduce", "small", option, text)
    assert status == 2 and f"{option}: {sentence}" in printed


@pytest.mark.parametrize("command", ["plan", "verify"])
def test_an_empty_name_is_no_study(tmp_path, told, command) -> None:
    """As `plan "$STUDY"` types it where the variable is not set: it does not stand for all."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    status, printed = told(command, "")
    assert (status, printed.partition(";")[0]) == (1, "error: '' is not a known study of params.yaml")
