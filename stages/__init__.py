"""One module per DVC stage: read, call, write."""

import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from batchwise.common.errors import UserError
from batchwise.common.exits import exit_with
from batchwise.common.messages import shown, unknown
from batchwise.config import params
from batchwise.execution import stage_times
from batchwise.execution.stage_times import StageTime

Kind = Literal["study", "studies", "file"]

if sys.argv[0] == "-m":  # `python -m stages.<stage>`, which has not been found yet
    gc.disable()  # until it begins: imports make no garbage, and to look for it takes a tenth of their time


def run(main: Callable[..., None], kind: Kind | None = None) -> None:
    """Call a stage's `main`, with the study, studies or file that were typed if it takes some, and leave the process.

    How long that took, from the start of the process, is kept for `python -m batchwise plan`.
    """
    gc.freeze()
    gc.enable()
    exit_with(partial(_run, main, kind))


def _run(main: Callable[..., None], kind: Kind | None) -> None:
    stage, names = Path(sys.argv[0]).stem, _typed(kind, sys.argv[1:])
    main(*names)
    name = "".join(names)
    key = stage_times.stage_key(params.load(), stage, name) if kind in ("study", "file") else ""
    stage_times.append(StageTime(stage, name, key, stage_times.seconds_of_process()))


def _typed(kind: Kind | None, words: list[str]) -> list[str]:
    """Return the names on the command line: one, of studies one at least, or none without a kind.

    Raises UserError, with the names in params.yaml, for fewer, for more and for another.
    """
    if not kind:
        if words:
            raise UserError(f"this stage takes no name; run it without {shown(' '.join(words))}")
        return []
    given = params.load()
    known = sorted(given.files if kind == "file" else given.studies)
    if len(words) != 1 and not (words and kind == "studies"):
        what = "at least one study" if kind == "studies" else f"one {kind}"
        raise UserError(f"{what} of params.yaml must be named, not {len(words)}; allowed: {', '.join(known) or 'none'}")
    for word in words:
        if word not in known:
            raise UserError(unknown(f"{kind} of params.yaml", word, known))
    return words
