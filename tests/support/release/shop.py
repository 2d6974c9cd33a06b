"""A user's namespace: restricted pods only, a Secret with keys, a policy of two routes."""

import base64
from collections.abc import Mapping
from typing import Any

from support.cluster.cluster import NAMESPACES, Cluster
from support.release.app import App
from support.release.policies import Policies
from support.release.upstream import KEYS, Upstream


class Shop:
    """A namespace and what its people make in it.

    Args:
        cluster: where it is
        namespace: its name
        upstream: the simulated API that its policies lead to
    """

    def __init__(self, cluster: Cluster, namespace: str, upstream: Upstream) -> None:
        self.cluster, self.namespace, self.upstream = cluster, namespace, upstream
        self.policies = Policies(cluster, namespace)

    def open(self) -> None:
        """The Secret `claude-keys` with a key for each route, and the policy `production`."""
        self.keep_keys(KEYS)
        self.policies.apply(**self.two_routes())

    def keep_keys(self, keys: Mapping[str, str], name: str = "claude-keys") -> None:
        """Make or replace a Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
        self.cluster.apply(secret, namespace=self.namespace)

    def route(self, name: str, *, secret: str | None = None, key: str = "") -> dict[str, Any]:
        """A route to the upstream of that name; with *secret* it has a credential of its own."""
        found = {"name": name, "endpoint": self.upstream.endpoint(name), "insecure": "Allow"}
        own = {"credential": {"secretKeyRef": {"name": secret, "key": key or name}}} if secret else {}
        return {**found, **own}

    def two_routes(self, **more: Any) -> dict[str, Any]:
        """The spec of `production`: the app's own key on route one, one of the Secret's on route two."""
        routes = [self.route("first"), self.route("second", secret="claude-keys")]
        return {"routes": routes, **more}

    def app(self, name: str = "web", **options: Any) -> App:
        """An app with the first route's key, not deployed yet."""
        return App(self.cluster, self.namespace, name, **{"key": KEYS["first"], **options})

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """A core object of the namespace, such as `pods`."""
        found: dict[str, Any] = self.cluster.api.get(f"{NAMESPACES}/{self.namespace}/{kind}/{name}")
        return found
