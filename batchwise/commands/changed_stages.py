"""Which stages `dvc repro` would run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batchwise.common.errors import UserError
from batchwise.config.params import Params
from stages import check
from stages.code import listing

# What these write is mostly the same whatever changed, and known before they run: DVC stops there unless it differs.
KNOWN = ("code", "check")


def changed_stages(all_params: Params) -> list[tuple[str, str]]:
    """Return (stage, study or data set) of the stages in this folder that `dvc repro` would run, in its order.

    They are all that could: DVC passes over one if what it reads comes out as before. Raises UserError if DVC cannot
    tell, because it is at work say.
    """
    from dvc.exceptions import DvcException  # takes a second to import
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            running = list(_running(repo, check.outputs(all_params)))
    except DvcException as error:
        raise UserError(f"DVC cannot tell which stages would run: {error}") from None
    return [(_base(stage.name), stage.name.partition("@")[2]) for stage in running]


def _running(repo: Any, checked: dict[str, bytes]) -> Iterator[Any]:
    """Yield the stages that run, each after those whose outputs it reads."""
    import networkx

    pipeline = str(Path("dvc.yaml").absolute())
    here = [stage for stage in repo.index.stages if stage.path == pipeline]
    changed, passing_on = {*repo.status(targets=[stage.addressing for stage in here])}, set()
    graph = repo.index.graph.subgraph(here)  # from a stage to those whose outputs it reads
    for stage in networkx.dfs_postorder_nodes(graph):
        reads_new = any(_will_change(dep.def_path, checked) for dep in stage.deps)
        if stage.addressing in changed or reads_new or not passing_on.isdisjoint(graph[stage]):
            yield stage
            if _base(stage.name) not in KNOWN:
                passing_on.add(stage)


def _will_change(path: str, checked: dict[str, bytes]) -> bool:
    """Return whether the stage `code` or `check` will write other bytes to a file than it has."""
    file = Path(path)
    content = listing(file.stem) if file.parent == Path("data/code") else checked.get(path)
    return content is not None and not (file.exists() and file.read_bytes() == content)


def _base(name: str) -> str:
    return name.partition("@")[0]
