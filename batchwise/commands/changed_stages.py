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
from batchwise.data import local_files, prepared
from batchwise.data.asked import Asked

# What these write is mostly the same whatever changed, and known before they run: DVC stops there unless it differs.
KNOWN = ("code", "check", "file", "preprocess")
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
            running = list(_running(repo, _known_outputs(all_params)))
    except DvcException as error:
        raise UserError(f"DVC cannot tell which stages would run: {error}") from None
    return [(_base(stage.name), stage.name.partition("@")[2]) for stage in running]


def _known_outputs(all_params: Params) -> dict[str, bytes]:
    """Return {file: its bytes} of what stages check and file will write. Raises UserError as local_files.check does."""
    records = {
        local_files.place(name).as_posix(): local_files.record(name, path) for name, path in all_params.files.items()
    }
    return {**checked.files(all_params), **records}


def _running(repo: Any, known: dict[str, bytes]) -> Iterator[Any]:
    """Yield the stages that run, each after those whose outputs it reads."""
    pipeline = str(Path("dvc.yaml").absolute())
    changed, passing_on = {*repo.status()}, set[Any]()
    index = repo.index  # which DVC makes anew after each of its commands
    here = [stage for stage in index.stages if stage.path == pipeline]
    will_change = cache(partial(_will_change, known=known))  # many stages read the same code
    for stage, needed in _ordered(here, index.graph).items():
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


def _will_change(path: str, known: dict[str, bytes]) -> bool:
    """Return whether one of KNOWN will write other bytes to a file, or in a folder, than there are, as far as known."""
    file = Path(path)
    if file == local_files.FOLDER:
        wanted = {name for name in known if Path(name).parent == file}
        there = {each.as_posix() for each in file.glob("*.json")}
        return wanted != there or any(_will_change(name, known) for name in wanted)
    if file.parent == PREPARED / prepared.STUDIES:
        return not _asked(known).is_part_there(PREPARED, file.stem)
    content = listing(file.stem) if file.parent == Path("data/code") else known.get(path)
    return content is not None and not (file.is_file() and file.read_bytes() == content)


def _asked(known: dict[str, bytes]) -> Asked:
    names = sealed.from_json(known[checked.FILES.as_posix()])["files"]
    given = {name: local_files.from_record(name, known[local_files.place(name).as_posix()]) for name in names}
    return Asked(**sealed.from_json(known[checked.DATA_SETS.as_posix()]), files=given)


def _base(name: str) -> str:
    return name.partition("@")[0]
