"""All that end-to-end tests need: a cluster with the chart installed, a simulated API, namespaces."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from support.cluster.cluster import NAMESPACES, Cluster
from support.cluster.helm import helm
from support.release.manifests import RESTRICTED
from support.release.release import Release
from support.release.shop import Shop
from support.release.upstream import Upstream

from claude_sidecar import __version__

REPOSITORY = "localhost/claude-sidecar"
IMAGE = f"{REPOSITORY}:{__version__}"
VALUES: dict[str, Any] = {
    "image": {"repository": REPOSITORY, "pullPolicy": "IfNotPresent"},
    # Simulated upstreams are in the cluster itself.
    "allowedHosts": ["api.anthropic.com", "*.svc.cluster.local"],
}


class Stage:
    """Made once for a session.

    Args:
        cluster: a whole one
        release: the chart, installed
        upstream: the simulated API, running
    """

    def __init__(self, cluster: Cluster, release: Release, upstream: Upstream) -> None:
        self.cluster, self.release, self.upstream = cluster, release, upstream

    @contextlib.contextmanager
    def shop(self, labels: Mapping[str, str] = RESTRICTED) -> Iterator[Shop]:
        """A user's namespace, open, with a healthy upstream; it goes at the end of the block."""
        namespace = self.cluster.namespace(labels=labels, prefix="shop")
        try:
            self.upstream.play()
            shop = Shop(self.cluster, namespace, self.upstream)
            shop.open()
            yield shop
        finally:
            self.cluster.remove_namespace(namespace)


@contextlib.contextmanager
def stage(cluster: Cluster) -> Iterator[Stage]:
    """The chart installed and a simulated API running until the end of the block; images are there."""
    release = Release(cluster, helm(), VALUES)
    with _upstream(cluster) as upstream:
        release.install()
        try:
            yield Stage(cluster, release, upstream)
        finally:
            release.uninstall()


@contextlib.contextmanager
def _upstream(cluster: Cluster) -> Iterator[Upstream]:
    namespace = f"claude-{secrets.token_hex(4)}"
    made = {"metadata": {"name": namespace, "labels": RESTRICTED}}
    cluster.request("POST", NAMESPACES, made).expect()
    try:
        found = Upstream(cluster, namespace)
        found.deploy(IMAGE)
        yield found
    finally:
        cluster.remove_namespace(namespace)
