"""Which stages `dvc repro` would run."""

from pathlib import Path

from batchwise.common.errors import UserError
from stages.code import listing

CODE = Path("data/code")
# What these write is mostly the same whatever changed: DVC stops there.
STOPPING = ("code", "check")


def changed_stages() -> list[tuple[str, str]]:
    """Return (stage, study or data set) of the stages in this folder that `dvc repro` would run, in its order.

    They are all that could: DVC passes over one if what it reads comes out as before. Raises UserError if DVC cannot
    tell, because it is at work say.
    """
    import networkx  # these take a second to import
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    running = []
    try:
        with Repo() as repo:
            pipeline = str(Path("dvc.yaml").absolute())
            here = [stage for stage in repo.index.stages if stage.path == pipeline]
            changed = {*repo.status(targets=[stage.addressing for stage in here])}
            graph = repo.index.graph.subgraph(here)  # from a stage to those whose outputs it reads
            for stage in networkx.dfs_postorder_nodes(graph):
                passed_on = any(other in running and _base(other.name) not in STOPPING for other in graph[stage])
                if stage.addressing in changed or passed_on or _code_changed(_base(stage.name)):
                    running.append(stage)
    except DvcException as error:
        raise UserError(f"DVC cannot tell which stages would run: {error}") from None
    return [(_base(stage.name), stage.name.partition("@")[2]) for stage in running]


def _base(name: str) -> str:
    return name.partition("@")[0]


def _code_changed(stage: str) -> bool:
    """Return whether the code of a stage is not what it was when the stage `code` wrote it down."""
    written = CODE / f"{stage}.txt"
    return written.exists() and written.read_bytes() != listing(stage)
