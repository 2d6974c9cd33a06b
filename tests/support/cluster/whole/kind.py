"""A cluster of kind's, on machines that have kind and a docker engine: used in place of one of our own."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from support.cluster.whole.node import NodeFailed
from support.cluster.whole.places import Places

NAME = "claude-sidecar"
LOADER = f"kind load image-archive --name {NAME}"
SECONDS = 600
"""The first time it fetches a node's image."""


def is_usable() -> bool:
    """Whether both are here and the engine answers."""
    if not (shutil.which("kind") and shutil.which("docker")):
        return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        return (
            subprocess.run(["docker", "info"], check=False, capture_output=True, timeout=20).returncode == 0
        )
    return False


def is_up() -> bool:
    """Whether the cluster is there."""
    return NAME in _kind("get", "clusters").split()


def create(at: Places) -> None:
    """Make it; its kubeconfig is in our cache."""
    _kind("create", "cluster", f"--name={NAME}", f"--kubeconfig={at.kind_kubeconfig}", "--wait=120s")


def load(*archives: Path) -> None:
    """Make images known to it."""
    for archive in archives:
        _kind(*LOADER.split()[1:], str(archive))


def delete(at: Places) -> None:
    """Remove it."""
    _kind("delete", "cluster", f"--name={NAME}", f"--kubeconfig={at.kind_kubeconfig}")
    at.kind_kubeconfig.unlink(missing_ok=True)


def _kind(*arguments: str) -> str:
    ended = subprocess.run(["kind", *arguments], check=False, capture_output=True, text=True, timeout=SECONDS)
    if ended.returncode != 0:
        raise NodeFailed(f"kind {' '.join(arguments)}: {ended.stderr.strip()}")
    return ended.stdout
