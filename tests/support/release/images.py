"""The project's images, as the tree is now, made known to a cluster."""

import json
import subprocess
import sys
from pathlib import Path

from support.cluster.cluster import Cluster
from support.project import ROOT


def take_in(cluster: Cluster) -> dict[str, str]:
    """The tags by name, `claude-sidecar` and `claude-app`; pods can use them. Built where that is due."""
    tool = [sys.executable, ROOT / "tools" / "images.py"]
    ended = subprocess.run(tool, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    built = json.loads(ended.stdout)
    for image in built.values():
        cluster.import_image(Path(image["tar"]))
    return {name: image["tag"] for name, image in built.items()}
