"""`ClaudePolicy`: the file a user writes, the object in a cluster and the source of its schema."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from claude_sidecar.schema.cross_field import violations
from claude_sidecar.schema.fields import PolicyName
from claude_sidecar.schema.limits import Limits, Pacing
from claude_sidecar.schema.prices import Price
from claude_sidecar.schema.retry import CircuitBreaker, Fallback, Retry
from claude_sidecar.schema.routes import RouteSpec
from claude_sidecar.schema.strict_model import StrictModel
from claude_sidecar.schema.telemetry import Telemetry
from claude_sidecar.schema.timeouts import Stream, Timeouts

API_VERSION = "claude-sidecar.dev/v1alpha1"
KIND = "ClaudePolicy"


class Spec(StrictModel):
    """What the sidecar may do with a request."""

    routes: Annotated[tuple[RouteSpec, ...], Field(strict=False, min_length=1, max_length=8)] = (
        RouteSpec(name="anthropic"),
    )
    """Paths to the same models, in order of preference.

    The first that may have a request gets it; `fallback.causes` says which failures move it to the next. A
    route is passed over while its circuit breaker is open, where it does not serve the model or lacks its
    credential. Example: `[{name: anthropic}, {name: second-org, credential: {secretKeyRef: {key:
    second-org}}}]`.
    """
    retry: Retry = Retry()
    """When and how often a request is retried.

    A request is tried on each route it may use, then waits (`backoff`, or the upstream's `retry-after`), and
    begins anew, up to `maxAttempts` and until its deadline (`timeouts.total`). `claude-sidecar explain`
    plays it through for a policy.
    """
    fallback: Fallback = Fallback()
    """When a request moves to another route: always to the same model, unless `substitutions` names a
    swap."""
    timeouts: Timeouts = Timeouts()
    """How long the sidecar waits for what."""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    """When a route is left alone for a while, after too many failures.

    Counted for each route, model and kind of request (messages, token counts) apart. While a breaker is open
    its route is passed over; if only breakers leave a request no route, they are ignored.
    """
    stream: Stream = Stream()
    """How long a stream is held back, so that an early failure can still be cured, and what a silent one
    sends meanwhile.

    `{quietAfter: 0s, keepAlive: 0s}` leaves streams as they come, apart from the hold.
    """
    limits: Limits = Limits()
    """Bounds of what one sidecar takes on: requests, memory, disk."""
    pacing: Pacing = Pacing()
    """What is done with the rate limits that responses tell."""
    telemetry: Telemetry = Telemetry()
    """What is told about requests in traces, metrics and log lines; never their content."""
    prices: Annotated[tuple[Price, ...], Field(strict=False, max_length=64)] = ()
    """Prices of models, for what a request cost: in spans, log lines, `/requests` and the metric
    `claude_sidecar_cost_usd_total`.

    US dollars per million tokens, as decimal strings in quotes. There are no built-in prices: usage that none
    is named for is told in `claude_sidecar_unpriced_usage_total`, never taken as free. Merged by `model` when
    several appliers own entries. Example: `[{model: claude-sonnet-4-6, inputPerMTok: "3", outputPerMTok:
    "15"}]`.
    """

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


class Metadata(StrictModel):
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


class ClaudePolicy(StrictModel):
    """A policy: how calls to the Claude API are carried through failures."""

    api_version: Literal["claude-sidecar.dev/v1alpha1"]
    """Group and version of the policy's form."""
    kind: Literal["ClaudePolicy"]
    """What this object is."""
    metadata: Metadata = Metadata()
    """Which policy this is."""
    spec: Spec = Spec()
    """What the sidecar may do with a request."""

    @model_validator(mode="before")
    @classmethod
    def _without_status(cls, data: Any) -> Any:
        """`status` comes with what `kubectl get -o yaml` prints; it says nothing about what to do."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key != "status"}
