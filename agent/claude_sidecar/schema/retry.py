"""What is done about failures: repeats, moves to other routes, circuit breakers."""

from typing import Annotated

from pydantic import Field

from claude_sidecar.causes import FALLBACK_BY_DEFAULT, RETRY_BY_DEFAULT
from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.fields import (
    FallbackCauses,
    ModelName,
    Percent,
    PerSecond,
    PositiveDuration,
    PositivePercent,
    RetryCauses,
)
from claude_sidecar.schema.strict_model import StrictModel


class Backoff(StrictModel):
    """Waits between rounds: full jitter, doubling; before its last send a call has waited 1.5 s in all."""

    initial_s: Duration = Duration("1s")
    """Upper bound of the first wait; `0s` means no waiting."""
    max_s: Duration = Duration("30s")
    """Upper bound of any wait; at least `initial`."""


class RetryBudget(StrictModel):
    """The pace of repeats to routes that the call already tried; beyond it a repeat waits for its turn."""

    percent: Percent = 20
    """Repeats per 100 calls."""
    min_per_second: PerSecond = 10
    """Repeats per second however few calls there are."""


class Retry(StrictModel):
    """When and how often a call is sent again."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """Upstream sends in all, over all routes; a failed connect counts."""
    causes: RetryCauses = RETRY_BY_DEFAULT
    """What is repeated."""
    backoff: Backoff = Backoff()
    """Waits between rounds."""
    max_retry_after_s: Duration = Duration("60s")
    """A longer `retry-after` is not waited for."""
    budget: RetryBudget = RetryBudget()
    """Pace of repeats over all calls."""


class Substitution(StrictModel):
    """Models that may answer in place of another."""

    model: ModelName
    """The model asked for."""
    substitutes: Annotated[
        tuple[ModelName, ...], Field(alias="with", strict=False, min_length=1, max_length=8)
    ]
    """Models that may answer instead, in order of preference."""


class Fallback(StrictModel):
    """When a call moves to another route."""

    causes: FallbackCauses = FALLBACK_BY_DEFAULT
    """What moves a call to the next route."""
    substitutions: Annotated[tuple[Substitution, ...], Field(strict=False, max_length=64)] = ()
    """Other models that may answer; empty means never another model."""

    def substitutes_for(self, model: str) -> tuple[str, ...]:
        """The models that may answer in place of one, in order of preference; none by default."""
        return next((each.substitutes for each in self.substitutions if each.model == model), ())


class CircuitBreaker(StrictModel):
    """When a route is left alone for a while; counted per route and model."""

    failure_percent: PositivePercent = 50
    """Share of failures in the window that opens the breaker."""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Answers in the window below which it never opens."""
    window_s: PositiveDuration = Duration("30s")
    """How far back answers are counted."""
    open_for_s: Duration = Duration("15s")
    """How long it stays open before one probe is let through."""
