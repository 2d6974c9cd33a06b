"""Images as one tar file, in the form that `docker save` writes and containerd, buildah and kind read."""

import hashlib
import io
import json
import platform
import tarfile
import zlib
from collections.abc import Mapping
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


def layers(archive: Path, known: Mapping[str, int]) -> list[Layer]:
    """What the layers of an archive are and weigh, the base's first.

    *known*: compressed sizes by digest, so that a layer is compressed once only.
    """
    with tarfile.open(archive) as tar:
        manifest = json.load(_member(tar, "manifest.json"))[0]
        return [_weigh(_member(tar, name), known) for name in manifest["Layers"]]


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.extractfile(name)
    assert member, f"{tar.name!r} has no file {name}"
    return member


def _weigh(layer: IO[bytes], known: Mapping[str, int]) -> Layer:
    digest = f"sha256:{hashlib.file_digest(layer, 'sha256').hexdigest()}"  # type: ignore[arg-type]
    unpacked = layer.tell()
    return Layer(digest, unpacked, known[digest] if digest in known else _compressed(layer))


def _compressed(layer: IO[bytes]) -> int:
    packer, total = zlib.compressobj(6, wbits=31), 0
    layer.seek(0)
    while chunk := layer.read(_CHUNK):
        total += len(packer.compress(chunk))
    return total + len(packer.flush())


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry
