"""Which stages `dvc repro` would run."""

from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from batchwise.common import sealed
from batchwise.common.errors import UserError
from batchwise.common.stage_code import listing
from batchwise.config import checked
from batchwise.config.params import Params
from batchwise.data import prepared

# What these write is mostly the same whatever changed, and known before they run: DVC stops there unless it differs.
KNOWN = ("code", "check", "preprocess")
PREPARED = Path("data/prepared")


def changed_stages(all_params: Params) -> list[tuple[str, str]]:
    """Return (stage, study or data set) of the stages in this folder that `dvc repro` would run, in its order.

    They are all that could: DVC passes over one if what it reads comes out as before. Raises UserError if DVC cannot
    tell, because it is at work say.
    """
    from dvc.exceptions import DvcException  # takes a second to import
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            running = list(_running(repo, checked.files(all_params)))
    except DvcException as error:
        raise UserError(f"DVC cannot tell which stages would run: {error}") from None
    return [(_base(stage.name), stage.name.partition("@")[2]) for stage in running]


def _running(repo: Any, from_check: dict[str, bytes]) -> Iterator[Any]:
    """Yield the stages that run, each after those whose outputs it reads."""
    pipeline = str(Path("dvc.yaml").absolute())
    here = [stage for stage in repo.index.stages if stage.path == pipeline]
    changed, passing_on = {*repo.status()}, set[Any]()
    will_change = cache(partial(_will_change, from_check=from_check))  # many stages read the same code
    for stage, needed in _ordered(here, repo.index.graph).items():
        reads_new = any(will_change(dep.def_path) for dep in stage.deps)
        if stage.addressing in changed or reads_new or not passing_on.isdisjoint(needed):
            yield stage
            if _base(stage.name) not in KNOWN:
                passing_on.add(stage)


def _ordered(stages: list[Any], graph: Any) -> dict[Any, list[Any]]:
    """Return {stage: those whose outputs it reads}, each after those, otherwise as they were given."""
    ordered: dict[Any, list[Any]] = {}

    def add(stage: Any) -> None:
        if stage not in ordered:
            ours = [other for other in graph[stage] if other in stages]
            for other in ours:
                add(other)
            ordered[stage] = ours

    for stage in stages:
        add(stage)
    return ordered


def _will_change(path: str, from_check: dict[str, bytes]) -> bool:
    """Return whether `code`, `check` or `preprocess` will write other bytes to a file than it has, as far as known."""
    file = Path(path)
    if file.parent == PREPARED / prepared.STUDIES:
        return not _is_prepared(file.stem, sealed.from_json(from_check[checked.DATA_SETS.as_posix()]))
    content = listing(file.stem) if file.parent == Path("data/code") else from_check.get(path)
    return content is not None and not (file.is_file() and file.read_bytes() == content)


def _is_prepared(study: str, asked: dict[str, Any]) -> bool:
    """Return whether preprocess has written what it would write for a study."""
    wanted = asked["studies"][study]
    name = wanted["data_set"]
    try:
        about = prepared.read_part(PREPARED, study)
        return about["asked"] == wanted and prepared.is_current(
            prepared.read(PREPARED, name), name, asked["data_sets"][name]
        )
    except UserError:
        return False


def _base(name: str) -> str:
    return name.partition("@")[0]
