"""Files of DVC that it cannot read are put aside, and said; good ones are left alone."""

import json
import os
from argparse import Namespace
from pathlib import Path

import pytest
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchwise.commands import repair
from batchwise.common.repository import ROOT
from tests.damage import damaged

LOCK = b"""schema: '2.0'
stages:
  check:
    cmd: python -m stages.check
    deps:
    - path: params.yaml
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 0
    params:
      params.yaml:
        studies.small:
          data_set: digits
    outs:
    - path: data/checked.txt
      hash: md5
      md5: 1ea7ef23a4a5ee1d3a5ea22c0f0d5e8f
      size: 3
"""
WHO = {"pid": 3, "cmd": "dvc repro"}
RUNNING = json.dumps({"write": {"/a/data/runs": WHO}, "read": {"/a/params.yaml": [WHO, WHO]}}).encode()
ASIDE = Path("dvc.lock.damaged")
BROKEN = [b"", b"\0" * 300, b"{", b"- 3", b"[", b"3", b"text", b"\xff\xfe", b"&a [*a]", b"!!python/name:os.system"]
LISTS = st.recursive(st.none() | st.text(), st.lists).map(lambda found: json.dumps(found).encode())


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    repair.RUNNING.parent.mkdir(parents=True)
    return tmp_path


def run(capsys) -> str:
    assert repair.run(Namespace()) == 0
    return capsys.readouterr().out


def test_where_nothing_is_damaged_nothing_changes_or_is_said(folder, capsys) -> None:
    assert run(capsys) == ""
    committed = [(ROOT / name).read_bytes() for name in ("dvc.lock", "paper/small/dvc.lock")]
    for lock in (LOCK, b"schema: '2.0'\n", *committed):
        for running in (RUNNING, b"{}"):
            repair.LOCK.write_bytes(lock)
            repair.RUNNING.write_bytes(running)
            assert run(capsys) == ""
            assert (repair.LOCK.read_bytes(), repair.RUNNING.read_bytes()) == (lock, running)
    assert not ASIDE.exists()


@pytest.mark.parametrize("content", [*BROKEN, LOCK.replace(b"md5: 1", b"md5: [1"), b"[" * 5000])
def test_a_lock_that_cannot_be_read_is_put_aside(folder, capsys, content) -> None:
    repair.LOCK.write_bytes(content)
    printed = run(capsys)
    assert printed.startswith("dvc.lock could not be read; it is dvc.lock.damaged now. `git restore dvc.lock` brings ")
    assert printed.count("\n") == 1
    assert not repair.LOCK.exists() and ASIDE.read_bytes() == content
    assert run(capsys) == ""


@pytest.mark.parametrize("content", [*BROKEN, RUNNING[:-3], RUNNING[:20], b"[]", b'{"a": 3}', b"[" * 100_000])
def test_what_says_what_dvc_was_doing_is_removed_if_it_cannot_be_read(folder, capsys, content) -> None:
    repair.RUNNING.write_bytes(content)
    printed = run(capsys)
    assert printed == (
        ".dvc/tmp/rwlock, which says what DVC was doing when it was killed, could not be read; it was removed\n"
    )
    assert not repair.RUNNING.exists()
    assert run(capsys) == ""


WITHOUT_CONTENT = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("place", ["dvc.lock", "data/runs/a.npz", ".dvc/cache/files/md5/00/0", "batchwise/models/x.py"])
@pytest.mark.parametrize("make", WITHOUT_CONTENT.values(), ids=WITHOUT_CONTENT)
def test_what_has_no_content_is_removed_and_nothing_else(folder, capsys, place, make) -> None:
    path, others = Path(place), [Path("data/kept.txt"), Path("data/linked"), Path("elsewhere/pipe"), Path("data/disk")]
    for each in (path, *others):
        each.parent.mkdir(parents=True, exist_ok=True)
    others[0].write_text("kept")
    others[1].symlink_to("kept.txt")
    os.mkfifo(others[2])
    others[3].symlink_to("/mnt/not-there/data.csv")
    make(path)
    assert run(capsys) == (
        f"{path} was a pipe, a device or a link to nothing, which DVC cannot read, not a file; it was removed\n"
    )
    assert not os.path.lexists(path) and all(os.path.lexists(other) for other in others)
    assert run(capsys) == ""


def test_a_later_damage_takes_the_place_of_an_earlier(folder, capsys) -> None:
    for content in (b"first", b"second"):
        repair.LOCK.write_bytes(content)
        run(capsys)
    assert ASIDE.read_bytes() == b"second"


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A folder in which DVC reads a pipeline."""
    folder = tmp_path_factory.mktemp("repository")
    Repo.init(str(folder), no_scm=True).close()
    (folder / "params.yaml").write_text("studies: {small: {data_set: digits}}\n")
    (folder / "dvc.yaml").write_text(
        "stages: {check: {cmd: python -m stages.check, deps: [params.yaml], outs: [data/checked.txt]}}\n"
    )
    return folder


def dvc_reads(folder: Path) -> bool:
    """Return whether DVC says what has changed, whatever it says."""
    try:
        with Repo(str(folder)) as repo:
            repo.status()
    except (DvcException, LockError):
        return False
    return True


@given(content=damaged(LOCK))
@example(content=LOCK)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dvc_reads_a_lock_that_is_left(repository, monkeypatch, capsys, content) -> None:
    """And what it cannot read is put aside."""
    monkeypatch.chdir(repository)
    repair.LOCK.write_bytes(content)
    repair.run(Namespace())
    assert dvc_reads(repository)
    assert repair.LOCK.exists() or content != LOCK


@given(content=damaged(RUNNING) | LISTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_left_of_what_dvc_was_doing_is_of_its_kind(folder, capsys, content) -> None:
    repair.RUNNING.write_bytes(content)
    repair.run(Namespace())
    assert not repair.RUNNING.exists() or isinstance(json.loads(repair.RUNNING.read_bytes()), dict)


def test_make_repairs_before_it_reproduces() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.index("python -m batchwise repair") < makefile.index("\tdvc repro\n")
