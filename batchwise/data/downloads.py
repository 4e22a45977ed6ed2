"""Archives of data sets: downloaded from their publisher, or taken from a folder; verified either way."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
from tqdm import tqdm

from batchwise.common import files
from batchwise.common.errors import UserError
from batchwise.data import reads

MIRROR = "BATCHWISE_DATA_MIRROR"
SUMS = "SHA256SUMS"
CHUNK = 2**16  # bytes; so many are lost at most where a connection breaks
TIMEOUT = 60  # seconds without a byte


@dataclass(frozen=True)
class Archive:
    """A file at a publisher's address, and the SHA-256 of its bytes.

    That is None of a file that is made anew for each download: who reads it checks what is in it.
    """

    url: str
    sha256: str | None
    file_name: str = ""  # the last part of the address, otherwise

    @property
    def name(self) -> str:
        """The file name."""
        return self.file_name or self.url.rpartition("/")[2]


def fetch(archive: Archive) -> tuple[Path, str]:
    """Return where the verified archive is, and the SHA-256 of its bytes.

    It is taken from the folder that BATCHWISE_DATA_MIRROR names, if it is set, and must have the sum that SHA256SUMS
    there gives it. Otherwise it is downloaded once into the user's cache folder, and must have the publisher's sum.
    Raises UserError if there is no such file, or if its sum is another.
    """
    folder = os.environ.get(MIRROR)
    if folder:
        return _from_mirror(archive.name, Path(folder).absolute())
    path = _download(archive)
    return path, archive.sha256 or _sum(path)


def _from_mirror(name: str, folder: Path) -> tuple[Path, str]:
    reads.allow(folder / SUMS, folder / name)
    wanted = f"{MIRROR} must name a folder with {name} and the output of `sha256sum` in {SUMS}"
    if not folder.is_dir():
        raise UserError(f"{MIRROR} is {str(folder)!r}, which is no folder; {wanted}")
    try:
        text = files.read(folder / SUMS).decode(errors="replace")
        digest = _sum(folder / name)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); {wanted}") from None
    listed = re.findall(r"^([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\s*$", text, re.MULTILINE)
    sums = {file: known.lower() for known, file in listed}
    if name not in sums:
        raise UserError(f"{folder / SUMS} does not list {name}; {wanted}")
    if digest != sums[name]:
        raise UserError(f"{folder / name} has SHA-256 {digest}; {SUMS} says {sums[name]}; copy the file again")
    return folder / name, digest


def _sum(path: Path) -> str:
    with files.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(archive: Archive) -> Path:
    folder = pooch.os_cache("batchwise")
    reads.allow(folder)
    again = f"try again, or put {archive.name} into a folder with a {SUMS} file, and name the folder in {MIRROR}"
    try:
        return Path(pooch.retrieve(archive.url, archive.sha256, archive.name, folder, downloader=_continue))
    except requests.RequestException as error:
        raise UserError(f"{archive.url} could not be downloaded ({_reason(error)}); {again}") from None
    except OSError as error:
        raise UserError(f"{archive.url} could not be written to {folder} ({error}); {again}") from None
    except ValueError:  # pooch found another sum, and has deleted the file
        raise UserError(f"{archive.url} sent a file whose SHA-256 is not {archive.sha256}; {again}") from None


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    return f"no connection, or it broke off: {type(error).__name__}; the next try goes on from what came"


def _continue(url: str, target: str, _: object) -> None:
    """Download into pooch's temporary file, by way of one that an interruption leaves to be continued."""
    partial = Path(target).with_name(f"{url.rpartition('/')[2]}.part")
    start = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        # A server has no range to send when all of the file has come already.
        if not (start and response.status_code == requests.codes.requested_range_not_satisfiable):
            response.raise_for_status()
            _append(response, partial, start if response.status_code == requests.codes.partial_content else 0)
    os.replace(partial, target)


def _append(response: requests.Response, partial: Path, start: int) -> None:
    total = start + int(response.headers.get("Content-Length", 0))
    with partial.open("ab") as file, tqdm(total=total, initial=start, unit="B", unit_scale=True) as progress:
        file.truncate(start)  # to 0 where the server knows no ranges and sends all of it again
        for chunk in response.iter_content(CHUNK):
            file.write(chunk)
            progress.update(len(chunk))
