"""Makes .venv from the locks: `python3 tools/environment.py install|demo|test`.

Runs on the machine's own Python, before anything is installed. A step that is already done, by the
contents of the locks, is not done again and needs no network; one that was broken off is begun anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import NoReturn

sys.dont_write_bytecode = True

from locked_folder import ROOT, digest, exclusive, is_stamped, within_reach, write_stamp  # noqa: E402

OLDEST = (3, 11)
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
BROKEN_OFF = VENV / ".broken-off"
"""There while packages are being installed, so that a run that was killed is seen by the next one."""

LOCKS = {"install": "run.txt", "demo": "demo.txt", "test": "dev.txt"}
"""Each lock holds all of the ones before it."""


def say(text: str) -> None:
    """A line of progress, seen at once."""
    print(f"==> {text}", flush=True)


def fail(text: str) -> NoReturn:
    """End with exit code 1 and what to do."""
    raise SystemExit(f"make: {text}")


def newest_python() -> str:
    """A Python that is new enough: this one, else one from the PATH."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(14, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    have = ".".join(map(str, sys.version_info[:2]))
    fail(f"python3 is {have}, but Python >= 3.11 is needed. Install one, or name it: make PYTHON=/path/to/it")


def run(*command: str, quiet: bool = False) -> bool:
    """Run a command in the project's folder; whether it ended well."""
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, check=False, cwd=ROOT, stdout=output, stderr=output).returncode == 0


def check_ensurepip(python: str) -> None:
    """Whether this Python can make virtual environments; Debian leaves that to a package of its own."""
    if not run(python, "-c", "import ensurepip, venv", quiet=True):
        fail(
            f"{python} has no ensurepip, so it can make no virtual environment. Install it (on Debian and "
            "Ubuntu the package python3-venv has it), or take another Python: make PYTHON=/path/to/it"
        )


def ensure_venv() -> None:
    """A virtual environment that works; a half-made one is made again."""
    works = VENV_PYTHON.exists() and run(str(VENV_PYTHON), "-m", "pip", "--version", quiet=True)
    if BROKEN_OFF.exists() or not works:
        python = newest_python()
        check_ensurepip(python)
        say(f"making .venv with {python}")
        VENV.mkdir(exist_ok=True)
        if not run(python, "-m", "venv", "--clear", str(VENV)):
            shutil.rmtree(VENV, ignore_errors=True)
            fail("python -m venv failed: see above.")


def pip(*arguments: str) -> None:
    """pip inside .venv, by the machine's own settings for where packages come from."""
    command = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if not run(*command):
        BROKEN_OFF.unlink()  # pip itself leaves things as they were
        fail(
            "pip failed: see above. It needs a network, or a package index that PIP_INDEX_URL names, once; "
            "the next run of make goes on from here."
        )


def ensure_packages(goal: str) -> None:
    """What the goal's lock names, and the project itself, editable."""
    lock = ROOT / "requirements" / LOCKS[goal]
    say(f"installing requirements/{lock.name} into .venv (the first time takes a minute)")
    pip("--require-hashes", "-r", str(lock))
    # The build backend is in the lock, so this asks no index.
    pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT))


def is_done(goal: str) -> bool:
    """Whether this goal, or one that holds it, was reached with the locks as they are."""
    goals = list(LOCKS)
    reached = goals[goals.index(goal) :]
    return not BROKEN_OFF.exists() and any(
        is_stamped(VENV / f".{name}.stamp", key_of(name)) for name in reached
    )


def key_of(goal: str) -> str:
    """What the state of .venv for a goal depends on."""
    python = str(VENV_PYTHON.resolve()) if VENV_PYTHON.exists() else "none"
    return digest(python, str(ROOT), ROOT / "requirements" / LOCKS[goal], ROOT / "pyproject.toml")


def main(goal: str) -> None:
    """Bring .venv to where the goal needs it."""
    with within_reach():
        if is_done(goal):
            return
        with exclusive("environment", "setting up .venv"):
            if not is_done(goal):
                set_up(goal)


def set_up(goal: str) -> None:
    """Make .venv, or go on with it."""
    ensure_venv()
    BROKEN_OFF.touch()
    ensure_packages(goal)
    write_stamp(VENV / f".{goal}.stamp", key_of(goal))
    BROKEN_OFF.unlink()
    say(".venv is ready")


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        other = newest_python()
        os.execv(other, [other, *sys.argv])
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        raise SystemExit(f"usage: {sys.argv[0]} {'|'.join(LOCKS)}")
    main(sys.argv[1])
