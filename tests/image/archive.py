"""Reads a docker-archive as a container runtime would."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Archive:
    """The archive at *path*."""

    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        with tarfile.open(self.path) as tar:
            (only,) = json.load(_file(tar, "manifest.json"))
            return dict(only)

    @property
    def config(self) -> dict[str, Any]:
        """User, entry point, environment, and the digests of the layers."""
        with tarfile.open(self.path) as tar:
            return dict(json.load(_file(tar, self.manifest["Config"])))

    def own_files(self) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        """Every entry of the layer that lies on the base, with its contents."""
        with tarfile.open(self.path) as tar:
            *_base, name = self.manifest["Layers"]
            with tarfile.open(fileobj=_file(tar, name)) as layer:
                for entry in layer:
                    content = layer.extractfile(entry) if entry.isfile() else None
                    yield entry, content.read() if content else b""

    def unpack(self, folder: Path) -> None:
        """Lay the layers over each other in *folder*."""
        with tarfile.open(self.path) as tar:
            for name in self.manifest["Layers"]:
                with tarfile.open(fileobj=_file(tar, name)) as layer:
                    layer.extractall(folder, filter="fully_trusted")


def _file(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.extractfile(name)
    assert member, f"{tar.name!r} has no file {name}"
    return member
