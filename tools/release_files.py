"""Programs as their projects release them: downloaded, and kept only with the checksum published there.

Whoever is out of their reach compiles the same versions from locked modules instead (go_program.py).
"""

import hashlib
import platform
import re
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.request
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO

from toolchain import say

PATIENCE_S = 10
"""For a connection, and between two pieces of a file."""
PROGRESS_EVERY_S = 10
PIECE_BYTES = 1 << 20
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class OutOfReach(Exception):
    """A file could not be had, or is not the one that was released; the text says why."""


@dataclass(frozen=True)
class ReleaseFile:
    """One program of a release.

    Args:
        name: what the program is called here
        url: the program itself, or a .tar.gz that holds it
        sums_url: SHA-256 sums as `sha256sum` prints them, or a single sum
        member: the program's path in the archive; None where the file is the program
    """

    name: str
    url: str
    sums_url: str
    member: str | None = None


def this_platform() -> tuple[str, str]:
    """This machine as releases name it, such as ("linux", "amd64"); other machines are named as they are."""
    machine = platform.machine().lower()
    return sys.platform, _ARCHITECTURES.get(machine, machine)


def download(title: str, files: tuple[ReleaseFile, ...], folder: Path) -> None:
    """Make a folder with these programs in it, whole or not at all.

    Raises OutOfReach.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        fetched: dict[str, Path] = {}
        for file in files:
            if file.url not in fetched:
                fetched[file.url] = _fetch(title, file.url, Path(scratch, f"file-{len(fetched)}"))
            program = made / file.name
            _take_out(file, fetched[file.url], program)
            program.chmod(0o755)
        made.rename(folder)


def _take_out(file: ReleaseFile, fetched: Path, program: Path) -> None:
    """Put the program in its place, if what was fetched has the sum that its project published."""
    name = file.url.rpartition("/")[2]
    sums = _sums(file.sums_url)
    wanted = sums.get(name) or sums.get("")
    if wanted is None:
        raise OutOfReach(f"{file.sums_url} has no sum of {name}")
    if _sha256(fetched) != wanted:
        raise OutOfReach(f"{file.url} has not the SHA-256 that {file.sums_url} names")
    try:
        _unpack(file, fetched, program)
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
        raise OutOfReach(f"{name} does not hold {file.member}: {error}") from error


def _unpack(file: ReleaseFile, fetched: Path, program: Path) -> None:
    if file.member is None:
        shutil.copyfile(fetched, program)
        return
    with tarfile.open(fetched) as tar:
        source = tar.extractfile(file.member)
        if source is None:
            raise KeyError("it is no file")
        with source, program.open("wb") as target:
            shutil.copyfileobj(source, target)


def _sums(url: str) -> dict[str, str]:
    """SHA-256 by file name; "" is the name where the sum stands alone."""
    with _open(url) as answer:
        text = answer.read(PIECE_BYTES).decode("utf-8", "replace")
    found = re.findall(r"^([0-9a-fA-F]{64})(?:[ \t]+\*?(\S+))?[ \t\r]*$", text, re.MULTILINE)
    return {name: sum_.lower() for sum_, name in found}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(title: str, url: str, target: Path) -> Path:
    """Download a file, and say so now and then."""
    got, told = 0, time.monotonic()
    say(f"{title}: downloading {url}")
    with _open(url) as answer, target.open("wb") as file:
        try:
            while piece := answer.read(PIECE_BYTES):
                file.write(piece)
                got += len(piece)
                if time.monotonic() - told > PROGRESS_EVERY_S:
                    told = time.monotonic()
                    say(f"{title}: {got / 1e6:.0f} MB")
        except (OSError, HTTPException) as error:
            raise OutOfReach(f"{url} broke off after {got} bytes: {error}") from error
    return target


def _open(url: str) -> IO[bytes]:
    try:
        return urllib.request.urlopen(url, timeout=PATIENCE_S)
    except (OSError, HTTPException) as error:
        raise OutOfReach(f"{url} cannot be had: {error}") from error
