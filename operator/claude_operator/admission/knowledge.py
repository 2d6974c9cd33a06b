"""What the webhook knows of the cluster: namespaces, policies, its own configuration and certificate."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from claude_operator import names
from claude_operator.cluster.api import Api
from claude_operator.cluster.mirror import Mirror
from claude_operator.inject.place import Place, place_of

_LABELS = (names.POLICY, names.INJECT)
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Knowledge:
    """Copies of what reviews are decided by; what is not known is treated as a default.

    secret: (namespace, name) of the certificate's Secret; configuration: name of the
    MutatingWebhookConfiguration; changed: called when either of the two is new.
    """

    def __init__(
        self, api: Api, secret: tuple[str, str], configuration: str, changed: Callable[[], None]
    ) -> None:
        policies = f"/apis/{names.API_VERSION}/{names.PLURAL}"
        self._namespaces: Mirror[dict[str, str]] = Mirror(api, "/api/v1/namespaces", _labels)
        self._policies: Mirror[Mapping[str, Any]] = Mirror(api, policies, _spec, changed=self._index_policies)
        self._by_namespace: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._secrets: Mirror[dict[str, str]] = Mirror(
            api,
            f"/api/v1/namespaces/{secret[0]}/secrets",
            _data,
            query={"fieldSelector": f"metadata.name={secret[1]}"},
            changed=changed,
        )
        self._configurations: Mirror[list[Mapping[str, Any]]] = Mirror(
            api,
            _CONFIGURATIONS,
            _clients,
            query={"fieldSelector": f"metadata.name={configuration}"},
            changed=changed,
        )

    async def follow(self) -> None:
        """Keep the copies fresh until cancelled."""
        mirrors = (self._secrets, self._configurations, self._namespaces, self._policies)
        async with asyncio.TaskGroup() as group:
            for mirror in mirrors:
                group.create_task(mirror.run())

    @property
    def is_complete(self) -> bool:
        """Whether everything was asked for once, so that the first reviews are decided like later ones."""
        return self._namespaces.tried and self._policies.tried

    def place(self, namespace: str) -> Place:
        """What is known of a namespace."""
        labels = self._namespaces.objects.get(("", namespace), {})
        policies = self._by_namespace.get(namespace, {}) if self._policies.synced else None
        return place_of(namespace, labels, policies)

    @property
    def certificate(self) -> Mapping[str, str]:
        """The data of the certificate's Secret; empty where there is none."""
        return next(iter(self._secrets.objects.values()), {})

    @property
    def bundles(self) -> list[Any] | None:
        """The `caBundle` of each webhook in the live configuration; None where there is none."""
        clients = next(iter(self._configurations.objects.values()), None)
        return None if clients is None else [each.get("caBundle") for each in clients]

    @property
    def hosts(self) -> set[str]:
        """The names by which API servers ask for the webhook's Services."""
        clients = next(iter(self._configurations.objects.values()), [])
        services = [each["service"] for each in clients if each.get("service")]
        return {f"{each['name']}.{each['namespace']}.svc" for each in services}

    def _index_policies(self) -> None:
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        for (namespace, name), spec in self._policies.objects.items():
            found.setdefault(namespace, {})[name] = spec
        self._by_namespace = found


def _labels(namespace: Mapping[str, Any]) -> dict[str, str]:
    labels = namespace["metadata"].get("labels") or {}
    return {key: labels[key] for key in _LABELS if key in labels}


def _spec(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parts of a spec that injection asks about."""
    spec = policy.get("spec") or {}
    return {key: spec[key] for key in ("routes", "limits") if key in spec}


def _data(secret: Mapping[str, Any]) -> dict[str, str]:
    return dict(secret.get("data") or {})


def _clients(configuration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each["clientConfig"] for each in configuration.get("webhooks") or ()]
