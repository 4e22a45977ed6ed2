"""The commands beside `dvc repro`: python -m batchwise new, check, suggest, plan, verify, …"""

import argparse
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import NoReturn

from batchwise.commands import amounts
from batchwise.common.errors import UserError
from batchwise.common.exits import exit_with
from batchwise.common.messages import cut, shown


def typed() -> Callable[[], int]:
    """Return the command that was typed. Of the modules only its own is imported: some take a second."""
    arguments = _parser().parse_args(_joined(sys.argv[1:]))
    try:
        os.chdir(arguments.folder)
    except OSError as error:
        raise UserError(
            f"--folder {shown(arguments.folder)}: {error.strerror}; give a folder with a params.yaml"
        ) from None
    return partial(import_module(f"batchwise.commands.{arguments.command}").run, arguments)


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {cut(' '.join(message.split()), 400)}; `{self.prog} --help` says more\n")


def _joined(words: list[str]) -> list[str]:
    """Return --memory=-1GB for --memory -1GB, which argparse would take for an option that has no value."""
    joined: list[str] = []
    for word in words:
        if joined and re.fullmatch("--[a-z-]+", joined[-1]) and re.match("-[^-]", word) and word != "-h":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m batchwise", description="Look at a study, or test its exactness.")
    parser.add_argument("--folder", default=".", help="the folder of params.yaml, paper/small say")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    commands.add_parser("check", help="check params.yaml")
    rates = commands.add_parser("suggest", help="say which learning rates a study should have, by short runs")
    rates.add_argument("study")
    rates.add_argument("--write", action="store_true", help="write them into params.yaml")
    what = commands.add_parser("plan", help="say what dvc repro would do, for how long, and why")
    what.add_argument("study", nargs="?", help="otherwise all of params.yaml")
    same = commands.add_parser("verify", help="say whether the results here are those committed")
    same.add_argument("study", nargs="?", help="otherwise all of params.yaml")
    use = commands.add_parser("advise", help="say which batch size to use for a memory and a time")
    use.add_argument("study")
    use.add_argument("--memory", type=amounts.memory, metavar="SIZE", help="8GB, say; otherwise without a limit")
    use.add_argument(
        "--time", type=amounts.seconds, metavar="TIME", help="10min, say; otherwise as long as the study trains"
    )
    again = commands.add_parser("reproduce", help="train a cell again and compare it bit by bit")
    again.add_argument("study")
    again.add_argument("--batch-size", type=amounts.batch_size, required=True, metavar="M")
    again.add_argument(
        "--learning-rate", type=amounts.learning_rate, required=True, metavar="RATE", help="η, not the base rate"
    )
    commands.add_parser("machine", help="say what can train here, and what is missing for a GPU to do so")
    commands.add_parser("repair", help="put aside files of DVC that a crash damaged")
    _add_new(commands.add_parser("new", help="make a data set and a study of a CSV file, or of images with boxes"))
    return parser


def _add_new(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", help="of both, in params.yaml")
    source = new.add_mutually_exclusive_group(required=True)
    source.add_argument("--csv", metavar="FILE", help="a table")
    source.add_argument("--voc", metavar="FOLDER", help="images with XML files of boxes, of Pascal VOC")
    source.add_argument("--coco", metavar="FILE", help="a JSON file of boxes, of COCO, with --images")
    source.add_argument("--yolo", metavar="FOLDER", help="images with text files of boxes, of YOLO")
    new.add_argument("--images", metavar="FOLDER", help="of --coco")
    new.add_argument("--encoding", help="of the file, cp932 say; otherwise UTF-8, or what Western Europe has")
    new.add_argument("--target", action="append", metavar="COLUMN", help="of --csv; again for several of 0 and 1")
    new.add_argument("--text", metavar="COLUMN", help="a column of texts to learn from, in any language")
    new.add_argument("--task", help="a file of batchwise/tasks/; otherwise as the target looks")
    new.add_argument("--test-file", metavar="FILE", help="an official test part")
    split = new.add_mutually_exclusive_group()
    split.add_argument("--groups", metavar="COLUMN", help="whose rows stay together, of a patient say")
    split.add_argument("--order", metavar="COLUMN", help="by which the last rows are for the test, a date say")
    split.add_argument("--column", metavar="COLUMN", help="which says train, validation or test")


if __name__ == "__main__":
    exit_with(typed())
