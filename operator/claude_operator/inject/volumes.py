"""Volumes of the sidecar and where it mounts them."""

import hashlib
from dataclasses import dataclass

from claude_operator import names
from claude_operator.inject.json_value import Object
from claude_operator.inject.quantity import quantity
from claude_operator.inject.settings import CaBundle, Settings

POLICY_DIR = "/etc/claude-sidecar/policy"
CA_DIR = "/etc/claude-sidecar/ca"
SECRETS_DIR = "/var/run/claude-sidecar/secrets"
TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
PREFIX = "claude-sidecar-"
_SECRET_PREFIX = f"{PREFIX}secret-"
_LONGEST = 63
_DIGITS = 10
# Room for what is not spooled bodies; an emptyDir over its limit gets the pod evicted.
_TMP_SPARE_MI_B = 64
_MI_B = 1 << 20


def spool_room_mi_b(settings: Settings, policy_mi_b: int) -> int:
    """Room for spooled bodies: what settings and policy ask for, within the limit of ephemeral storage.

    A pod that uses more than that limit is evicted; a sidecar whose room is used up says so to the app.
    """
    room = max(settings.tmp_mi_b, policy_mi_b)
    limit = quantity(settings.resources.ephemeral_storage_limit)
    return room if limit is None else max(1, min(room, int(limit / _MI_B) - _TMP_SPARE_MI_B))


@dataclass(frozen=True, slots=True)
class Mounted:
    """A volume of the pod and its mount in the sidecar."""

    volume: Object
    mount: Object


def volumes(policy: str, secrets: list[str], tmp_mi_b: int, ca_bundle: CaBundle | None) -> list[Mounted]:
    """Everything that is mounted into a sidecar.

    tmp_mi_b: room for spooled bodies. ConfigMaps and Secrets are optional, and mounted as a whole: a single
    key (`subPath`) would never be updated.
    """
    found = [
        _config_map(f"{PREFIX}policy", names.configmap_name(policy), POLICY_DIR),
        _empty(f"{PREFIX}tmp", "/tmp", f"{tmp_mi_b + _TMP_SPARE_MI_B}Mi"),  # noqa: S108 - in the container
        # Whatever is mounted here keeps the API server from mounting a token.
        _empty(f"{PREFIX}no-token", TOKEN_DIR, "1Mi", readOnly=True),
    ]
    if ca_bundle is not None:
        found.append(_config_map(f"{PREFIX}ca", ca_bundle.name, CA_DIR))
    return found + [_secret(secret) for secret in secrets]


def clash(pod_volumes: list[Object], ours: list[Mounted]) -> str | None:
    """The name of a volume that the pod has, with another content than ours of that name."""
    there = {volume.get("name"): volume for volume in pod_volumes}
    for mounted in ours:
        name = mounted.volume["name"]
        if name in there and there[name] != mounted.volume:
            return str(name)
    return None


def _config_map(name: str, config_map: str, path: str) -> Mounted:
    source = {"name": config_map, "optional": True}
    return Mounted({"name": name, "configMap": source}, _mount(name, path, readOnly=True))


def _secret(secret: str) -> Mounted:
    name = _secret_volume(secret)
    source = {"secretName": secret, "optional": True}
    return Mounted({"name": name, "secret": source}, _mount(name, f"{SECRETS_DIR}/{secret}", readOnly=True))


def _empty(name: str, path: str, size: str, **more: bool) -> Mounted:
    return Mounted({"name": name, "emptyDir": {"sizeLimit": size}}, _mount(name, path, **more))


def _mount(name: str, path: str, **more: bool) -> Object:
    return {"name": name, "mountPath": path, **more}


def _secret_volume(secret: str) -> str:
    """A volume's name is a label, shorter than a Secret's may be and without dots."""
    name = _SECRET_PREFIX + secret
    if len(name) <= _LONGEST and "." not in name:
        return name
    digest = hashlib.sha256(secret.encode()).hexdigest()[:_DIGITS]
    kept = name.replace(".", "-")[: _LONGEST - _DIGITS - 1].rstrip("-")
    return f"{kept}-{digest}"
