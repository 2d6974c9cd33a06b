"""Which base the images stand on: the one that BASE names, else one that can be had here."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

from image import debian_base
from image.buildah import Buildah
from image.docker import Docker
from locked_folder import digest

REGISTRY_BASE = "python:3.11-slim"
"""What a docker engine is asked for."""


@dataclass(frozen=True)
class BaseChoice:
    """A base: its name, the archive to load it from (none: it is pulled), what stands for its contents."""

    image: str
    archive: Path | None
    key: str


def choose_base(given: str | None, engine: type[Buildah] | type[Docker]) -> BaseChoice:
    """*given*: an image's name, or a docker-archive's path. Makes nothing yet."""
    if given and (given.endswith(".tar") or Path(given).exists()):
        return _from_archive(Path(given))
    if given:
        return BaseChoice(given, None, f"image {given}")
    if engine is Buildah:
        return BaseChoice(debian_base.TAG, debian_base.path(), debian_base.key())
    return BaseChoice(REGISTRY_BASE, None, f"image {REGISTRY_BASE}")


def _from_archive(path: Path) -> BaseChoice:
    try:
        with tarfile.open(path) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest
            entry = json.load(manifest)[0]
    except (OSError, tarfile.TarError, KeyError, AssertionError) as error:
        raise SystemExit(
            f"make: BASE={path} is no docker-archive ({error}): give the path of a tar that 'docker save' "
            "wrote, or an image's name."
        ) from None
    if not entry.get("RepoTags"):
        raise SystemExit(f"make: BASE={path} has no tag: save it by its name, 'docker save NAME'.")
    return BaseChoice(entry["RepoTags"][0], path.resolve(), digest(entry["Config"], *entry["Layers"]))
