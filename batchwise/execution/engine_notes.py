"""What a study that trains in lanes is told before it does: with which models lanes gain nothing on a processor.

What a model is made of is read off its source, so that nobody waits for an engine: the names of Keras's layers in the
file of the model and in what it imports from beside it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from batchwise.common import plugins, python_source, source_closure
from batchwise.common.files import read
from batchwise.common.repository import ROOT
from batchwise.config.study import Study

# Measured on one core, a run of 8 in lanes against one alone, both on JAX: convolutions take as long at m = 4, and 3
# times as long at m = 64; an LSTM takes 0.8 times as long at m = 4, and 1.25 times at m = 64.
CONVOLUTIONS = re.compile("(Separable|Depthwise)?Conv[123]D(Transpose)?|ConvLSTM[123]D|applications")
RECURRENT = re.compile("SimpleRNN|RNN|LSTM|GRU|Bidirectional")
LARGE = 64  # m from which a recurrent network gains nothing
INSTEAD = "`engine: tensorflow`, or `lanes: 1`, is sooner done; the study may go on as it is"


def notes(study: Study, *, on_gpu: bool) -> list[str]:
    """Return the sentence for a study, if there is one; `on_gpu` says whether its workers train on a GPU.

    Raises UserError if the file of its model cannot be read.
    """
    if study.recipe.runs_at_once == 1 or on_gpu:
        return []
    name, largest = study.model.name, max(study.grid.batch_sizes)
    names = [*_names(name)]
    if any(map(CONVOLUTIONS.fullmatch, names)):
        return [
            f"the model {name} has convolutions, and these gain nothing in lanes without a GPU: a run takes as long as "
            f"alone, at large m longer. {INSTEAD}"
        ]
    if largest >= LARGE and any(map(RECURRENT.fullmatch, names)):
        return [
            f"the model {name} is recurrent, and such a one gains nothing in lanes without a GPU at m of {LARGE} or "
            f"more: a run takes as long as alone, or longer. {INSTEAD}"
        ]
    return []


def _names(model: str) -> Iterator[str]:
    """Yield the names and attributes in the source of a model."""
    folder = Path(plugins.file("models", model)).parent.as_posix()
    for file in source_closure.closure(plugins.file("models", model)):
        if file.startswith(folder):
            for node in ast.walk(python_source.parse(read(ROOT / file), file)):
                if isinstance(node, ast.Attribute):
                    yield node.attr
                elif isinstance(node, ast.Name):
                    yield node.id
                elif isinstance(node, ast.alias):
                    yield node.name.rpartition(".")[2]
