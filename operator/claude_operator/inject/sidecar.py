"""The sidecar's container, as it is put into a pod."""

from collections.abc import Iterator

from claude_operator import names
from claude_operator.inject.json_value import Object
from claude_operator.inject.resource_attributes import DOWNWARD, percent_encoded, resource_attributes
from claude_operator.inject.settings import Exits, Settings
from claude_operator.inject.volumes import CA_DIR, POLICY_DIR, Mounted

# The probe that the other containers wait for: a sidecar is there in about a second.
_STARTUP_TRIES = 120
_OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


def sidecar_container(
    pod: Object, settings: Settings, exits: Exits, resources: Object, mounted: list[Mounted], tmp_mi_b: int
) -> Object:
    """The native sidecar: an init container that stays.

    tmp_mi_b: room for spooled bodies.

    Health is served on the pod's address, since "baseline" pods may not name a host in a probe. Readiness is
    not probed: a sidecar that drains must not take its app out of a Service.
    """
    return {
        "name": names.CONTAINER,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "restartPolicy": "Always",
        # Ports are said here, since a Service named claude-sidecar puts CLAUDE_SIDECAR_PORT=tcp://... into
        # the environment of every container of its namespace.
        "args": [
            "run",
            f"--policy={POLICY_DIR}/{names.POLICY_KEY}",
            f"--port={names.PORT}",
            f"--admin-port={names.ADMIN_PORT}",
        ],
        "env": [*_environment(pod, settings, exits, tmp_mi_b)],
        "ports": [{"name": "claude-admin", "containerPort": names.ADMIN_PORT, "protocol": "TCP"}],
        "startupProbe": _probe("/readyz", periodSeconds=1, failureThreshold=_STARTUP_TRIES),
        "livenessProbe": _probe("/livez", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "resources": resources,
        "securityContext": _security(pod, settings.uid),
        "volumeMounts": [each.mount for each in mounted],
    }


def _probe(path: str, **times: int) -> Object:
    return {"httpGet": {"path": path, "port": names.ADMIN_PORT}, **times}


def _security(pod: Object, uid: int) -> Object:
    """What "restricted" Pod Security wants.

    The image names its user; to name one here as well would fail where the platform assigns ranges of users,
    so that is done only where the pod says root for all its containers.
    """
    context: Object = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if (pod["spec"].get("securityContext") or {}).get("runAsUser") == 0:
        context["runAsUser"] = uid
    return context


def _environment(pod: Object, settings: Settings, exits: Exits, tmp_mi_b: int) -> Iterator[Object]:
    for name, path in DOWNWARD.items():
        yield {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
    yield {"name": names.SPOOL_LIMIT_VARIABLE, "value": str(tmp_mi_b)}
    for name, value in _plain(pod, settings, exits):
        if value:
            yield {"name": name, "value": value}
    if (headers := exits.otlp_headers_secret) is not None:
        # Optional, so that a namespace without it has pods all the same.
        reference = {"name": headers.name, "key": headers.key, "optional": True}
        yield {"name": _OTLP_HEADERS, "valueFrom": {"secretKeyRef": reference}}


def _plain(pod: Object, settings: Settings, exits: Exits) -> Iterator[tuple[str, str | None]]:
    yield names.INJECTED_VARIABLE, "true"
    yield names.ALLOWED_HOSTS_VARIABLE, ",".join(settings.allowed_hosts)
    yield "OTEL_RESOURCE_ATTRIBUTES", resource_attributes(pod)
    yield "OTEL_EXPORTER_OTLP_ENDPOINT", exits.otlp_endpoint
    if exits.otlp_headers_secret is None:
        yield _OTLP_HEADERS, _headers(exits.otlp_headers or {})
    yield "HTTPS_PROXY", exits.https_proxy
    yield "NO_PROXY", exits.no_proxy
    if exits.ca_bundle is not None:
        yield "SSL_CERT_FILE", f"{CA_DIR}/{exits.ca_bundle.key}"


def _headers(headers: dict[str, str]) -> str:
    return ",".join(f"{name}={percent_encoded(value)}" for name, value in headers.items())
