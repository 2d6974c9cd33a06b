"""What whoever installs the operator decides about injected sidecars: the chart's values, or a file."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from claude_operator.inject.quantity import quantity
from claude_sidecar.schema.routes import ProviderName

Quantity = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class SettingsInvalid(ValueError):
    """The settings cannot be used; the message says which and why."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A mapping in the settings: frozen, no unknown fields, names as in Kubernetes."""


class Resources(_Part, frozen=True):
    """What a sidecar asks for where no annotation says otherwise; a limit may be left out with null.

    ephemeral_storage_*: for namespaces whose quota counts it; /tmp, where bodies are spooled, counts to it.
    """

    cpu_request: Quantity = "50m"
    # More than one core is of no use to one event loop, so this limit slows nothing down; it is there for
    # quotas that want one.
    cpu_limit: Quantity | None = "1"
    memory_request: Quantity = "128Mi"
    memory_limit: Quantity | None = "256Mi"
    guaranteed_cpu: Quantity = "250m"
    """Request and limit in one, for a pod that is Guaranteed and has to stay it."""
    ephemeral_storage_request: Quantity | None = None
    ephemeral_storage_limit: Quantity | None = None


class Bounds(_Part, frozen=True):
    """How far annotations may change a sidecar's resources; values beyond are brought back to the bound."""

    cpu_min: Quantity = "10m"
    cpu_max: Quantity = "4"
    memory_min: Quantity = "64Mi"
    memory_max: Quantity = "4Gi"


class CaBundle(_Part, frozen=True):
    """A ConfigMap in each namespace that holds CA certificates to trust besides the system's."""

    name: NonEmpty
    key: NonEmpty = "ca.crt"


class HeadersSecret(_Part, frozen=True):
    """A Secret in each namespace that holds headers for the collector, as OTLP's variable wants them."""

    name: NonEmpty
    key: NonEmpty = "headers"


class Exits(_Part, frozen=True):
    """How sidecars reach what lies outside their pod; what is not set here is not set in the pod.

    otlp_endpoint may name the pod's node: `http://$(K8S_HOST_IP):4318`. otlp_headers are told to everyone who
    may read pods; otlp_headers_secret goes before them.
    """

    otlp_endpoint: str | None = None
    otlp_headers: dict[str, str] | None = None
    otlp_headers_secret: HeadersSecret | None = None
    https_proxy: str | None = None
    no_proxy: str | None = None
    ca_bundle: CaBundle | None = None


class Settings(_Part, frozen=True):
    """Everything about injected sidecars that is not the policy's to say.

    image_pull_secrets: names that are added to a pod's own. uid: used only where the pod itself would run as
    root. tmp_mi_b: room at /tmp, at least; a known policy that spools more gets more. allowed_hosts: where
    routes may lead. namespaces: exits that differ there.
    """

    image: NonEmpty = "claude-sidecar:latest"
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[NonEmpty, ...] = ()
    uid: Annotated[int, msgspec.Meta(ge=1)] = 65532
    resources: Resources = Resources()
    bounds: Bounds = Bounds()
    tmp_mi_b: Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(default=256, name="tmpMiB")
    allowed_hosts: tuple[str, ...] = tuple(
        urlsplit(provider.default_endpoint).hostname or "" for provider in ProviderName
    )
    exits: Exits = Exits()
    namespaces: dict[str, Exits] = msgspec.field(default_factory=dict)

    def exits_of(self, namespace: str) -> Exits:
        """The exits in a namespace: its own where they are set, else everybody's."""
        own = self.namespaces.get(namespace)
        if own is None:
            return self.exits
        chosen = {
            field: getattr(self.exits, field) if getattr(own, field) is None else getattr(own, field)
            for field in Exits.__struct_fields__
        }
        return Exits(**chosen)


def settings_of(data: Mapping[str, Any]) -> Settings:
    """Read settings from a parsed file; raises SettingsInvalid."""
    try:
        settings = msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"the settings cannot be used: {error}") from None
    for part in (settings.resources, settings.bounds):
        for field in part.__struct_fields__:
            text = getattr(part, field)
            if text is not None and quantity(text) is None:
                message = f"{field} is {text!r}; give a quantity such as 250m or 128Mi"
                raise SettingsInvalid(f"the settings cannot be used: {message}")
    return settings
