"""A cluster with the operator's files, and operators that run in it under exactly those rights."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.cluster.claude_policies import POLICIES
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.api_proxy import ApiProxy
from support.operator.installed import NAMESPACE, install
from support.operator.operator_process import OperatorProcess, operator_process
from support.operator.stand_in import StandIns

from claude_operator import names

Start = Callable[..., OperatorProcess]


@pytest.fixture(scope="session")
def equipped(cluster: Cluster) -> Cluster:
    """The cluster with definition, rights and admission policies."""
    install(cluster)
    return cluster


@pytest.fixture
def account(equipped: Cluster) -> Path:
    """A kubeconfig of the reconciler's own account."""
    return equipped.kubeconfig_for_service_account(NAMESPACE, "claude-sidecar-reconcile")


@pytest.fixture
def start(account: Path) -> Iterator[Start]:
    """Starts operators, `start(*options, kubeconfig=..., environ=...)`; the tests' end is theirs."""
    with contextlib.ExitStack() as stack:

        def begin(
            *options: str,
            kubeconfig: Path = account,
            wait: bool = True,
            environ: Mapping[str, str] = os.environ,
        ) -> OperatorProcess:
            given = ("--no-webhook-certificates", *options)
            running = stack.enter_context(operator_process(kubeconfig, NAMESPACE, *given, environ=environ))
            if wait:
                running.wait_until_said("listed")
            return running

        yield begin


@pytest.fixture
def operator(start: Start) -> OperatorProcess:
    """One operator that has listed everything."""
    return start()


@pytest.fixture
def proxy(equipped: Cluster) -> Iterator[ApiProxy]:
    """A proxy to the API server."""
    with ApiProxy(equipped.url, equipped.ca).running() as running:
        yield running


@pytest.fixture
def through_proxy(proxy: ApiProxy, account: Path, tmp_path: Path) -> Path:
    """The reconciler's kubeconfig, through the proxy."""
    return proxy.kubeconfig(account, tmp_path / "proxied.kubeconfig")


@pytest.fixture
def stand_ins(equipped: Cluster, tmp_path: Path) -> Iterator[StandIns]:
    """Makes pods with sidecars."""
    with contextlib.ExitStack() as stack:
        yield StandIns(equipped, tmp_path, stack)


class Policies:
    """The policies of one namespace, by what a user does with them."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def apply(self, name: str = "production", **spec: Any) -> dict[str, Any]:
        """Make or replace a policy's spec, whoever writes its status meanwhile."""
        path = f"{POLICIES.format(self.namespace)}/{name}"
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {"name": name},
            "spec": spec,
        }
        while (seen := self.cluster.request("GET", path)).status == 200:
            body["metadata"]["resourceVersion"] = seen.body["metadata"]["resourceVersion"]
            said = self.cluster.request("PUT", path, body)
            if said.status != 409:
                applied: dict[str, Any] = said.expect()
                return applied
        made: dict[str, Any] = self.cluster.request("POST", path.rpartition("/")[0], body).expect()
        return made

    def delete(self, name: str = "production") -> None:
        self.cluster.request("DELETE", f"{POLICIES.format(self.namespace)}/{name}").expect()

    def get(self, name: str = "production") -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.api.get(f"{POLICIES.format(self.namespace)}/{name}")
        return found

    def status(self, name: str = "production") -> dict[str, Any]:
        return self.get(name).get("status") or {}

    def condition(self, kind: str, name: str = "production") -> str:
        """`Status/Reason` of a condition, if it is about the policy as it is now; else nothing."""
        policy = self.get(name)
        for each in (policy.get("status") or {}).get("conditions") or ():
            if each["type"] == kind and each["observedGeneration"] == policy["metadata"]["generation"]:
                return f"{each['status']}/{each['reason']}"
        return ""

    def wait_for(self, kind: str, said: str, name: str = "production", seconds: float = 60.0) -> None:
        """Wait until a condition says that."""
        until(
            lambda: self.condition(kind, name) == said or None,
            f"{kind} of {name} is {said}, not {self.status(name)}",
            seconds=seconds,
        )

    def config_map(self, name: str = "production") -> dict[str, Any] | None:
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{names.configmap_name(name)}"
        said = self.cluster.request("GET", path)
        return said.body if said.status == 200 else None

    def file(self, name: str = "production") -> str:
        """What the policy's ConfigMap holds; nothing where there is none."""
        found = self.config_map(name)
        return "" if found is None else str((found.get("data") or {}).get(names.POLICY_KEY, ""))

    def events(self) -> list[dict[str, Any]]:
        """The operator's events in the namespace."""
        path = (
            f"/api/v1/namespaces/{self.namespace}/events?fieldSelector=reportingComponent%3D{names.OPERATOR}"
        )
        found: list[dict[str, Any]] = self.cluster.api.get(path)["items"]
        return found

    def reasons(self) -> list[tuple[str, str, str]]:
        """(kind, name, reason) of those."""
        return sorted(
            (each["involvedObject"]["kind"], each["involvedObject"]["name"], each["reason"])
            for each in self.events()
        )


@pytest.fixture
def policies(equipped: Cluster, namespace: str) -> Policies:
    """The policies of a fresh namespace."""
    return Policies(equipped, namespace)
