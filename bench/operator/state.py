"""Policies and pods in a cluster, made with many requests at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.operator.sidecars import address_of
from claude_operator import names
from claude_operator.cluster.access import find_access
from claude_operator.cluster.api import Api

NAMESPACES = 20
_AT_ONCE = 24
_MERGE = "application/strategic-merge-patch+json"


def namespace_of(policy: int) -> str:
    """Policies are spread over the namespaces."""
    return f"bench-{policy % NAMESPACES}"


def policies_path(namespace: str) -> str:
    """A namespace's policies."""
    return f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.PLURAL}"


@asynccontextmanager
async def administrator(kubeconfig: Path) -> AsyncIterator[Api]:
    """The administrator's client."""
    async with Api(find_access(kubeconfig, {})) as api:
        yield api


async def all_of(deeds: Iterable[Awaitable[Any]]) -> None:
    """Do all, so many at a time."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(deed: Awaitable[Any]) -> None:
        async with limit:
            await deed

    async with asyncio.TaskGroup() as group:
        for deed in deeds:
            group.create_task(one(deed))


async def make_namespaces(api: Api) -> None:
    """The namespaces, and wait until pods may be made in them."""
    for number in range(NAMESPACES):
        name = f"bench-{number}"
        await api.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        while not (await api.get(f"/api/v1/namespaces/{name}/serviceaccounts"))["items"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def make_policy(api: Api, policy: int) -> None:
    """A policy that differs a little from all others."""
    body = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": f"p-{policy}"},
        "spec": {"retry": {"maxAttempts": 3}, "timeouts": {"total": f"{policy + 60}s"}},
    }
    await api.send("POST", policies_path(namespace_of(policy)), body)


async def edit_policy(api: Api, policy: int, attempts: int) -> None:
    """Another number of attempts."""
    path = f"{policies_path(namespace_of(policy))}/p-{policy}"
    patch = {"spec": {"retry": {"maxAttempts": attempts}}}
    await api.send("PATCH", path, patch, "application/merge-patch+json")


async def make_pod(api: Api, policy: int, pod: int) -> None:
    """A pod of a policy whose sidecar has started."""
    name, source = f"p-{policy}-{pod}", {"name": names.configmap_name(f"p-{policy}"), "optional": True}
    body = {
        "metadata": {
            "name": name,
            "labels": {"app": f"p-{policy}"},
            "annotations": {names.POLICY: f"p-{policy}", names.STATUS: "injected"},
        },
        "spec": {
            "containers": [{"name": "app", "image": "localhost/app:1"}],
            "initContainers": [
                {"name": names.CONTAINER, "image": "localhost/sidecar:1", "restartPolicy": "Always"}
            ],
            "volumes": [{"name": "claude-sidecar-policy", "configMap": source}],
        },
    }
    pods = f"/api/v1/namespaces/{namespace_of(policy)}/pods"
    await api.send("POST", pods, body)
    address = address_of(policy, pod)
    container = {"name": names.CONTAINER, "image": "localhost/sidecar:1", "imageID": "", "restartCount": 0}
    container |= {"ready": True, "started": True, "state": {"running": {}}}
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "initContainerStatuses": [container],
    }
    await api.send("PATCH", f"{pods}/{name}/status", {"status": status}, _MERGE)


async def touch_pod(api: Api, policy: int, pod: int) -> None:
    """Change what the operator does not look at."""
    patch = {"metadata": {"annotations": {"bench/touched": "yes"}}}
    await api.send("PATCH", _pod_path(policy, pod), patch, "application/merge-patch+json")


async def size_of_pod(api: Api, policy: int, pod: int) -> int:
    """Bytes of a pod as JSON."""
    return len(msgspec.json.encode(await api.get(_pod_path(policy, pod))))


def _pod_path(policy: int, pod: int) -> str:
    return f"/api/v1/namespaces/{namespace_of(policy)}/pods/p-{policy}-{pod}"


async def policies(api: Api) -> list[dict[str, Any]]:
    """All policies as they are."""
    found: list[dict[str, Any]] = (await api.get(f"/apis/{names.API_VERSION}/{names.PLURAL}"))["items"]
    return found
