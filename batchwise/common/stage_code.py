"""What a stage is made of: the source of its module, its notebooks with the template, its plug-ins, pinned versions."""

from batchwise.common import plugins
from batchwise.common.repository import ROOT
from batchwise.common.source_closure import closure, hashes, of_jax

NOTEBOOKS = {"report": ["study"], "summary": ["index", "comparisons"], "compare": ["paper"]}
TEMPLATE = "reports/template"  # of their pages
# Other versions of what trains give other bits, and take another time; so do other settings of the process of which
# those that measure are copies, which imports that file by name. Stage check says which studies consist of JAX's files.
OTHERS = {
    "check": of_jax(),
    "train": ["requirements-train.in"],
    "confirm": ["requirements-train.in"],
    "profile": ["batchwise/runtime/forkserver_preload.py", "requirements-train.in"],
}
# What a stage finds by name. The model of each study is a dependency of its own (checked.py), with the files of JAX if
# it trains with that; what the model imports is here.
PLUGINS = {"preprocess": "datasets", "train": "models", "confirm": "models", "profile": "models"}
OF_EACH_STUDY = "models"
# What has this finds the task of its data by name, which no stage can tell before: all tasks are here.
FINDS_TASKS = "batchwise/data/task.py"


def listing(stage: str) -> bytes:
    """Return the lines of a stage: the import closure of its module, its notebooks and plug-ins, and other files."""
    files = [f"stages/{stage}.py"]
    if stage in NOTEBOOKS:
        files += [f"reports/{name}.ipynb" for name in NOTEBOOKS[stage]]
    kind = PLUGINS.get(stage)
    own = set(files_of(kind)) if kind else set()
    found = closure(*files, *own)
    if FINDS_TASKS in found:
        found = closure(*found, *files_of("tasks"))
    others = template_files() if stage in NOTEBOOKS else OTHERS.get(stage, [])
    apart = own if kind == OF_EACH_STUDY else set()
    listed = hashes([*(file for file in found if file not in apart), *others])
    return "".join(f"{sha256}  {file}\n" for file, sha256 in listed.items()).encode()


def template_files() -> list[str]:
    """Return the files of the template of pages."""
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / TEMPLATE).rglob("*")) if path.is_file()]


def files_of(kind: str) -> list[str]:
    """Return the files of all plug-ins of a kind."""
    return [plugins.file(kind, name) for name in plugins.names(kind)]
