"""Programs that Debian packages: from PATH, else installed by apt where we may."""

import os
import shutil

from toolchain import run, say


def from_debian(program: str, *more: str) -> str:
    """A program, installed by apt where it is missing and we may. more: packages that it needs besides."""
    if not shutil.which(program):
        packages = (program, *more)
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise SystemExit(
                f"make: {program} is not in PATH: install it (Debian: apt-get install {' '.join(packages)})"
            )
        _install(packages)
    return shutil.which(program) or program


def _install(packages: tuple[str, ...]) -> None:
    say(f"apt-get install {' '.join(packages)}")
    install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    try:
        run(*install)
    except SystemExit:
        # The machine's lists are missing, or older than what the archive has.
        run("apt-get", "update", "-q")
        run(*install)
