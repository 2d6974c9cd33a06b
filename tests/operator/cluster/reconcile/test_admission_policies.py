"""The fences: what the operator may change of others' objects, and who may say where keys are sent."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.cluster.api_client import APPLY_PATCH, ApiClient, Reply
from support.cluster.claude_policies import POLICIES, policy
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.installed import documents
from support.operator.stand_in import StandIns

from claude_operator import names

STRATEGIC = "application/strategic-merge-patch+json"
Patch = Callable[..., Reply]


@pytest.fixture
def patch(equipped: Cluster, account, namespace: str, stand_ins: StandIns) -> Patch:
    """Patches a pod as the operator."""
    name = stand_ins.make(namespace, "production", annotations={"kept": "as it is"})
    client = ApiClient(account)

    def send(body: dict[str, Any], path: str = "") -> Reply:
        where = f"/api/v1/namespaces/{namespace}/pods/{name}{path}"
        return client.request("PATCH", where, body, content_type=STRATEGIC)

    return send


def test_operator_may_set_and_change_the_nudge(patch: Patch) -> None:
    assert patch({"metadata": {"annotations": {names.NUDGE: "1"}}}).status == 200
    assert patch({"metadata": {"annotations": {names.NUDGE: "2"}}}).status == 200
    assert patch({"metadata": {"annotations": {names.NUDGE: None}}}).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"annotations": {"another": "x"}}},
        {"metadata": {"annotations": {"kept": "changed"}}},
        {"metadata": {"annotations": {"kept": None}}},
        {"metadata": {"annotations": {names.NUDGE: "1", names.POLICY: "other"}}},
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"finalizers": ["a.example/b"]}},
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}]}},
        {"spec": {"containers": [{"name": "app", "image": "localhost/other:1"}]}},
        {"spec": {"activeDeadlineSeconds": 1}},
    ],
    ids=str,
)
def test_operator_may_change_nothing_else_of_a_pod(patch: Patch, change: dict[str, Any]) -> None:
    refused = patch(change)
    assert refused.status == 422
    assert "the operator may change the annotation claude-sidecar.dev/nudge of a pod only" in refused.message


@pytest.mark.parametrize("below", ["/status", "/ephemeralcontainers", "/resize"])
def test_operator_may_change_nothing_below_a_pod(patch: Patch, below: str) -> None:
    assert patch({"metadata": {"annotations": {names.NUDGE: "1"}}}, below).status == 403


def test_others_are_not_fenced_in(equipped: Cluster, namespace: str, stand_ins: StandIns) -> None:
    name = stand_ins.make(namespace, "production")
    equipped.kubectl("-n", namespace, "label", "pod", name, "a=b")


# -- which ConfigMaps the operator may write


def test_operator_may_write_the_config_maps_of_policies_and_no_others(
    equipped: Cluster, account, namespace: str
) -> None:
    client, path = ApiClient(account), f"/api/v1/namespaces/{namespace}/configmaps"
    refusal = "the operator may write ConfigMaps named claude-policy-NAME only"
    for name in ("others", "claude-policy-a"):
        equipped.request("POST", path, {"metadata": {"name": name}}).expect()
    change = {"data": {"a": "b"}}
    until(
        lambda: client.request("POST", f"{path}?dryRun=All", {"metadata": {"name": "new"}}).status == 422,
        "the fence is in force",
    )
    assert refusal in client.request("DELETE", f"{path}/others").message
    assert refusal in client.request("PATCH", f"{path}/others", change, content_type=STRATEGIC).message
    assert client.request("POST", path, {"metadata": {"name": "claude-policy-b"}}).status == 201
    assert client.request("PATCH", f"{path}/claude-policy-a", change, content_type=STRATEGIC).status == 200
    assert client.request("DELETE", f"{path}/claude-policy-a").status == 200


# -- who may say where keys are sent


@pytest.fixture
def editor(equipped: Cluster, namespace: str) -> Callable[..., ApiClient]:
    """A user who may edit policies and read the Secrets that are named."""

    def make(user: str, *secrets: str) -> ApiClient:
        bound = ("-n", namespace, "create")
        equipped.kubectl(
            *bound,
            "role",
            user,
            "--verb=create,get,update,patch",
            "--resource=claudepolicies.claude-sidecar.dev",
        )
        equipped.kubectl(*bound, "rolebinding", user, f"--role={user}", f"--user={user}")
        if secrets:
            named = [f"--resource-name={secret}" for secret in secrets]
            equipped.kubectl(*bound, "role", f"{user}-s", "--verb=get", "--resource=secrets", *named)
            equipped.kubectl(*bound, "rolebinding", f"{user}-s", f"--role={user}-s", f"--user={user}")
        client = ApiClient(equipped.kubeconfig_for(user))
        may = f"{POLICIES.format(namespace)}/none"
        until(lambda: client.request("GET", may).status == 404, f"{user} may edit policies")
        if secrets:
            secret = f"/api/v1/namespaces/{namespace}/secrets/{secrets[-1]}"
            until(lambda: client.request("GET", secret).status == 404, f"{user} may read {secrets[-1]}")
        return client

    return make


def keyed(*secrets: str | None) -> dict[str, Any]:
    """A spec whose routes take their keys from these Secrets; None: the name is left to its default."""
    routes = []
    for number, secret in enumerate(secrets):
        reference = {"key": "k"} if secret is None else {"name": secret, "key": "k"}
        routes.append({"name": f"r{number}", "credential": {"secretKeyRef": reference}})
    return {"routes": routes}


def create(client: ApiClient, namespace: str, spec: dict[str, Any]) -> Reply:
    return client.request("POST", POLICIES.format(namespace), policy(spec))


def test_policy_is_admitted_from_who_may_read_its_secrets_and_refused_from_who_may_not(
    editor: Callable[..., ApiClient], namespace: str
) -> None:
    trusted, other = editor("trusted", "team-keys"), editor("other", "other-keys")
    refused = create(other, namespace, keyed("team-keys"))
    assert refused.status == 403
    assert f"you may not get Secret team-keys in namespace {namespace}" in refused.message
    assert create(trusted, namespace, keyed("team-keys")).status == 201


def test_secret_that_is_not_named_is_the_default_one(
    editor: Callable[..., ApiClient], namespace: str
) -> None:
    assert "Secret claude-keys" in create(editor("other", "other-keys"), namespace, keyed(None)).message
    assert create(editor("trusted", names.DEFAULT_SECRET), namespace, keyed(None)).status == 201


@pytest.mark.parametrize("position", range(8))
def test_every_route_is_looked_at(editor: Callable[..., ApiClient], namespace: str, position: int) -> None:
    secrets = ["mine"] * 8
    secrets[position] = "theirs"
    assert "Secret theirs" in create(editor("me", "mine"), namespace, keyed(*secrets)).message


def test_eight_secrets_that_may_be_read_are_admitted(
    editor: Callable[..., ApiClient], namespace: str
) -> None:
    secrets = [f"s{number}" for number in range(8)]
    assert create(editor("me", *secrets), namespace, keyed(*secrets)).status == 201


def test_policy_without_secrets_asks_for_no_right(editor: Callable[..., ApiClient], namespace: str) -> None:
    assert create(editor("me"), namespace, {"routes": [{"name": "a"}]}).status == 201
    assert create(editor("me-too"), namespace, {}).status == 409  # of that name there is one


def test_edit_of_the_endpoint_asks_too_and_a_label_does_not(
    equipped: Cluster, editor: Callable[..., ApiClient], namespace: str
) -> None:
    made = equipped.request("POST", POLICIES.format(namespace), policy(keyed("team-keys"))).expect()
    other = editor("other")
    path = f"{POLICIES.format(namespace)}/{made['metadata']['name']}"
    merge = "application/merge-patch+json"
    redirect = {"spec": {"routes": [{**made["spec"]["routes"][0], "endpoint": "https://evil.example"}]}}
    assert other.request("PATCH", path, redirect, content_type=merge).status == 403
    label = {"metadata": {"labels": {"a": "b"}}}
    assert other.request("PATCH", path, label, content_type=merge).status == 200


# -- what the operator may change of the webhook's configuration

CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/claude-sidecar"
BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()


@pytest.fixture
def configure(equipped: Cluster, account) -> Iterator[Callable[[dict[str, Any]], Reply]]:
    """Patches one of its webhooks as the operator; no pod has the label for which it would be asked."""
    client = ApiClient(account)

    def send(change: dict[str, Any]) -> Reply:
        body = {"webhooks": [{"name": "pods.claude-sidecar.dev", **change}]}
        return client.request("PATCH", CONFIGURATION, body, content_type=STRATEGIC)

    configuration = documents("webhook-configuration")[0]
    for webhook in configuration["webhooks"]:
        webhook["objectSelector"] = {"matchLabels": {"never": "there"}}
    equipped.apply(configuration)
    yield send
    equipped.request("DELETE", CONFIGURATION).expect()


def test_operator_may_put_its_certificate_into_the_webhooks_configuration(
    configure: Callable[[dict[str, Any]], Reply],
) -> None:
    changed = configure({"clientConfig": {"caBundle": BUNDLE}}).expect()
    assert changed["webhooks"][0]["clientConfig"]["caBundle"] == BUNDLE


def test_operator_may_apply_its_certificate_as_its_own_field_manager(
    configure: Callable[[dict[str, Any]], Reply], account
) -> None:
    assert configure
    part = [{"name": "pods.claude-sidecar.dev", "clientConfig": {"caBundle": BUNDLE}}]
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "claude-sidecar"},
        "webhooks": part,
    }
    path = f"{CONFIGURATION}?fieldManager=claude-operator-certificates&force=true"
    changed = ApiClient(account).request("PATCH", path, body, content_type=APPLY_PATCH).expect()
    assert changed["webhooks"][0]["clientConfig"]["caBundle"] == BUNDLE


@pytest.mark.parametrize(
    "change",
    [
        {"failurePolicy": "Fail"},
        {"timeoutSeconds": 30},
        {"namespaceSelector": None},
        {"objectSelector": None},
        {"matchConditions": [{"name": "all", "expression": "true"}]},
        {"reinvocationPolicy": "Never"},
        {"matchPolicy": "Exact"},
        {"clientConfig": {"caBundle": BUNDLE, "service": {"name": "another", "namespace": "default"}}},
        {"clientConfig": {"caBundle": BUNDLE, "service": None, "url": "https://elsewhere.example"}},
        {"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]},
        {
            "name": "one-more.claude-sidecar.dev",
            "clientConfig": {"url": "https://elsewhere.example"},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        },
    ],
    ids=lambda change: ",".join(change),
)
def test_operator_may_change_nothing_else_of_the_webhooks_configuration(
    configure: Callable[[dict[str, Any]], Reply], change: dict[str, Any]
) -> None:
    refused = configure(change)
    assert refused.status == 422, refused.message
    assert "the operator may change caBundle of the webhook's configuration only" in refused.message


def test_operator_may_not_change_the_configurations_labels(
    configure: Callable[[dict[str, Any]], Reply], account
) -> None:
    body = {"metadata": {"labels": {"a": "b"}}}
    refused = ApiClient(account).request("PATCH", CONFIGURATION, body, content_type=STRATEGIC)
    assert refused.status == 422
