"""Images from archives into containerd, without a registry: each once."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from support.cluster.whole.node import run
from support.cluster.whole.places import Places

MARKS = "imported.json"
"""Beside the images, so that it goes with them."""


def ctr(at: Places, *arguments: str | Path) -> str:
    """What containerd's own client prints, about what Kubernetes uses.

    Errors: NodeFailed.
    """
    return run("ctr", "--address", at.socket, "--namespace", "k8s.io", *arguments)


def tags_of(archive: Path) -> list[str]:
    """How the images in a docker-archive are called.

    Errors: ValueError when it is none.
    """
    try:
        with tarfile.open(archive) as tar:
            manifest = tar.extractfile("manifest.json")
            assert manifest
            return [tag for image in json.load(manifest) for tag in image["RepoTags"] or ()]
    except (OSError, KeyError, ValueError, tarfile.TarError) as wrong:
        raise ValueError(f"{archive} is no docker-archive of an image: {wrong}") from wrong


def import_image(at: Places, archive: Path) -> list[str]:
    """Take an archive in, unless the very same is there under its tags; says which tags are new.

    Errors: ValueError when the file is no image, NodeFailed.
    """
    marks_file = at.images / MARKS
    marks = json.loads(marks_file.read_text()) if marks_file.exists() else {}
    facts = archive.stat()
    mark = f"{archive.resolve()} {facts.st_size} {facts.st_mtime_ns}"
    tags = tags_of(archive)
    if not tags:
        raise ValueError(f"{archive} holds an image without a name: give it one, as in localhost/name:1")
    new = [tag for tag in tags if marks.get(tag) != mark]
    if new:
        ctr(at, "images", "import", "--snapshotter", "overlayfs", archive)
        marks_file.write_text(json.dumps(marks | dict.fromkeys(tags, mark), indent=1))
    return new


def remove_containers(at: Places) -> bool:
    """Forget the containers of an earlier cluster, which ended with it; whether there were any."""
    left = ctr(at, "containers", "list", "--quiet").split()
    if left:
        ctr(at, "containers", "remove", *left)
    return bool(left)


def program_archive(program: Path, tag: str) -> Path:
    """An image of one static program, made once beside it; it runs as a user without rights.

    Args:
        program: also the name of the file in the image, at its root
        tag: the image's name
    """
    archive = program.with_name(f"{program.name}.tar")
    if not archive.exists() or tags_of(archive) != [tag]:
        being_made = archive.with_suffix(".new")
        _write_archive(being_made, program, tag)
        being_made.rename(archive)
    return archive


def _write_archive(path: Path, program: Path, tag: str) -> None:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(program, program.name, filter=_owned_by_root)
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[run("uname", "-m").strip()],
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]},
        "history": [{"created_by": program.name}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as tar:
        for name, content in (
            ("layer.tar", layer.getvalue()),
            ("config.json", json.dumps(config).encode()),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
