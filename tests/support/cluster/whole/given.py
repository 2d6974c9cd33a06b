"""Which whole cluster tests use: the one of KUBECONFIG, the one that is up, or one of their own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from support.cluster.cluster import Cluster
from support.cluster.given_cluster import given_cluster
from support.cluster.whole import kind
from support.cluster.whole.lifecycle import running
from support.cluster.whole.places import given_kubeconfig, places
from support.project import ROOT

TOOL = ROOT / "tools" / "whole_cluster.py"


def uses_kind() -> bool:
    """Whether kind's cluster is used where none is given: kind is here, and none of our own is up."""
    return running(places()) is None and kind.is_usable()


def _tool(deed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, deed], check=False, capture_output=True, text=True)


@contextlib.contextmanager
def whole_cluster() -> Iterator[Cluster]:
    """That cluster until the end of the block; only one of its own is taken down then."""
    at = places()
    if given_kubeconfig():
        with given_cluster() as given:
            yield given
    elif found := running(at):
        yield found
    elif kind.is_usable():
        with _made(needed=not kind.is_up()), given_cluster(str(at.kind_kubeconfig), kind.LOADER) as given:
            yield given
    else:
        with _made(needed=True):
            made = running(at)
            assert made, f"the cluster does not answer; logs are in {at.state}"
            yield made


@contextlib.contextmanager
def _made(*, needed: bool) -> Iterator[None]:
    """One that `make cluster-up` made, if needed, until the end of the block."""
    if needed:
        ended = _tool("up")
        assert ended.returncode == 0, ended.stderr
    try:
        yield
    finally:
        if needed:
            ended = _tool("down")
            assert ended.returncode == 0, ended.stderr
