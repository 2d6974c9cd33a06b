"""What builds images: buildah or docker, behind the same few methods."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from image.buildah import Buildah
from image.debian_packages import may_install, provide
from image.docker import Docker, trouble


class Engine(Protocol):
    """One way to build; used as a context, at whose end nothing of it is left but the archives it saved."""

    def load(self, archive: Path) -> None:
        """Take in the image of a docker-archive under its tag."""

    def ask(self, image: str, script: str) -> str:
        """What *script* prints when the image's python3 runs it."""

    def build(self, containerfile: Path, context: Path, tag: str, arguments: dict[str, str]) -> None:
        """Build with these build arguments."""

    def save(self, tag: str, archive: Path) -> None:
        """Write the image as a docker-archive."""


def why_not() -> str | None:
    """Why no image can be built on this machine, and what would help; None where one can."""
    is_root = os.geteuid() == 0
    if (is_root and shutil.which("buildah")) or may_install():
        return None
    docker = trouble()
    if docker is None:
        return None
    buildah = "buildah is not installed" if is_root else "buildah needs root here"
    return f"{docker}, and {buildah}. Start a docker engine, or run as root with buildah installed"


def choose() -> type[Buildah] | type[Docker]:
    """buildah for root where it is there, else a docker engine that works, else buildah from Debian."""
    reason = why_not()
    if reason:
        raise SystemExit(f"make: no image can be built here: {reason}.")
    if (os.geteuid() == 0 and shutil.which("buildah")) or trouble() is not None:
        provide("buildah")
        return Buildah
    return Docker
