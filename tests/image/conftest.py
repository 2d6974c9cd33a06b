"""The built image, unpacked once for each worker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.project import ROOT
from tests.image.archive import Archive

TOOL = ROOT / "tools" / "images.py"

_asked = subprocess.run(
    [sys.executable, TOOL, "--only-look", "--where-possible", "claude-sidecar"],
    check=False,
    capture_output=True,
    text=True,
)
if _asked.stdout.strip() == "{}" or os.geteuid() != 0:
    # `make test` says so too, and how to come by what is missing.
    reason = _asked.stderr.strip() if os.geteuid() == 0 else "containers are started by root"
    print(f"tests/image is left out: {reason}", file=sys.stderr)
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def built() -> dict[str, Any]:
    """What the builder says of the image; AssertionError with what to do where it is not built yet."""
    assert _asked.returncode == 0, _asked.stderr.strip()
    told: dict[str, Any] = json.loads(_asked.stdout)["claude-sidecar"]
    return told


@pytest.fixture(scope="session")
def archive(built: dict[str, Any]) -> Archive:
    """The image's file."""
    return Archive(Path(built["tar"]))


@pytest.fixture(scope="session")
def root(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's root file system in a folder."""
    folder = tmp_path_factory.mktemp("root")
    archive.unpack(folder)
    return folder
