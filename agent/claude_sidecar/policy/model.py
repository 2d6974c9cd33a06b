"""`ClaudePolicy`: the file a user writes, the object in a cluster and the source of its schema."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from claude_sidecar.causes import FALLBACK_BY_DEFAULT, RETRY_BY_DEFAULT
from claude_sidecar.policy.fields import (
    AnyKeyAlias,
    AnyPacingMode,
    Duration,
    FallbackCauses,
    HeaderName,
    ModelName,
    Percent,
    PerSecond,
    PolicyName,
    PositiveDuration,
    PositivePercent,
    PriceText,
    RetryCauses,
    WholePerSecond,
)
from claude_sidecar.policy.model_route import RouteSpec
from claude_sidecar.policy.model_times import Stream, Timeouts
from claude_sidecar.policy.part import PolicyPart
from claude_sidecar.policy.rules import violations
from claude_sidecar.policy.snapshot import KeyAlias, PacingMode

API_VERSION = "claude-sidecar.dev/v1alpha1"
KIND = "ClaudePolicy"


class Backoff(PolicyPart):
    """Waits between rounds: full jitter, doubling; before its last send a call has waited 1.5 s in all."""

    initial: Duration = "1s"
    """Upper bound of the first wait; `0s` means no waiting."""
    max: Duration = "30s"
    """Upper bound of any wait; at least `initial`."""


class RetryBudget(PolicyPart):
    """The pace of repeats to routes that the call already tried; beyond it a repeat waits for its turn."""

    percent: Percent = 20
    """Repeats per 100 calls."""
    min_per_second: WholePerSecond = 10
    """Repeats per second however few calls there are."""


class Retry(PolicyPart):
    """When and how often a call is sent again."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """Upstream sends in all, over all routes; a failed connect counts."""
    causes: RetryCauses = RETRY_BY_DEFAULT
    """What is repeated."""
    backoff: Backoff = Backoff()
    """Waits between rounds."""
    max_retry_after: Duration = "60s"
    """A longer `retry-after` is not waited for."""
    budget: RetryBudget = RetryBudget()
    """Pace of repeats over all calls."""


class Substitution(PolicyPart):
    """Models that may answer in place of another."""

    model: ModelName
    """The model asked for."""
    with_: Annotated[tuple[ModelName, ...], Field(alias="with", strict=False, min_length=1, max_length=8)]
    """Models that may answer instead, in order of preference."""


class Fallback(PolicyPart):
    """When a call moves to another route."""

    causes: FallbackCauses = FALLBACK_BY_DEFAULT
    """What moves a call to the next route."""
    substitutions: Annotated[tuple[Substitution, ...], Field(strict=False, max_length=64)] = ()
    """Other models that may answer; empty means never another model."""


class CircuitBreaker(PolicyPart):
    """When a route is left alone for a while; counted per route and model."""

    failure_percent: PositivePercent = 50
    """Share of failures in the window that opens the breaker."""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Answers in the window below which it never opens."""
    window: PositiveDuration = "30s"
    """How far back answers are counted."""
    open_for: Duration = "15s"
    """How long it stays open before one probe is let through."""


class Limits(PolicyPart):
    """Bounds of the sidecar itself."""

    max_concurrent: Annotated[int, Field(ge=1, le=100_000)] = 512
    """Calls in flight; more are answered `gateway_busy`."""
    max_body_mi_b: Annotated[int, Field(alias="maxBodyMiB", ge=1, le=1024)] = 32
    """Largest repeatable request body, in MiB; a larger one is answered 413."""
    max_buffered_mi_b: Annotated[int, Field(alias="maxBufferedMiB", ge=0, le=65_536)] = 64
    """Memory for request bodies of all calls, in MiB."""
    spool_mi_b: Annotated[int, Field(alias="spoolMiB", ge=0, le=1_048_576)] = 256
    """Disk for request bodies of all calls, in MiB."""


class Pacing(PolicyPart):
    """What is done with rate limits learnt from answers."""

    mode: AnyPacingMode = PacingMode.OBSERVE
    """`Observe`: learn and report; `Enforce`: also wait before sending; `Disabled`: neither."""
    max_wait: Duration = "60s"
    """Longest wait before sending."""
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """Calls that may wait at once."""


class Traces(PolicyPart):
    """Which calls are traced."""

    successes_per_second: PerSecond = 10.0
    """Plain successes traced per second, at most."""
    failures_per_second: PerSecond = 50.0
    """Failed, repeated or rerouted calls traced per second, at most."""
    propagate: bool = False
    """Whether `traceparent` and `tracestate` are sent upstream."""


class Telemetry(PolicyPart):
    """What is told about calls."""

    traces: Traces = Traces()
    """Which calls are traced."""
    key_alias: AnyKeyAlias = KeyAlias.FINGERPRINT
    """`Fingerprint`: the first 8 hex digits of the credential's SHA-256; `Hidden`: nothing."""
    feature_header: HeaderName = "x-claude-feature"
    """Request header whose value says which feature of the app makes the call."""


class PriceSpec(PolicyPart):
    """US dollars per million tokens of one model, as decimal strings."""

    model: ModelName
    """The model's name."""
    input_per_m_tok: Annotated[PriceText, Field(alias="inputPerMTok")] = "0"
    """Input that was neither read from nor written to the cache."""
    output_per_m_tok: Annotated[PriceText, Field(alias="outputPerMTok")] = "0"
    """Output."""
    cache_read_per_m_tok: Annotated[PriceText, Field(alias="cacheReadPerMTok")] = "0"
    """Input read from the cache."""
    cache_write_per_m_tok: Annotated[PriceText, Field(alias="cacheWritePerMTok")] = "0"
    """Input written to the cache."""


class Spec(PolicyPart):
    """What the sidecar may do with a call."""

    routes: Annotated[tuple[RouteSpec, ...], Field(strict=False, min_length=1, max_length=8)] = (
        RouteSpec(name="anthropic"),
    )
    """Paths to the same models, in order of preference."""
    retry: Retry = Retry()
    """When and how often a call is sent again."""
    fallback: Fallback = Fallback()
    """When a call moves to another route."""
    timeouts: Timeouts = Timeouts()
    """How long is waited for what."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    """When a route is left alone for a while."""
    stream: Stream = Stream()
    """How long a stream is held back."""
    limits: Limits = Limits()
    """Bounds of the sidecar itself."""
    pacing: Pacing = Pacing()
    """What is done with rate limits learnt from answers."""
    telemetry: Telemetry = Telemetry()
    """What is told about calls."""
    prices: Annotated[tuple[PriceSpec, ...], Field(strict=False, max_length=64)] = ()
    """Prices of models, for the cost metric."""

    @model_validator(mode="after")
    def _keep_the_rules(self) -> "Spec":
        broken = violations(self.model_dump(mode="json", by_alias=True, exclude_none=True))
        if broken:
            raise ValidationError.from_exception_data(
                "Spec",
                [
                    InitErrorDetails(
                        type=PydanticCustomError("policy", "{message}", {"message": violation.message}),
                        loc=violation.loc,
                        input=None,
                    )
                    for violation in broken
                ],
            )
        return self


class Metadata(PolicyPart):
    """Which policy this is; what an API server adds to it is accepted and not kept."""

    name: PolicyName = "default"
    """The policy's name."""
    namespace: Annotated[str, Field(max_length=63, pattern="^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$")] = ""
    """The namespace it lives in; empty outside a cluster."""
    generation: Annotated[int, Field(ge=0)] = 0
    """Counts the edits of the spec, by the API server."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels; not used by the sidecar."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations; not used by the sidecar."""

    @model_validator(mode="before")
    @classmethod
    def _without_server_fields(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in SERVER_FIELDS}


SERVER_FIELDS = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Parts of `metadata` that only an API server writes."""


class ClaudePolicy(PolicyPart):
    """A policy: how calls to the Claude API are carried through failures."""

    api_version: Literal["claude-sidecar.dev/v1alpha1"]
    """Group and version of the policy's form."""
    kind: Literal["ClaudePolicy"]
    """What this object is."""
    metadata: Metadata = Metadata()
    """Which policy this is."""
    spec: Spec = Spec()
    """What the sidecar may do with a call."""

    @model_validator(mode="before")
    @classmethod
    def _without_status(cls, data: Any) -> Any:
        """`status` comes with what `kubectl get -o yaml` prints; it says nothing about what to do."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key != "status"}
