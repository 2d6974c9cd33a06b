"""Programs out of Debian's packages, installed when we may."""

import os
import shutil
import subprocess

from toolchain import say


def may_install() -> bool:
    """Whether this is a Debian and we are root on it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def provide(program: str) -> None:
    """Install the package that has the name of *program*, where that is missing."""
    if not shutil.which(program):
        install(program)


def install(*packages: str) -> None:
    """Install packages, in silence unless that fails."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    named = ", ".join(packages)
    if not may_install():
        raise SystemExit(f"make: missing: {named}. Install as root: {' '.join(command)}")
    say(f"missing: {named}: {' '.join(command)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, check=False, capture_output=True, env=quiet).returncode == 0:
        return
    subprocess.run(["apt-get", "update", "-q"], check=False, capture_output=True)
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=quiet)
    if ended.returncode != 0:
        raise SystemExit(f"{ended.stdout}{ended.stderr}make: '{' '.join(command)}' failed: see above.")
