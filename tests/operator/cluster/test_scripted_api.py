"""The scripted API server of the unit tests answers as a real one: the same requests are put to both."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.x509 import Certificate
from support.cluster.claude_policies import POLICIES, define
from support.cluster.cluster import Cluster
from support.operator.scripted.api import ScriptedApi

from claude_operator import names
from claude_operator.certificates.issue import new_authority
from claude_operator.certificates.secret import bundle_in, bundle_of
from claude_operator.cluster import paths
from claude_operator.cluster.access import find_access
from claude_operator.cluster.api import APPLY_PATCH, JSON, MERGE_PATCH, Api, ApiError, Requests
from claude_operator.reconcile.sweep import METADATA

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
OURS = {names.POLICY_UID: "u"}


class Noted:
    """A client, and a note of each answer; versions and UIDs are noted by the order in which they came."""

    def __init__(self, api: Requests, namespace: str) -> None:
        self._api, self.namespace = api, namespace
        self.notes: list[object] = []
        self._seen: dict[str, str] = {}

    async def ask(
        self, method: str, path: str, body: object = None, content_type: str = JSON, **more: str
    ) -> Any:
        """The answer; None where it is no."""
        more = {"fieldManager": "me"} | more if method in ("POST", "PUT", "PATCH") else more
        try:
            answer = await self._api.send(method, path, body, content_type, **more)
        except ApiError as error:
            self.notes.append((method, error.status))
            return None
        if method == "DELETE":
            self.notes.append((method, "done"))
        else:
            found = [self._facts(each) for each in answer.get("items", [answer])]
            self.notes.append((method, found, bool(answer["metadata"].get("continue"))))
        return answer

    def _facts(self, body: dict[str, Any]) -> dict[str, Any]:
        meta, spec = body["metadata"], body.get("spec") or {}
        return {
            "name": meta["name"],
            "namespace": meta.get("namespace"),
            "version": self._seen.setdefault(meta["resourceVersion"], f"version {len(self._seen)}"),
            "uid": self._seen.setdefault(meta["uid"], f"uid {len(self._seen)}"),
            "generation": meta.get("generation"),
            "labels": meta.get("labels"),
            "managers": sorted({each["manager"] for each in meta.get("managedFields") or ()}),
            "retry": (spec.get("retry") or {}).get("maxAttempts"),
            "holder": spec.get("holderIdentity"),
            "webhooks": [_webhook(each) for each in body.get("webhooks") or ()],
            **{key: body.get(key) for key in ("data", "status", "count", "reason")},
        }


def _webhook(webhook: dict[str, Any]) -> tuple[object, ...]:
    client = webhook["clientConfig"]
    return webhook["name"], client.get("service"), len(bundle_in(client.get("caBundle")))


def config_map(name: str = "it", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **more}, "data": {"a": "1"}}


async def config_maps_through_their_life(on: Noted) -> None:
    many, one = paths.config_maps(on.namespace), paths.config_map(on.namespace, "it")
    for method in ("GET", "DELETE"):
        await on.ask(method, one)
    await on.ask("PATCH", one, {"data": {"b": "2"}}, MERGE_PATCH)
    made = (await on.ask("POST", many, config_map(labels=OURS)))["metadata"]
    await on.ask("POST", many, config_map())
    await on.ask("GET", one)
    patch = {"metadata": {"resourceVersion": made["resourceVersion"]}, "data": {"a": None, "b": "2"}}
    changed = await on.ask("PATCH", one, patch, MERGE_PATCH)
    await on.ask("PATCH", one, patch, MERGE_PATCH)
    await on.ask("PATCH", one, {"data": {"b": "2"}}, MERGE_PATCH)
    replaced = {**changed, "data": {"c": "3"}}
    await on.ask("PUT", one, replaced)
    await on.ask("PUT", one, replaced)
    now = (await on.ask("GET", one))["metadata"]
    for wanted in ({"resourceVersion": made["resourceVersion"]}, {"uid": "another"}):
        preconditions = {"uid": now["uid"], "resourceVersion": now["resourceVersion"]} | wanted
        await on.ask(
            "DELETE", one, {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions}
        )
    await on.ask("DELETE", one)
    await on.ask("GET", one)
    await on.ask("PUT", one, replaced)


async def objects_made_anew_under_their_name(on: Noted) -> None:
    many, one = paths.config_maps(on.namespace), paths.config_map(on.namespace, "it")
    first = (await on.ask("POST", many, config_map()))["metadata"]
    await on.ask("DELETE", one)
    second = (await on.ask("POST", many, config_map()))["metadata"]
    for uid, version in ((first, first), (first, second), (second, first)):
        meta = {"uid": uid["uid"], "resourceVersion": version["resourceVersion"]}
        await on.ask("PATCH", one, {"metadata": meta, "data": {"b": "2"}}, MERGE_PATCH)
    await on.ask("PATCH", one, {"metadata": {"uid": first["uid"]}, "data": {"b": "2"}}, MERGE_PATCH)


async def policies_and_their_status(on: Noted) -> None:
    many = POLICIES.format(on.namespace)
    one, status = f"{many}/it", paths.policy_status(on.namespace, "it")
    body = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": "it"}}
    body["spec"] = {"retry": {"maxAttempts": 4}}
    await on.ask("PATCH", status, {"status": {"routes": 1}}, MERGE_PATCH)
    made = (await on.ask("POST", many, body | {"status": {"routes": 9}}))["metadata"]
    meta = {"uid": made["uid"], "resourceVersion": made["resourceVersion"]}
    told = {
        "metadata": meta,
        "status": {"routes": 1, "hash": "0123456789abcdef"},
        "spec": {"retry": {"maxAttempts": 7}},
    }
    await on.ask("PATCH", status, told, MERGE_PATCH)
    await on.ask("PATCH", status, told, MERGE_PATCH)
    await on.ask("PATCH", status, {"status": {"routes": 2, "hash": None}}, MERGE_PATCH)
    edit = {"spec": {"retry": {"maxAttempts": 2}}, "status": {"routes": 9}}
    await on.ask("PATCH", one, edit, MERGE_PATCH)
    await on.ask("PATCH", one, edit, MERGE_PATCH)


async def leases_that_are_taken_and_deleted(on: Noted) -> None:
    many = paths.leases(on.namespace)
    lease = {"metadata": {"name": "it"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}}
    made = await on.ask("POST", many, lease)
    await on.ask("POST", many, lease)
    renewed = {**made, "spec": {**made["spec"], "holderIdentity": "other"}}
    await on.ask("PUT", f"{many}/it", renewed)
    await on.ask("PUT", f"{many}/it", renewed)
    await on.ask("DELETE", f"{many}/it")
    await on.ask("PUT", f"{many}/it", renewed)


async def events_that_are_counted_up(on: Noted) -> None:
    many = paths.events(on.namespace)
    about = {"kind": names.KIND, "namespace": on.namespace, "name": "p", "uid": "u"}
    for name, component in (("a", names.OPERATOR), ("b", "another")):
        told = {"metadata": {"name": name}, "involvedObject": about, "reason": "R", "count": 1}
        await on.ask("POST", many, told | {"reportingComponent": component, "reportingInstance": "me"})
    await on.ask("POST", many, told)
    await on.ask("PATCH", f"{many}/a", {"count": 2}, MERGE_PATCH)
    await on.ask("GET", many, fieldSelector=f"reportingComponent={names.OPERATOR}")
    await on.ask("GET", many, fieldSelector="reason=Other")


async def lists_by_label_in_pages(on: Noted) -> None:
    many = paths.config_maps(on.namespace)
    for name, labels in (("a", OURS), ("b", {names.POLICY_UID: "other"}), ("c", {"more": "x"}), ("d", OURS)):
        await on.ask("POST", many, config_map(name, labels=labels))
    await on.ask("GET", many, labelSelector=f"{names.POLICY_UID}=u")
    await on.ask("GET", many, labelSelector=f"{names.POLICY_UID}=u,more")
    query = {"labelSelector": names.POLICY_UID, "limit": "2"}
    page = await on.ask("GET", many, **query)
    await on.ask("DELETE", paths.config_map(on.namespace, "d"))
    await on.ask("GET", many, **query, **{"continue": page["metadata"]["continue"]})
    await on.ask("GET", many, labelSelector=names.POLICY_UID, accept=METADATA)


async def bundle_applied_to_a_configuration(on: Noted) -> None:
    name = f"scripted-{on.namespace}"
    one, kind = f"{CONFIGURATIONS}/{name}", "MutatingWebhookConfiguration"

    def body(*webhooks: dict[str, Any]) -> dict[str, Any]:
        version = "admissionregistration.k8s.io/v1"
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "webhooks": list(webhooks)}

    async def apply(*authorities: Certificate) -> None:
        trusted = {"caBundle": bundle_of(authorities)}
        wanted = body(*({"name": each, "clientConfig": trusted} for each in hooks))
        await on.ask("PATCH", one, wanted, APPLY_PATCH, fieldManager="bundles", force="true")

    never = {
        "apiGroups": ["none.example"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["x"],
    }
    service = {"service": {"namespace": on.namespace, "name": "hook", "port": 443, "path": "/mutate"}}
    rest = {
        "clientConfig": service,
        "rules": [never],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    old, new = (new_authority(datetime.now(UTC), timedelta(days=1)).certificate for _ in range(2))
    hooks = ("one.example.com", "two.example.com")
    await apply(old)
    await on.ask("POST", CONFIGURATIONS, body(*({"name": each, **rest} for each in hooks)))
    await apply(old)
    await apply(old)
    await apply(new, old)
    await on.ask("DELETE", one)


Exchange = Callable[[Noted], Awaitable[None]]
EXCHANGES: list[Exchange] = [
    config_maps_through_their_life,
    objects_made_anew_under_their_name,
    policies_and_their_status,
    leases_that_are_taken_and_deleted,
    events_that_are_counted_up,
    lists_by_label_in_pages,
    bundle_applied_to_a_configuration,
]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.__name__)
async def test_scripted_api_server_answers_as_the_real_one(
    cluster: Cluster, namespace: str, exchange: Exchange
) -> None:
    define(cluster)
    async with Api(find_access(cluster.kubeconfig, {})) as api:
        real = Noted(api, namespace)
        await exchange(real)
    scripted = Noted(ScriptedApi(), namespace)
    await exchange(scripted)
    assert scripted.notes == real.notes
