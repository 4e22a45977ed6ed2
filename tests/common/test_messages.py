"""People get one line and a status, never a traceback."""

import re
import subprocess
import sys

import pytest
from pydantic_core._pydantic_core import list_all_errors

from batchwise.common.errors import UserError
from batchwise.common.messages import describe, exit_with, shown, unknown
from batchwise.common.repository import ROOT


@pytest.mark.parametrize(
    ("value", "known", "sentence"),
    [
        ("mpl", ["cnn", "mlp"], "'mpl' is not a known model; allowed: cnn, mlp; did you mean 'mlp'?"),
        ("transformer", ["cnn", "mlp"], "'transformer' is not a known model; allowed: cnn, mlp"),
        (3, ["cnn"], "3 is not a known model; allowed: cnn"),
        ("mlp", [], "'mlp' is not a known model; allowed: none"),
    ],
)
def test_an_unknown_name_gets_what_is_allowed(value, known, sentence) -> None:
    assert unknown("model", value, known) == sentence


@pytest.mark.parametrize("kind", list_all_errors(), ids=lambda kind: kind["type"])
def test_no_sentence_of_pydantic_passes(kind) -> None:
    """Each kind of error that it has, with each of the words in it."""
    context = kind["example_context"] or {}
    sentence = describe({"type": kind["type"], "loc": ("grid", 0), "input": "x y", "ctx": context})
    assert sentence.startswith("grid[0]")
    own = "".join(f"|{re.escape(str(value))}" for value in context.values())
    theirs = {*re.split(rf"\{{\w+\}}{own}", kind["message_template_python"])} - {"", ",", " "}
    assert not any(text.strip() in sentence for text in theirs if len(text.split()) > 1), sentence


LONG = ["x" * 10**6, [[1] * 100] * 100, {"a": {"b": [1, 2, 3] * 100}}, 10**5000, "é\n\x1b\u2028", -0.0, {1}, b"a"]


@pytest.mark.parametrize("value", LONG, ids=range(len(LONG)))
def test_a_value_is_shown_in_a_short_line(value) -> None:
    assert shown(value).isprintable()
    assert 1 < len(shown(value)) <= 60


def test_many_names_are_cut() -> None:
    assert len(unknown("batch size", "y" * 1000, [str(number) for number in range(1000)])) < 350


@pytest.mark.parametrize(
    ("raised", "status", "printed"),
    [(UserError("m is 0; 1 or more"), "error: m is 0; 1 or more", ""), (KeyboardInterrupt(), 130, "interrupted\n")],
)
def test_a_mistake_and_an_interruption_end_with_a_line(capsys, raised, status, printed) -> None:
    def main() -> int:
        raise raised

    with pytest.raises(SystemExit) as ended:
        exit_with(main)
    assert ended.value.code == status  # a text is printed by Python, with status 1
    assert capsys.readouterr().err == printed


@pytest.mark.parametrize("status", [None, 0, 1])
def test_the_status_of_a_command_is_that_of_the_process(status) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_with(lambda: status)
    assert ended.value.code == status


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_with(lambda: 1 // 0)


@pytest.mark.parametrize("lines", [1, 100_000], ids=["written at the end", "written before"])
def test_where_nobody_reads_on_a_command_ends_without_a_word(lines) -> None:
    script = f"""
from batchwise.common.messages import exit_with
exit_with(lambda: print(*range({lines}), sep="\\n"))
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_command_whose_output_is_closed_runs_all_the_same() -> None:
    script = "from batchwise.common.messages import exit_with; exit_with(lambda: print('all is well'))"
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, script]
    ended = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_the_broken_pipe_of_another_process_is_no_silent_end() -> None:
    def main() -> None:
        raise BrokenPipeError("a worker has died")

    with pytest.raises(BrokenPipeError, match="a worker has died"):
        exit_with(main)
