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


class Provider(StrEnum):
    """Whose API a route speaks."""

    ANTHROPIC = "Anthropic"


DEFAULT_ENDPOINTS = {Provider.ANTHROPIC: "https://api.anthropic.com"}


class Insecure(StrEnum):
    """Whether a route may go over http:// to another machine."""

    FORBID = "Forbid"
    ALLOW = "Allow"


class SecretKeyRef(StrictModel):
    """A key in a Secret of the policy's namespace."""

    name: SecretName = "claude-keys"
    """Name of the Secret."""
    key: SecretKey
    """Key in the Secret's data whose value is the credential."""


class Credential(StrictModel):
    """Where a route's own credential is read from: exactly one of the three."""

    secret_key_ref: SecretKeyRef | None = None
    """A Kubernetes Secret; outside a cluster a file `NAME/KEY` in `CLAUDE_SIDECAR_SECRETS_DIR`."""
    file: FilePath | None = None
    """Path of a file that holds the credential, relative to the policy file's folder. Not in a cluster."""
    env: VariableName | None = None
    """Environment variable that holds the credential. Not in a cluster."""


class RouteModel(StrictModel):
    """One model that a route serves."""

    name: ModelName
    """The name callers use."""
    id: ModelId | None = None
    """What this route calls it; by default the same as `name`."""


class RouteSpec(StrictModel):
    """One path to the models."""

    name: RouteName
    """Unique DNS label; appears in spans, metrics and headers."""
    provider: Annotated[Provider, Field(strict=False)] = Provider.ANTHROPIC
    """Whose API the endpoint speaks."""
    endpoint: EndpointText | None = None
    """Base URL without `/v1`; by default the provider's own. `http://` only for loopback."""
    insecure: Annotated[Insecure, Field(strict=False)] = Insecure.FORBID
    """`Allow` lets the endpoint be `http://` on another machine."""
    credential: Credential | None = None
    """This route's own credential; without it the caller's own is forwarded."""
    models: Annotated[tuple[RouteModel, ...], Field(strict=False, min_length=1, max_length=64)] | None = None
    """Models that this route serves; without it every model, under the callers' names."""
