"""Go programs, downloaded or compiled from locked modules once, into the user's cache folder."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builders_lock import one_builder
from locked_folder import USER_CACHE, digest
from release_files import OutOfReach, ReleaseFile, download
from toolchain import go_here, go_tool, say

PROGRESS_EVERY = 20.0


@dataclass(frozen=True)
class GoProgram:
    """What to compile.

    Args:
        title: what progress lines call it
        place: its folder below the user's cache; the key of what it is made from is added
        go_mod: names and locks its modules, with the go.sum beside it
        sources: its .go files
        package: what of it to build: that of the sources, or one of the modules
        file: how the program is called
        links: other names to call it by
        flags: of `go build`
        costs: what building takes, for people who wait
        released: the same programs as their projects release them, which saves building them
    """

    title: str
    place: str
    go_mod: Path
    sources: tuple[Path, ...]
    file: str
    links: tuple[str, ...] = ()
    package: str = "."
    flags: tuple[str, ...] = ("-v", "-trimpath", "-ldflags", "-s -w")
    costs: str = "a minute"
    released: tuple[ReleaseFile, ...] = ()

    @property
    def released_folder(self) -> Path:
        """Where it is once it was downloaded."""
        return USER_CACHE / f"{self.place}-released-{digest(*(file.url for file in self.released))[:16]}"

    @property
    def locks(self) -> tuple[Path, Path]:
        return self.go_mod, self.go_mod.with_name("go.sum")

    def folder(self, go: Path) -> Path:
        """Where it is once it was built by this Go."""
        go_version = subprocess.run([go, "version"], check=True, capture_output=True, text=True).stdout
        key = digest(go_version, *self.flags, *self.locks, *self.sources)
        return USER_CACHE / f"{self.place}-{key[:16]}"


class Progress:
    """Counts what `go build -v` reports, says so now and then, and keeps the rest for when it fails."""

    def __init__(self, title: str) -> None:
        self._title, self._begun = title, time.monotonic()
        self._downloaded = self._compiled = 0
        self.rest: deque[str] = deque(maxlen=40)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def read(self, output: IO[str]) -> None:
        """Take in the compiler's lines until it ends."""
        for line in output:
            if line.startswith("go: downloading"):
                self._downloaded += 1
            elif re.fullmatch(r"[\w.~/-]+\n", line):
                self._compiled += 1
            else:
                self.rest.append(line)

    def tell(self) -> None:
        say(
            f"{self._title}: {self.seconds:.0f} s, {self._downloaded} modules downloaded, "
            f"{self._compiled} packages compiled"
        )


def _compile(program: GoProgram, go: Path, folder: Path, target: Path) -> Progress:
    """`go build` in a folder that holds the sources and their locks."""
    for source in (*program.sources, *program.locks):
        shutil.copy(source, folder)
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    progress = Progress(program.title)
    building = subprocess.Popen(
        ["nice", "-n", "19", go, "build", *program.flags, "-o", target, program.package],
        cwd=folder,
        env={**os.environ, **env},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert building.stderr
    reader = threading.Thread(target=progress.read, args=(building.stderr,))
    reader.start()
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                building.wait(PROGRESS_EVERY)
                break
            progress.tell()
    finally:
        building.kill()
        reader.join()
    if building.returncode != 0:
        raise SystemExit(
            "".join(progress.rest) + f"make: building {program.title} failed: see above. "
            f"It needs a Go module proxy and {program.costs}."
        )
    return progress


def _build(program: GoProgram, go: Path, folder: Path) -> None:
    """Make the program's folder, whole or not at all."""
    say(f"building {program.title} from Go modules, once: {program.costs}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as scratch:
        sources, made = Path(scratch, "sources"), Path(scratch, "made")
        sources.mkdir()
        made.mkdir()
        progress = _compile(program, go, sources, made / program.file)
        for name in program.links:
            (made / name).symlink_to(program.file)
        made.rename(folder)
    size = (folder / program.file).stat().st_size / 1e6
    say(f"{program.title} is built: {progress.seconds:.0f} s, {size:.0f} MB in {folder}")


def found(program: GoProgram) -> Path | None:
    """The program's folder if it is there."""
    if program.released_folder.is_dir():
        return program.released_folder
    go = go_here(program.go_mod)
    folder = program.folder(go) if go else None
    return folder if folder and folder.is_dir() else None


def built(program: GoProgram) -> Path:
    """The program's folder; where it is missing it is downloaded or, if that is out of reach, compiled."""
    if (folder := found(program)) is not None:
        return folder
    with one_builder(program.released_folder.parent, "downloading or building"):
        return found(program) or _downloaded(program) or _compiled(program)


def _downloaded(program: GoProgram) -> Path | None:
    if not program.released:
        return None
    try:
        download(program.title, program.released, program.released_folder)
    except OutOfReach as reason:
        say(f"{program.title}: {reason}")
        return None
    return program.released_folder


def _compiled(program: GoProgram) -> Path:
    go = go_tool(program.go_mod)
    folder = program.folder(go)
    if not folder.is_dir():
        _build(program, go, folder)
    return folder
