"""Which files a plug-in may read: those that it was given, and what is no data of the user's. Others are refused."""

import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from batchwise.common.errors import UserError
from batchwise.common.repository import ROOT
from batchwise.data import downloads, reads

PIXELS = np.zeros((4, 4, 3), "uint8")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with a file of each kind, in which the process is."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": [1, 2], "b": [3.5, 4.5]}).to_csv("t.csv", index=False)
    np.save("t.npy", PIXELS)
    np.savez("t.npz", a=PIXELS)
    (tmp_path / "pictures/inner").mkdir(parents=True)
    Image.fromarray(PIXELS).save("pictures/inner/t.png")
    (tmp_path / "t.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    with zipfile.ZipFile("t.zip", "w") as archive:
        archive.write("t.csv")
    with closing(sqlite3.connect("t.db")) as database:
        database.execute("CREATE TABLE t (a)")
    (tmp_path / "link.csv").symlink_to("t.csv")
    (tmp_path / "link").symlink_to("pictures")
    return tmp_path


def tables(database: str, **options: bool) -> None:
    with closing(sqlite3.connect(database, **options)) as opened:
        opened.execute("SELECT * FROM t").fetchall()


def caught() -> None:
    with suppress(UserError):
        Path("t.csv").read_text()


def as_a_descriptor() -> None:
    os.close(os.open(b"t.csv", os.O_RDONLY))


# {how it is read: (what reads it, the file or folder that is named)}
READERS: dict[str, tuple[Callable[[], object], str]] = {
    "open": (lambda: open("t.csv").close(), "t.csv"),
    "a path": (lambda: Path("t.csv").read_bytes(), "t.csv"),
    "an absolute path": (lambda: Path("t.csv").absolute().read_bytes(), "t.csv"),
    "a descriptor": (as_a_descriptor, "t.csv"),
    "for update": (lambda: open("t.csv", "r+").close(), "t.csv"),
    "to append and read": (lambda: open("t.csv", "a+").close(), "t.csv"),
    "pandas": (lambda: pd.read_csv("t.csv"), "t.csv"),
    "pandas, mapped": (lambda: pd.read_csv("t.csv", memory_map=True), "t.csv"),
    "pandas, packed": (lambda: pd.read_csv("t.gz", compression="gzip"), "t.gz"),
    "gzip": (lambda: gzip.open("t.gz").close(), "t.gz"),
    "zip": (lambda: zipfile.ZipFile("t.zip").read("t.csv"), "t.zip"),
    "numpy": (lambda: np.load("t.npy"), "t.npy"),
    "numpy, mapped": (lambda: np.load("t.npy", mmap_mode="r"), "t.npy"),
    "an archive of numpy": (lambda: np.load("t.npz")["a"], "t.npz"),
    "text by numpy": (lambda: np.loadtxt("t.csv", delimiter=",", skiprows=1), "t.csv"),
    "bytes by numpy": (lambda: np.fromfile("t.npy"), "t.npy"),
    "sqlite": (lambda: tables("t.db"), "t.db"),
    "sqlite, by an address": (lambda: tables("file:t.db?mode=ro", uri=True), "t.db"),
    "pillow": (lambda: np.asarray(Image.open("pictures/inner/t.png")), "pictures/inner/t.png"),
    "a copy": (lambda: shutil.copy("t.csv", tempfile.mkdtemp()), "t.csv"),
    "a link": (lambda: open("link.csv").close(), "t.csv"),
    "a link of its own": (
        lambda: (os.link("link.csv", "new.csv", follow_symlinks=False), open("new.csv").close()),
        "t.csv",
    ),
    "a linked folder": (lambda: open("link/inner/t.png").close(), "pictures/inner/t.png"),
    "a list of names": (lambda: os.listdir("pictures"), "pictures"),
    "a glob": (lambda: [*Path("pictures").glob("*/*.png")], "pictures"),
    "a walk": (lambda: [*os.walk("pictures/inner")], "pictures/inner"),
    "a thread": (lambda: ThreadPoolExecutor(1).submit(Path("t.csv").read_bytes).result(), "t.csv"),
    "what is caught": (caught, "t.csv"),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_not_declared_is_refused_with_the_line_to_write(folder, name) -> None:
    read, path = READERS[name]
    with pytest.raises(UserError) as told, reads.watched([Path("other.csv")]):
        read()
    said = str(told.value)
    assert said.startswith(("it reads", "it lists the folder")) and f" {path}, which is not declared" in said
    assert re.search(rf"write `files: {{ \w+: {path} }}` in params.yaml, and take the path from an option of", said)


@pytest.mark.parametrize("name", READERS)
def test_what_is_declared_is_read(folder, name) -> None:
    read, path = READERS[name]
    with reads.watched([Path(path)]):
        read()


# In an interpreter of its own: a copy of one that has threads, as that of the tests has by then, may wait for ever.
FORKED = """
import multiprocessing, sys
from pathlib import Path

from batchwise.data import reads

with reads.watched([Path(sys.argv[1])]), multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.apply(Path("t.csv").read_bytes))
"""


@pytest.mark.parametrize(
    ("declared", "said"), [("t.csv", "a,b"), ("other.csv", "it reads t.csv, which is not declared")]
)
def test_a_process_that_a_plugin_forks_is_watched_too(folder, declared, said) -> None:
    command = [sys.executable, "-c", FORKED, declared]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (said in done.stdout + done.stderr) and (done.returncode == 0) == (declared == "t.csv")


def test_what_is_in_a_declared_folder_is_read_and_the_way_to_it_is_listed(folder) -> None:
    with reads.watched([Path("pictures/inner")]):
        assert [path.name for path in Path("pictures").rglob("*.png")] == ["t.png"]
        Path("link/inner/t.png").read_bytes()
        Path("pictures/../pictures/inner/t.png").absolute().read_bytes()
    with pytest.raises(UserError), reads.watched([Path("pictures/in")]):
        Path("pictures/inner/t.png").read_bytes()


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "params.yaml", ROOT / "data/.gitignore"])
def test_a_file_of_the_project_is_watched_from_everywhere(folder, path) -> None:
    with pytest.raises(UserError), reads.watched([]):
        path.read_bytes()


def test_data_beside_a_plugin_are_no_code(folder, monkeypatch) -> None:
    monkeypatch.setattr(reads, "ROOT", folder)
    (folder / "batchwise/datasets").mkdir(parents=True)
    for name in ("x.csv", "x.py"):
        (folder / "batchwise/datasets" / name).touch()
    with reads.watched([]):
        assert len(os.listdir("batchwise/datasets")) == 2  # as Python does to find modules
        Path("batchwise/datasets/x.py").read_bytes()
    with pytest.raises(UserError, match=r"it reads batchwise/datasets/x\.csv"), reads.watched([]):
        Path("batchwise/datasets/x.csv").read_bytes()


def made_file() -> None:
    Path("new.csv").write_text("a")
    assert Path("new.csv").read_text() == "a"


def renamed_file() -> None:
    Path("new.tmp").write_text("a")
    os.replace("new.tmp", "new.csv")
    Path("new.csv").read_text()


def unpacked_folder() -> None:
    with tempfile.TemporaryDirectory() as made:
        with zipfile.ZipFile(Path(made) / "own.zip", "w") as archive:
            archive.writestr("inner/x.csv", "a")
        zipfile.ZipFile(Path(made) / "own.zip").extractall(made)
        assert [path.read_text() for path in Path(made).rglob("*.csv")] == ["a"]


def overwritten_file() -> None:
    with open("t.csv", "w+") as file:
        file.write("a")
    Path("t.csv").read_text()


def temporary_file() -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).read_bytes()


ALLOWED: dict[str, Callable[[], object]] = {
    "a file that it made": made_file,
    "a file that it renamed": renamed_file,
    "a folder that it made": unpacked_folder,
    "a file that it began anew": overwritten_file,
    "a temporary file": temporary_file,
    "a database that it made": lambda: sqlite3.connect("new.db").close(),
    "a database in memory": lambda: sqlite3.connect(":memory:").close(),
    "a library's data": load_digits,
    "a module": lambda: Path(reads.__file__).read_bytes(),
    "of the system": lambda: [Path(name).read_bytes() for name in ("/etc/hostname", "/proc/self/stat", os.devnull)],
    "what is not there": lambda: Path("nothing.csv").exists() or os.path.isdir("t.csv"),
    "a folder of modules": lambda: [os.listdir(path) for path in sys.path if os.path.isdir(path)],
    "to be written alone": lambda: open("t.csv", "a").close(),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_no_data_of_the_users_is_read(folder, name) -> None:
    with reads.watched([]):
        ALLOWED[name]()


def test_a_cache_of_downloads_and_settings_are_read(folder, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(folder / "sklearn"))
    names = ("home/.cache/x/y.bin", "home/.netrc", "home/scikit_learn_data/z.bin", "sklearn/z.bin")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    monkeypatch.chdir(folder / "home")
    with reads.watched([]):
        for name in names:
            (folder / name).read_bytes()
    (folder / "home/x.csv").touch()
    with pytest.raises(UserError), reads.watched([]):
        (folder / "home/x.csv").read_bytes()


def test_a_project_within_a_free_folder_is_watched(folder, monkeypatch) -> None:
    monkeypatch.setattr(reads, "SYSTEM", (str(folder),))
    (folder / "src").mkdir()
    monkeypatch.chdir(folder / "src")
    (folder / "src/x.csv").touch()
    with reads.watched([]):
        (folder / "t.csv").read_bytes()
    with pytest.raises(UserError), reads.watched([]):
        Path("x.csv").read_bytes()


def test_an_archive_of_a_mirror_is_read_and_what_lies_beside_it_is_not(folder, monkeypatch) -> None:
    sha256 = "a" * 64
    (folder / downloads.SUMS).write_text(f"{sha256}  t.npy\n")
    monkeypatch.setenv(downloads.MIRROR, ".")
    archive = downloads.Archive("http://localhost/t.npy", sha256)
    monkeypatch.setattr(
        downloads.hashlib, "file_digest", lambda *_: type("Digest", (), {"hexdigest": lambda _: sha256})()
    )
    with reads.watched([]):
        path, _ = downloads.fetch(archive)
        path.read_bytes()
    with pytest.raises(UserError, match=r"^it reads t\.csv, which is not declared"), reads.watched([]):
        downloads.fetch(archive)
        Path("t.csv").read_bytes()


def test_nothing_is_refused_where_no_plugin_prepares(folder) -> None:
    with reads.watched([]):
        pass
    Path("t.csv").read_bytes()
