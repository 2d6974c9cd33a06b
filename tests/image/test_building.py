"""The builder: the same sources give the same image, and what fails leaves nothing behind."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support.project import ROOT
from tests.image.archive import Archive

# images are built at low priority, and the machine may be busy
pytestmark = [pytest.mark.timeout(300), pytest.mark.image]

TOOL = ROOT / "tools" / "images.py"


def images(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the builder."""
    return subprocess.run(
        [sys.executable, TOOL, *arguments], check=False, capture_output=True, text=True, timeout=280
    )


def mounted_in(folder: Path) -> list[str]:
    """Mounts below a folder."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [mount for mount in mounts if mount.startswith(f"{folder}/")]


def test_a_second_build_gives_the_same_bytes(built: dict[str, Any], archive: Archive, tmp_path: Path) -> None:
    ended = images("--into", str(tmp_path), "claude-sidecar")
    assert ended.returncode == 0, ended.stderr
    again = json.loads(ended.stdout)["claude-sidecar"]
    assert again["tar"] != built["tar"]
    assert again["layers"] == built["layers"]
    assert Archive(Path(again["tar"])).config == archive.config


def test_nothing_is_built_again_for_nothing(built: dict[str, Any]) -> None:
    before = Path(built["tar"]).stat()
    ended = images("claude-sidecar")
    after = Path(built["tar"]).stat()
    assert ended.returncode == 0, ended.stderr
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "building" not in ended.stderr
    assert f"{built['tag']} is in {built['tar']}: " in ended.stderr


def test_a_base_without_python_is_named_and_nothing_stays_mounted(
    built: dict[str, Any], tmp_path: Path
) -> None:
    base, shelf = tmp_path / "bare.tar", Path(built["tar"]).parent
    _write_bare_base(base)
    (shelf / "build-left-over").mkdir()  # by a run that was killed
    ended = images("--base", str(base), "--into", str(tmp_path / "images"), "claude-sidecar")
    assert ended.returncode == 1
    assert "localhost/bare:1" in ended.stderr
    assert "python3" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert mounted_in(shelf) == []
    assert list(shelf.glob("build-*")) == []
    assert list((tmp_path / "images").iterdir()) == []


def test_a_base_that_is_no_image_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "wrong.tar"
    base.write_text("no tar at all")
    ended = images("--base", str(base), "claude-sidecar")
    assert ended.returncode == 1
    assert f"BASE={base} is no docker-archive" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_image_is_a_usage_error() -> None:
    ended = images("claude-sidecart")
    assert ended.returncode == 2
    assert "no such image: claude-sidecart; there are claude-sidecar, claude-app" in ended.stderr


def _write_bare_base(path: Path) -> None:
    """An image with one empty file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    content = layer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created_by": "test"}],
    }
    files = {
        "layer.tar": content,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(
            [{"Config": "config.json", "RepoTags": ["localhost/bare:1"], "Layers": ["layer.tar"]}]
        ).encode(),
    }
    with tarfile.open(path, "w") as tar:
        for name, each in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(each)
            tar.addfile(entry, io.BytesIO(each))
