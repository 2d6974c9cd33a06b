"""The project's images, built before, made known to a cluster."""

import json
import subprocess
import sys
from pathlib import Path

from kube.cluster import Cluster
from kube.programs import ROOT


def take_in(cluster: Cluster) -> dict[str, str]:
    """The tags by name, `claude-sidecar` and `claude-app`; pods can use them. AssertionError where not built."""
    asked = [sys.executable, ROOT / "tools" / "images.py", "--only-look"]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    built = json.loads(ended.stdout)
    for image in built.values():
        cluster.import_image(Path(image["tar"]))
    return {name: image["tag"] for name, image in built.items()}
