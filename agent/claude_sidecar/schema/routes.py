"""The routes of a policy: where each goes, with which credential, and which models it serves."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.fields import (
    EndpointText,
    FilePath,
    ModelId,
    ModelName,
    RouteName,
    SecretKey,
    SecretName,
    VariableName,
)
from claude_sidecar.schema.strict_model import StrictModel


class ProviderName(StrEnum):
    """Whose API a route speaks: a row a provider, its name and where its routes go that say no endpoint.

    What a provider does is in `providers/registry.py`, which has a row for each of these.
    """

    default_endpoint: str

    def __new__(cls, name: str, default_endpoint: str) -> "ProviderName":
        """A member is its name; the endpoint hangs on it."""
        provider = str.__new__(cls, name)
        provider._value_ = name
        provider.default_endpoint = default_endpoint
        return provider

    ANTHROPIC = "Anthropic", "https://api.anthropic.com"


class Insecure(StrEnum):
    """Whether a route may go over http:// to another machine."""

    FORBID = "Forbid"
    ALLOW = "Allow"


class SecretKeyRef(StrictModel):
    """A key in a Secret of the policy's namespace."""

    name: SecretName = "claude-keys"
    """Name of the Secret.

    Pods mount it when they are made: those that ran before a policy named it must be restarted.
    """
    key: SecretKey
    """Key in the Secret's data whose value is the credential.

    A changed value is used without a restart; one trailing newline is dropped. Example: `second-org`.
    """


class Credential(StrictModel):
    """Where a route's own credential is read from: exactly one of the three."""

    secret_key_ref: SecretKeyRef | None = None
    """A key in a Secret of the policy's namespace; outside a cluster a file `NAME/KEY` in
    `CLAUDE_SIDECAR_SECRETS_DIR`.

    Example: `{name: claude-keys, key: second-org}`.
    """
    file: FilePath | None = None
    """Path of a file that holds the credential, relative to the policy file's folder. Not in a cluster."""
    env: VariableName | None = None
    """Environment variable that holds the credential. Not in a cluster."""


class RouteModel(StrictModel):
    """One model that a route serves."""

    name: ModelName
    """The name callers use. Example: `claude-sonnet-4-6`."""
    id: ModelId | None = None
    """What this route calls the model; by default the same as `name`.

    It takes the place of the request's top-level `model`. Two names may share an id only if they are one
    model's plain and dated name; a swap for another model belongs in `fallback.substitutions`.
    """


class RouteSpec(StrictModel):
    """One path to the models."""

    name: RouteName
    """A DNS label, unique in the policy.

    It is told in spans, metrics, log lines and the header `x-claude-sidecar-route`. Example: `second-org`.
    """
    provider: Annotated[ProviderName, Field(strict=False)] = ProviderName.ANTHROPIC
    """Whose API the endpoint speaks.

    `Anthropic`: the Claude API, or a gateway that speaks it.
    """
    endpoint: EndpointText | None = None
    """Base URL without the `/v1` that SDKs add; by default the provider's own.

    `http://` is for loopback only, unless `insecure` is `Allow`. No user, query or fragment. In a cluster,
    whoever installed the operator says which hosts are allowed. Example:
    `https://gateway.example.com/claude`.
    """
    insecure: Annotated[Insecure, Field(strict=False)] = Insecure.FORBID
    """Whether the endpoint may be `http://` on another machine.

    `Allow`: the key then travels in clear text, which suits a mesh that encrypts the way. `Forbid`: on
    loopback only.
    """
    credential: Credential | None = None
    """This route's own credential; without it the caller's own is forwarded.

    The caller's is then dropped on this route. A route whose credential is not there is passed over, and
    `/status` lists it under `credentialsMissing`. Example: `{secretKeyRef: {name: claude-keys, key:
    second-org}}`.
    """
    models: Annotated[tuple[RouteModel, ...], Field(strict=False, min_length=1, max_length=64)] | None = None
    """Models that this route serves; without it every model, under the callers' names.

    A request for any other model passes the route over. Merged by `name` when several appliers own entries.
    Example: `[{name: claude-sonnet-4-6, id: our-sonnet}]`.
    """
