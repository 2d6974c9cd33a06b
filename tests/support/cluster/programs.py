"""Which Kubernetes minors the tests run on, and where their programs are."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.cluster.whole.places import given_kubeconfig
from support.project import ROOT

TOOL = ROOT / "tools" / "kube_binaries.py"


def uses_given_cluster() -> bool:
    """Whether KUBECONFIG names a cluster to use; KUBE_BIN_DIR goes before it."""
    return given_kubeconfig() is not None and not os.environ.get("KUBE_BIN_DIR")


def minors() -> list[str]:
    """The minors that are built here, the usual one first; or "given" for what the environment names."""
    if os.environ.get("KUBE_BIN_DIR") or given_kubeconfig():
        return ["given"]
    found = (path.parent.name for path in (ROOT / "tools" / "kube").glob("*/go.mod"))
    return sorted(found, key=lambda minor: int(minor[2:]))


def programs_of(minor: str) -> Path:
    """The folder of a minor's programs; AssertionError with what to do when they are not built."""
    asked = [sys.executable, str(TOOL), "--only-look", *([] if minor == "given" else [minor])]
    ended = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr.strip()
    return Path(json.loads(ended.stdout)[minor])
