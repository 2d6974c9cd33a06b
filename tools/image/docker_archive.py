"""Images as one tar file, in the form that `docker save` writes and containerd, buildah and kind read."""

import hashlib
import io
import json
import platform
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """One layer: its digest and what it weighs, unpacked and as a registry would hold it (gzip)."""

    digest: str
    unpacked_bytes: int
    compressed_bytes: int


def pack(layer: Path, tag: str, target: Path) -> None:
    """Write an archive whose one layer is the tar file *layer*."""
    with layer.open("rb") as content:
        diff_id = hashlib.file_digest(content, "sha256").hexdigest()
    machine = platform.machine()
    config = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Env": [_PATH]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created_by": "mmdebstrap"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [tag], "Layers": [f"{diff_id}.tar"]}]
    with tarfile.open(target, "w") as archive:
        archive.add(layer, f"{diff_id}.tar", filter=_without_owner)
        for name, content_bytes in ((config_name, config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content_bytes)
            archive.addfile(entry, io.BytesIO(content_bytes))


def layers(archive: Path) -> list[Layer]:
    """What the layers of an archive are and weigh, the base's first."""
    with tarfile.open(archive) as tar:
        manifest = json.load(_member(tar, "manifest.json"))[0]
        return [_weigh(_member(tar, name)) for name in manifest["Layers"]]


def config(archive: Path) -> dict[str, object]:
    """The image's configuration: user, entry point, environment, digests of its layers."""
    with tarfile.open(archive) as tar:
        manifest = json.load(_member(tar, "manifest.json"))[0]
        found: dict[str, object] = json.load(_member(tar, manifest["Config"]))
        return found


def unpack(archive: Path, folder: Path) -> None:
    """Lay an archive's layers over each other in *folder*: the root file system of a container."""
    with tarfile.open(archive) as tar:
        manifest = json.load(_member(tar, "manifest.json"))[0]
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=_member(tar, name)) as layer:
                layer.extractall(folder, filter="fully_trusted")


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.extractfile(name)
    assert member, f"{tar.name!r} has no file {name}"
    return member


def _weigh(layer: IO[bytes]) -> Layer:
    sha, packer = hashlib.sha256(), zlib.compressobj(6, wbits=31)
    unpacked = compressed = 0
    while chunk := layer.read(_CHUNK):
        sha.update(chunk)
        unpacked += len(chunk)
        compressed += len(packer.compress(chunk))
    return Layer(f"sha256:{sha.hexdigest()}", unpacked, compressed + len(packer.flush()))


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry
