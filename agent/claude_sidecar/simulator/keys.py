"""Who calls: the credential in a request's head, judged as strictly as the real API does.

Shapes and headers: docs/claude-api-notes.md, "Credentials".
"""

import hashlib
import re
from dataclasses import dataclass

from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.scenario import Key, Limits, Scenario

_SHAPE = re.compile(r"sk-ant-[A-Za-z0-9_-]+")
_OAUTH_BETA = "oauth-2025-04-20"
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """The one behind a credential: a *name* fit for a ledger, and what it may do."""

    name: str
    organization: str
    limits: Limits
    models: tuple[str, ...] | None = None
    missing_model_status: int = 404

    def may_use(self, *names: str | None) -> bool:
        """Whether one of a model's names is among those that this caller may use."""
        return self.models is None or any(name in self.models for name in names)

    @property
    def organization_id(self) -> str:
        """A UUID that belongs to the organisation."""
        digits = hashlib.sha256(self.organization.encode()).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


class KeyRing:
    """The keys of a scenario, and the rule for all others."""

    def __init__(self, scenario: Scenario) -> None:
        self._by_key = {key.key: key for key in scenario.keys}
        self._accept_unknown = scenario.unknown_keys == "accept"
        self._limits = scenario.limits

    def name_of(self, headers: Headers) -> str:
        """What to call the caller, whether or not the credential is good: name, fingerprint or `none`."""
        secret = _secrets(headers)
        if not secret:
            return "none"
        value = secret[0][1]
        known = self._by_key.get(value)
        raw = value.encode("utf-8", "surrogateescape")
        return known.name if known else hashlib.sha256(raw).hexdigest()[:8]

    def admit(self, headers: Headers) -> Caller:
        """The caller behind the credential; raises `ApiError` 401."""
        secrets = _secrets(headers)
        if not secrets:
            raise ApiError(401, "x-api-key header is required")
        if len(secrets) > 1:
            raise ApiError(401, "Only one of x-api-key and authorization may be given")
        header, value = secrets[0]
        refused = ApiError(401, "Invalid bearer token" if header == "authorization" else "invalid x-api-key")
        known = self._by_key.get(value)
        kind = known.kind if known else _kind(value)
        if kind == "oauth" and (header != "authorization" or not _has_beta(headers, _OAUTH_BETA)):
            raise (
                ApiError(401, "OAuth authentication is currently not supported.")
                if header != "x-api-key"
                else refused
            )
        if kind == "admin":
            raise refused
        if known is not None:
            if known.state != "valid":
                raise refused
            return self._caller(known)
        if not self._accept_unknown or not _SHAPE.fullmatch(value):
            raise refused
        return Caller(self.name_of(headers), value, self._limits)

    def _caller(self, key: Key) -> Caller:
        limits = key.limits or self._limits
        return Caller(key.name, key.organization or key.name, limits, key.models, key.missing_model_status)


def _secrets(headers: Headers) -> list[tuple[str, str]]:
    """The credentials given, as (header name, value); a malformed authorization keeps its whole value."""
    found = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == "x-api-key":
            found.append((lowered, value))
        elif lowered == "authorization":
            found.append((lowered, value.removeprefix("Bearer ") if value.startswith("Bearer ") else value))
    return found


def _kind(value: str) -> str:
    if value.startswith("sk-ant-admin"):
        return "admin"
    return "oauth" if value.startswith("sk-ant-oat") else "api"


def _has_beta(headers: Headers, beta: str) -> bool:
    lines = (value for name, value in headers if name.lower() == "anthropic-beta")
    return any(beta == part.strip() for line in lines for part in line.split(","))
