"""Archives are downloaded, continued and verified, or taken from a folder; from a real server on this machine."""

import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pooch
import pytest

from batchwise.common.errors import UserError
from batchwise.data import downloads
from batchwise.data.downloads import Archive, fetch

CONTENT = np.random.default_rng(0).bytes(500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Offers CONTENT as /images.tar.gz, with ranges or without, and breaks off after `limit` bytes."""

    content, ranges, limit = CONTENT, True, None
    address = property(lambda self: f"http://127.0.0.1:{self.server_port}/images.tar.gz")
    archive = property(lambda self: Archive(self.address, SHA256))

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    """Answers as a file server does (RFC 9110, section 14)."""

    def do_GET(self) -> None:
        server, content = self.server, self.server.content
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        server.asked.append(asked and int(asked[1]))
        start = int(asked[1]) if asked and server.ranges else 0
        if self.path != "/images.tar.gz":
            return self.send_error(404)
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if asked and server.ranges else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : server.limit])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The user's cache folder, which is not there yet."""
    monkeypatch.delenv(downloads.MIRROR, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    return tmp_path / "batchwise"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(archive: Archive) -> str:
    with pytest.raises(UserError) as caught:
        fetch(archive)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# From the publisher


def test_an_archive_is_downloaded_once(server, cache, capfd) -> None:
    path, sha256 = fetch(server.archive)
    assert (path, sha256) == (cache / "images.tar.gz", SHA256)
    assert path.read_bytes() == CONTENT
    assert names(cache) == ["images.tar.gz"]
    shown = capfd.readouterr()
    assert "100%" in shown.err and "500k/500k" in shown.err
    assert shown.out == ""
    assert fetch(server.archive) == (path, sha256)
    assert server.asked == [0]


def test_a_damaged_file_in_the_cache_is_downloaded_again(server, cache) -> None:
    cache.mkdir()
    (cache / "images.tar.gz").write_bytes(CONTENT[:-1])
    assert fetch(server.archive)[0].read_bytes() == CONTENT
    assert names(cache) == ["images.tar.gz"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_breaks_off_is_continued(server, cache, ranges) -> None:
    server.ranges, server.limit = ranges, 300_000
    message = refused(server.archive)
    assert server.address in message and "broke off" in message and "goes on from what came" in message
    assert names(cache) == ["images.tar.gz.part"]
    came = (cache / "images.tar.gz.part").read_bytes()
    assert CONTENT[:300_000].startswith(came) and len(came) > 300_000 - downloads.CHUNK
    server.limit = None
    assert fetch(server.archive)[0].read_bytes() == CONTENT
    assert server.asked == [0, len(came)]
    assert names(cache) == ["images.tar.gz"]


def test_ctrl_c_leaves_what_came(server, cache, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "CHUNK", 1000)
        patch.setattr(downloads.tqdm, "update", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(server.archive)
    assert names(cache) == ["images.tar.gz.part"]
    assert (cache / "images.tar.gz.part").read_bytes() == CONTENT[:1000]
    assert fetch(server.archive)[0].read_bytes() == CONTENT
    assert server.asked == [0, 1000]


def test_a_download_that_was_stopped_before_it_got_its_name(server, cache) -> None:
    cache.mkdir()
    (cache / "images.tar.gz.part").write_bytes(CONTENT)
    assert fetch(server.archive)[0].read_bytes() == CONTENT
    assert names(cache) == ["images.tar.gz"]


@pytest.mark.parametrize("there", [b"", b"of an older file", CONTENT + b"more"])
def test_a_wrong_checksum_leaves_nothing(server, cache, there) -> None:
    cache.mkdir()
    if there:
        (cache / "images.tar.gz.part").write_bytes(there)
    else:
        server.content = CONTENT[:-1] + b"?"
    message = refused(server.archive)
    assert f"{server.address} sent a file whose SHA-256 is not {SHA256}" in message
    assert "images.tar.gz into a folder with a SHA256SUMS file" in message and "BATCHWISE_DATA_MIRROR" in message
    assert names(cache) == []
    server.content = CONTENT
    assert fetch(server.archive)[0].read_bytes() == CONTENT


def test_a_server_without_the_file(server, cache) -> None:
    archive = Archive(f"{server.address}.xz", SHA256)
    message = refused(archive)
    assert f"{archive.url} could not be downloaded (the server answered 404 Not Found)" in message
    assert "BATCHWISE_DATA_MIRROR" in message
    assert names(cache) == []


def test_an_empty_file_is_none_that_has_come(server, cache) -> None:
    server.content = b""
    assert "the server answered 416" in refused(server.archive)
    assert names(cache) == []


def test_no_server(server, cache) -> None:
    archive = server.archive
    server.shutdown()
    server.server_close()
    message = refused(archive)
    assert f"{archive.url} could not be downloaded (no connection" in message
    assert "images.tar.gz into a folder with a SHA256SUMS file" in message and "BATCHWISE_DATA_MIRROR" in message
    assert names(cache) == []


def test_a_cache_that_cannot_be_written(server, cache) -> None:
    cache.write_text("a file, no folder")
    message = refused(server.archive)
    assert f"{server.address} could not be written to {cache}" in message
    assert cache.read_text() == "a file, no folder"


# From a folder


ELSEWHERE = Archive("http://127.0.0.1:9/data/images.tar.gz", "0" * 64)  # neither asked nor compared with


@pytest.fixture
def mirror(tmp_path, cache, monkeypatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "images.tar.gz").write_bytes(CONTENT)
    monkeypatch.setenv(downloads.MIRROR, str(folder))
    return folder


@pytest.mark.parametrize(
    "text",
    [
        f"{SHA256}  images.tar.gz\n",
        f"{SHA256} *images.tar.gz",
        f"{SHA256.upper()}  ./images.tar.gz\r\n",
        f"# sums\n\n{'1' * 64}  a.gz\n{SHA256}  images.tar.gz\n{'2' * 64}  not images.tar.gz\n",
    ],
)
def test_an_archive_from_a_folder(mirror, cache, text) -> None:
    (mirror / "SHA256SUMS").write_bytes(text.encode())
    assert fetch(ELSEWHERE) == (mirror / "images.tar.gz", SHA256)
    assert names(mirror) == ["SHA256SUMS", "images.tar.gz"]
    assert not cache.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "mirror/SHA256SUMS cannot be read (No such file or directory)"),
        ("", "mirror/SHA256SUMS does not list images.tar.gz"),
        ("images.tar.gz\n", "does not list images.tar.gz"),
        (f"{SHA256}  other-images.tar.gz\n", "does not list images.tar.gz"),
        (f"{SHA256[:-1]}  images.tar.gz\n", "does not list images.tar.gz"),
        (f"{'0' * 64}  images.tar.gz\n", f"mirror/images.tar.gz has SHA-256 {SHA256}; SHA256SUMS says {'0' * 64}"),
    ],
)
def test_a_folder_without_the_right_sum(mirror, cache, text, words) -> None:
    if text is not None:
        (mirror / "SHA256SUMS").write_text(text)
    before = names(mirror)
    assert words in refused(ELSEWHERE)
    assert names(mirror) == before
    assert not cache.exists()


def test_a_folder_without_the_archive(mirror) -> None:
    (mirror / "SHA256SUMS").write_text(f"{SHA256}  images.tar.gz\n")
    (mirror / "images.tar.gz").unlink()
    message = refused(ELSEWHERE)
    assert "mirror/images.tar.gz cannot be read (No such file or directory)" in message
    assert "BATCHWISE_DATA_MIRROR must name a folder with images.tar.gz" in message


def test_a_folder_that_is_none(mirror, monkeypatch) -> None:
    for path in (mirror / "nowhere", mirror / "images.tar.gz"):
        monkeypatch.setenv(downloads.MIRROR, str(path))
        assert f"BATCHWISE_DATA_MIRROR is {str(path)!r}, which is no folder" in refused(ELSEWHERE)
    monkeypatch.setenv(downloads.MIRROR, "nowhere")  # a stage runs in the folder of its dvc.yaml
    assert f"is {str(Path.cwd() / 'nowhere')!r}, which is no folder" in refused(ELSEWHERE)
