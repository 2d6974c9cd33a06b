"""The sidecar's container and volumes as they are put into a pod."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from support.fakes.pods import container, env, make_pod

from claude_operator.inject.pod import Injected
from claude_operator.inject.quantity import quantity
from claude_operator.inject.settings import CaBundle, Exits, HeadersSecret, Resources, Settings

Inject = Callable[..., Injected]
GUARANTEED = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}}
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def asking(**values: str) -> dict[str, str]:
    """Annotations: the policy, and our own by their last part."""
    own = {f"claude-sidecar.dev/{key.replace('_', '-')}": value for key, value in values.items()}
    return {"claude-sidecar.dev/policy": "production", **own}


def test_sidecar_is_the_first_init_container_and_stays(injected: Inject) -> None:
    pod = injected(make_pod(initContainers=[{"name": "migrate"}])).pod
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["claude-sidecar", "migrate"]
    assert container(pod, "claude-sidecar")["restartPolicy"] == "Always"


def test_sidecar_is_started_with_the_policy_of_its_config_map_and_its_ports(injected: Inject) -> None:
    pod = injected(make_pod()).pod
    assert container(pod, "claude-sidecar")["args"] == [
        "run",
        "--policy=/etc/claude-sidecar/policy/policy.yaml",
        "--port=8787",
        "--admin-port=8788",
    ]
    volume = next(each for each in pod["spec"]["volumes"] if "configMap" in each)
    assert volume["configMap"] == {"name": "claude-policy-production", "optional": True}


def test_other_containers_wait_for_a_probe_each_second_on_the_pods_address(injected: Inject) -> None:
    probe = container(injected(make_pod()).pod, "claude-sidecar")["startupProbe"]
    assert probe["httpGet"] == {"path": "/readyz", "port": 8788}
    assert probe["periodSeconds"] == 1


def test_no_mount_is_of_a_single_key_since_that_would_never_be_updated(injected: Inject) -> None:
    mounts = container(injected(make_pod()).pod, "claude-sidecar")["volumeMounts"]
    assert mounts
    assert [mount for mount in mounts if "subPath" in mount] == []


def test_an_empty_volume_lies_where_the_service_account_token_would_be(injected: Inject) -> None:
    pod = injected(make_pod()).pod
    mount = next(
        each for each in container(pod, "claude-sidecar")["volumeMounts"] if each["mountPath"] == TOKEN_PATH
    )
    volume = next(each for each in pod["spec"]["volumes"] if each["name"] == mount["name"])
    assert set(volume) == {"name", "emptyDir"}


@pytest.mark.parametrize(
    ("policy", "secrets"),
    [
        ("production", ["claude-keys"]),
        ("not-there-yet", ["claude-keys"]),
        ("keyed", ["claude-keys", "team.keys"]),
    ],
)
def test_default_secret_is_always_mounted_and_others_that_the_policy_names(
    injected: Inject, policy: str, secrets: list[str]
) -> None:
    pod = injected(make_pod({"claude-sidecar.dev/policy": policy})).pod
    volumes = {each["name"]: each["secret"] for each in pod["spec"]["volumes"] if "secret" in each}
    assert [each["secretName"] for each in volumes.values()] == secrets
    assert all(each["optional"] for each in volumes.values())
    paths = {each["name"]: each["mountPath"] for each in container(pod, "claude-sidecar")["volumeMounts"]}
    assert [paths[name] for name in volumes] == [
        f"/var/run/claude-sidecar/secrets/{name}" for name in secrets
    ]


def test_names_of_secrets_that_are_no_labels_become_volumes_of_different_names(
    injected: Inject, settings: Settings
) -> None:
    from claude_operator.inject.place import Place

    secrets = ["a.b", "a-b", "x" * 253, "x" * 252 + "y"]
    routes = [
        {"name": str(at), "credential": {"secretKeyRef": {"name": name, "key": "k"}}}
        for at, name in enumerate(secrets)
    ]
    place = Place("shop", policies={"production": {"routes": routes}})
    names = [each["name"] for each in injected(make_pod(), place=place).pod["spec"]["volumes"]]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 and "." not in name for name in names)


def test_sidecar_keeps_the_rules_of_restricted_pod_security(injected: Inject) -> None:
    context = container(injected(make_pod()).pod, "claude-sidecar")["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize(("pods", "ours"), [(0, 65532), (1000, None), (None, None)])
def test_a_user_is_named_only_where_the_pod_names_root(
    injected: Inject, pods: int | None, ours: int | None
) -> None:
    pod = make_pod(securityContext={} if pods is None else {"runAsUser": pods})
    assert container(injected(pod).pod, "claude-sidecar")["securityContext"].get("runAsUser") == ours


def test_telemetry_says_which_pod_and_what_made_it(injected: Inject) -> None:
    pod = make_pod()
    pod["metadata"]["labels"] = {"pod-template-hash": "5d4"}
    pod["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web-5d4", "controller": True}]
    entries = container(injected(pod).pod, "claude-sidecar")["env"]
    attributes = next(each for each in entries if each["name"] == "OTEL_RESOURCE_ATTRIBUTES")
    assert attributes["value"].split(",") == [
        "k8s.namespace.name=$(K8S_NAMESPACE_NAME)",
        "k8s.pod.name=$(K8S_POD_NAME)",
        "k8s.pod.uid=$(K8S_POD_UID)",
        "k8s.node.name=$(K8S_NODE_NAME)",
        "k8s.container.name=claude-sidecar",
        "k8s.replicaset.name=web-5d4",
        "k8s.deployment.name=web",
    ]
    defined_before = [each["name"] for each in entries[: entries.index(attributes)]]
    assert {"K8S_NAMESPACE_NAME", "K8S_POD_NAME", "K8S_POD_UID", "K8S_NODE_NAME"} <= set(defined_before)


def test_exits_come_from_the_settings_and_may_differ_by_namespace(injected: Inject) -> None:
    settings = Settings(
        exits=Exits(
            otlp_endpoint="http://collector:4318",
            otlp_headers={"authorization": "Basic a=, b"},
            https_proxy="http://proxy:3128",
            ca_bundle=CaBundle("company-ca"),
        ),
        namespaces={"shop": Exits(otlp_endpoint="http://shop-collector:4318")},
        allowed_hosts=("api.anthropic.com", "gateway.example"),
    )
    pod = injected(make_pod(), settings=settings).pod
    values = env(pod, "claude-sidecar")
    assert values["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://shop-collector:4318"
    assert values["OTEL_EXPORTER_OTLP_HEADERS"] == "authorization=Basic%20a%3D%2C%20b"
    assert values["HTTPS_PROXY"] == "http://proxy:3128"
    assert values["SSL_CERT_FILE"] == "/etc/claude-sidecar/ca/ca.crt"
    assert values["CLAUDE_SIDECAR_ALLOWED_HOSTS"] == "api.anthropic.com,gateway.example"
    assert {"name": "company-ca", "optional": True} in [
        each.get("configMap") for each in pod["spec"]["volumes"]
    ]


def test_collector_headers_from_a_secret_are_not_told_to_readers_of_pods(injected: Inject) -> None:
    everywhere = Exits(otlp_headers={"authorization": "Basic a"}, otlp_headers_secret=HeadersSecret("otlp"))
    pod = injected(make_pod(), settings=Settings(exits=everywhere)).pod
    entries = container(pod, "claude-sidecar")["env"]
    (headers,) = [each for each in entries if each["name"] == "OTEL_EXPORTER_OTLP_HEADERS"]
    # Optional: a namespace without the Secret has pods all the same.
    reference = {"name": "otlp", "key": "headers", "optional": True}
    assert headers == {"name": "OTEL_EXPORTER_OTLP_HEADERS", "valueFrom": {"secretKeyRef": reference}}
    assert "Basic" not in json.dumps(pod)


def test_spool_has_room_for_what_a_known_policy_says(injected: Inject) -> None:
    from claude_operator.inject.place import Place

    place = Place("shop", policies={"production": {"limits": {"spoolMiB": 1000}}})
    pod = injected(make_pod(), place=place).pod
    sizes = [each["emptyDir"]["sizeLimit"] for each in pod["spec"]["volumes"] if "emptyDir" in each]
    assert "1064Mi" in sizes
    assert env(pod, "claude-sidecar")["CLAUDE_SIDECAR_SPOOL_LIMIT_MIB"] == "1000"


@pytest.mark.parametrize(
    ("annotations", "expected", "told"),
    [
        ({}, ("50m", "1", "128Mi", "256Mi"), None),
        ({"cpu_request": "100m"}, ("100m", "1", "128Mi", "256Mi"), None),
        ({"cpu_request": "2"}, ("2", "2", "128Mi", "256Mi"), None),
        ({"cpu_request": "64"}, ("4", "4", "128Mi", "256Mi"), "allowed: 10m to 4"),
        ({"cpu_request": "10m"}, ("10m", "1", "128Mi", "256Mi"), None),
        ({"cpu_request": "4"}, ("4", "4", "128Mi", "256Mi"), None),
        ({"cpu_limit": "20m"}, ("20m", "20m", "128Mi", "256Mi"), None),
        ({"cpu_limit": "100m", "cpu_request": "200m"}, ("100m", "100m", "128Mi", "256Mi"), "lowered to 100m"),
        ({"memory_limit": "1e9"}, ("50m", "1", "128Mi", "1e9"), None),
        ({"memory_limit": "16Mi"}, ("50m", "1", "64Mi", "64Mi"), "taken as 64Mi"),
        ({"memory_request": "lots"}, ("50m", "1", "128Mi", "256Mi"), "'lots' and was ignored"),
        ({"memory_request": "-1"}, ("50m", "1", "128Mi", "256Mi"), "'-1' and was ignored"),
    ],
)
def test_annotations_change_resources_within_bounds(
    injected: Inject, annotations: dict[str, str], expected: tuple[str, ...], told: str | None
) -> None:
    done = injected(make_pod(asking(**annotations)))
    wanted = container(done.pod, "claude-sidecar")["resources"]
    found = (
        wanted["requests"]["cpu"],
        wanted["limits"]["cpu"],
        wanted["requests"]["memory"],
        wanted["limits"]["memory"],
    )
    assert found == expected
    assert [told is not None and told in warning for warning in done.warnings] == [True] * (told is not None)


@pytest.mark.parametrize("inits", [[], [{"name": "migrate", "resources": GUARANTEED}]])
def test_a_guaranteed_pod_stays_guaranteed(injected: Inject, inits: list[dict[str, object]]) -> None:
    pod = make_pod(containers=[{"name": "app", "resources": GUARANTEED}], initContainers=inits)
    wanted = container(injected(pod).pod, "claude-sidecar")["resources"]
    assert wanted["requests"] == wanted["limits"] == {"cpu": "250m", "memory": "256Mi"}


def test_a_pod_with_one_container_that_is_not_guaranteed_is_not_made_so(injected: Inject) -> None:
    pod = make_pod(containers=[{"name": "app", "resources": GUARANTEED}, {"name": "b", "resources": {}}])
    wanted = container(injected(pod).pod, "claude-sidecar")["resources"]
    assert wanted["requests"] != wanted["limits"]


def test_ephemeral_storage_is_asked_for_where_the_settings_say_so(injected: Inject) -> None:
    assert "ephemeral-storage" not in str(container(injected(make_pod()).pod, "claude-sidecar")["resources"])
    both = Resources(ephemeral_storage_request="320Mi", ephemeral_storage_limit="1Gi")
    settings = Settings(resources=both)
    wanted = container(injected(make_pod(), settings=settings).pod, "claude-sidecar")["resources"]
    assert wanted["requests"]["ephemeral-storage"] == "320Mi"
    assert wanted["limits"]["ephemeral-storage"] == "1Gi"


@pytest.mark.parametrize(
    ("limit", "room"), [(None, 400), ("1Gi", 400), ("464Mi", 400), ("300Mi", 236), ("10Mi", 1)]
)
def test_bodies_are_spooled_within_the_limit_of_ephemeral_storage(
    injected: Inject, limit: str | None, room: int
) -> None:
    settings = Settings(tmp_mi_b=400, resources=Resources(ephemeral_storage_limit=limit))
    pod = injected(make_pod(), settings=settings).pod
    (told,) = (each for each in container(pod, "claude-sidecar")["env"] if "SPOOL" in each["name"])
    assert told["value"] == str(room)
    (tmp,) = (each for each in pod["spec"]["volumes"] if each["name"] == "claude-sidecar-tmp")
    assert tmp["emptyDir"]["sizeLimit"] == f"{room + 64}Mi"


def test_ephemeral_storage_is_never_asked_for_beyond_its_limit(injected: Inject) -> None:
    settings = Settings(resources=Resources(ephemeral_storage_request="1Gi", ephemeral_storage_limit="512Mi"))
    wanted = container(injected(make_pod(), settings=settings).pod, "claude-sidecar")["resources"]
    assert wanted["requests"]["ephemeral-storage"] == wanted["limits"]["ephemeral-storage"] == "512Mi"


def test_a_resource_that_the_pod_bounds_as_a_whole_is_left_to_it(injected: Inject) -> None:
    pod = make_pod(resources={"limits": {"cpu": "1"}})
    wanted = container(injected(pod).pod, "claude-sidecar")["resources"]
    assert wanted == {"requests": {"memory": "128Mi"}, "limits": {"memory": "256Mi"}}


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", "0.25"), ("1", "1"), ("1.5Gi", "1610612736"), ("1e3", "1000"), ("2k", "2000"), (3, "3")],
)
def test_quantities_are_read_as_the_api_server_reads_them(text: object, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "--1", "1e", "1e999", "٣", None, {}, "1" + "i"])
def test_what_is_no_quantity_is_none(text: object) -> None:
    assert quantity(text) is None


def test_pull_secrets_are_added_to_the_pods_own(injected: Inject) -> None:
    settings = Settings(image_pull_secrets=("registry", "mirror"))
    own = make_pod(imagePullSecrets=[{"name": "own"}, {"name": "mirror"}])
    secrets = injected(own, settings=settings).pod["spec"]["imagePullSecrets"]
    assert secrets == [{"name": "own"}, {"name": "mirror"}, {"name": "registry"}]
    assert "imagePullSecrets" not in injected(make_pod()).pod["spec"]
