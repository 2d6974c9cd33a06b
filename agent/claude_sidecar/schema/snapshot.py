"""A policy made ready for the hot path: frozen, every default filled in, durations in seconds.

Its parts are the policy's own, so a new field of one is here without a line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from claude_sidecar.schema.limits import Limits, Pacing
from claude_sidecar.schema.prices import PriceList
from claude_sidecar.schema.retry import CircuitBreaker, Fallback, Retry
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.telemetry import Telemetry
from claude_sidecar.schema.timeouts import Stream, Timeouts


@dataclass(frozen=True, slots=True)
class CredentialRef:
    """Where a route's own credential is read from.

    source: `file`, `env` or `secret`; name: the path, the variable, or `SECRET/KEY`; provider: whose it is,
    since the same text may be a key to one and a token to another.
    """

    source: str
    name: str
    provider: ProviderName


@dataclass(frozen=True, slots=True)
class Route:
    """One path to the models; `models` maps the callers' name to this route's id, None serves all.

    provider: whose API its endpoint speaks; authority: the value of `Host`, without the scheme's default
    port; origin: as in a URL.
    """

    name: str
    scheme: str
    host: str
    port: int
    base_path: str
    credential: CredentialRef | None
    models: Mapping[str, str] | None
    provider: ProviderName
    authority: str = field(init=False, repr=False, compare=False)
    origin: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        default = 443 if self.scheme == "https" else 80
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == default else f"{host}:{self.port}"
        object.__setattr__(self, "authority", authority)
        object.__setattr__(self, "origin", f"{self.scheme}://{authority}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a call needs to know of the policy; one snapshot serves a whole call."""

    name: str
    namespace: str
    generation: int
    hash: str
    routes: tuple[Route, ...]
    retry: Retry
    fallback: Fallback
    timeouts: Timeouts
    circuit_breaker: CircuitBreaker
    stream: Stream
    limits: Limits
    pacing: Pacing
    telemetry: Telemetry
    prices: PriceList
