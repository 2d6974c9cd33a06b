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


@pytest.fixture(scope="session")
def built() -> dict[str, Any]:
    """What the builder says of the image; AssertionError with what to do where it is not implemented yet."""
    assert os.geteuid() == 0, "containers are started by root"
    asked = [sys.executable, TOOL, "--only-look", "claude-sidecar"]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    told: dict[str, Any] = json.loads(ended.stdout)["claude-sidecar"]
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
