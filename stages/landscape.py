"""Stage landscape: gradient noise and the shape of the loss at chosen cells of a study.

`python -m stages.landscape <study>`. The cells are those of the study's key `landscape`, which may be empty.
"""

import sys
from functools import partial
from pathlib import Path

from batchwise import params, study_data
from batchwise.errors import exit_with
from batchwise.files import write
from batchwise.landscape.cells import chosen, read_run
from batchwise.landscape.output import Rows, files
from batchwise.params import Study


def main() -> None:
    """Write data/landscapes/<study>/."""
    name = sys.argv[1]
    study = params.study(params.load(), name)
    rows = measured(name, study) if study.landscape else {}
    for file_name, content in files(name, study, rows).items():
        write(Path("data/landscapes") / name / file_name, lambda file, content=content: file.write(content))


def measured(name: str, study: Study) -> Rows:
    """Return the rows of the tables of a study that asks for some."""
    from batchwise.landscape.measurement import measure  # TensorFlow takes seconds to import

    data = study_data.load(Path("data/prepared"), study)
    cells = chosen(Path("data/tables") / name / "batch_sizes.csv", name, study.landscape)
    read = partial(read_run, Path("data/runs") / name, name, data.sha256)
    return measure(data, study, cells, read)


if __name__ == "__main__":
    exit_with(main)
