"""A policy compiled for the hot path: frozen, every default filled in, durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from claude_sidecar.causes import Cause


class Hold(StrEnum):
    """Until when a stream is held back from the caller."""

    FIRST_DELTA = "FirstDelta"
    HEADERS = "Headers"


class PacingMode(StrEnum):
    """What is done with a learnt rate limit."""

    DISABLED = "Disabled"
    OBSERVE = "Observe"
    ENFORCE = "Enforce"


class KeyAlias(StrEnum):
    """How a credential is named in what we emit."""

    FINGERPRINT = "Fingerprint"
    HIDDEN = "Hidden"


@dataclass(frozen=True, slots=True)
class CredentialRef:
    """Where a route's own credential is read from.

    source: `file`, `env` or `secret`; name: the path, the variable, or `SECRET/KEY`.
    """

    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Route:
    """One path to the models; `models` maps the callers' name to this route's id, None serves all.

    authority: the value of `Host`, without the scheme's default port; origin: as in a URL.
    """

    name: str
    scheme: str
    host: str
    port: int
    base_path: str
    credential: CredentialRef | None
    models: Mapping[str, str] | None
    authority: str = field(init=False, repr=False, compare=False)
    origin: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        default = 443 if self.scheme == "https" else 80
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == default else f"{host}:{self.port}"
        object.__setattr__(self, "authority", authority)
        object.__setattr__(self, "origin", f"{self.scheme}://{authority}")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input_per_mtok: Decimal
    output_per_mtok: Decimal
    cache_read_per_mtok: Decimal
    cache_write_per_mtok: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a call needs to know of the policy; one snapshot serves a whole call."""

    name: str
    namespace: str
    generation: int
    hash: str
    routes: tuple[Route, ...]
    max_attempts: int
    retry_causes: frozenset[Cause]
    backoff_initial_s: float
    backoff_max_s: float
    max_retry_after_s: float
    budget_percent: int
    budget_min_per_s: int
    fallback_causes: frozenset[Cause]
    substitutions: Mapping[str, tuple[str, ...]]
    connect_s: float
    first_byte_s: float
    first_delta_s: float
    idle_s: float
    stalled_s: float
    total_s: float
    breaker_failure_percent: int
    breaker_min_requests: int
    breaker_window_s: float
    breaker_open_for_s: float
    hold: Hold
    quiet_after_s: float
    hold_max_s: float
    keep_alive_s: float
    max_concurrent: int
    max_body_bytes: int
    max_buffered_bytes: int
    spool_bytes: int
    pacing_mode: PacingMode
    pacing_max_wait_s: float
    pacing_max_queued: int
    traces_successes_per_s: float
    traces_failures_per_s: float
    traces_propagate: bool
    key_alias: KeyAlias
    feature_header: str
    prices: Mapping[str, Price]
