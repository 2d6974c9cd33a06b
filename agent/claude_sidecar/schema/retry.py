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
    """How long a request waits between rounds of attempts."""

    initial_s: Duration = Duration("1s")
    """Upper bound of the first wait; `0s` means no waiting.

    The bound doubles with each round up to `max`, and each wait is drawn evenly between nothing and its
    bound. It is also the most that is added to a `retry-after`, or a tenth of that where it is more.
    """
    max_s: Duration = Duration("30s")
    """Upper bound of any wait; at least `initial`.

    It is also the longest that a retry waits for its turn in `retry.budget`.
    """


class RetryBudget(StrictModel):
    """The pace of retries to routes that their request has tried already; beyond it a retry waits for its
    turn."""

    percent: Percent = 20
    """Retries per 100 requests, over ten seconds.

    `minPerSecond` comes on top. Example: `{percent: 10, minPerSecond: 2}` allows 120 retries in ten seconds
    with 1000 requests.
    """
    min_per_second: PerSecond = 10
    """Retries per second however few requests there are.

    With `percent: 0` it is the whole pace; 0 for both allows no retry to a route that was tried.
    """


class Retry(StrictModel):
    """When and how often a request is retried."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 4
    """Attempts of a request in all, over all routes; a connect that fails counts.

    `1` retries nothing. The retries that the caller's SDK says it has made (`x-stainless-retry-count`) count
    in, and at least one attempt is left. Calls that may not be repeated (batches, files) have one whatever
    this says.
    """
    causes: RetryCauses = RETRY_BY_DEFAULT
    """Which failures are retried.

    A failure with another cause is delivered at once, unless `fallback.causes` moves its request to another
    route. The upstream has a say: `x-should-retry: false` ends a request on that route, `true` retries it
    whatever its cause, where that is not about keys or money. An empty list retries nothing. Example:
    `[RateLimit, Overloaded]`.
    """
    backoff: Backoff = Backoff()
    """How long a request waits between rounds of attempts.

    In a round each route is tried once, without waiting; then the request waits a random time, whose bound
    doubles from `initial` to `max` (full jitter). Before its last attempt it has waited 1.5 s in all, as
    long as an SDK would, as far as its deadline allows. Example: `{initial: 500ms, max: 10s}`.
    """
    max_retry_after_s: Duration = Duration("60s")
    """A longer `retry-after` is not waited for.

    A response that asks for more moves its request to another route, if `fallback.causes` names the cause,
    and is delivered at once otherwise. A wait that would end after the request's deadline is not begun
    either (`timeouts.total`, or the caller's own time-out).
    """
    budget: RetryBudget = RetryBudget()
    """The pace of retries over all requests of a sidecar, so that an outage meets a queue and no storm.

    It is no ban: a retry beyond it waits for its turn, up to `backoff.max`. Free of it are the move to a
    route that the request has not tried, and a 429's `retry-after`. Example: `{percent: 20, minPerSecond:
    10}`.
    """


class Substitution(StrictModel):
    """Models that may answer in place of another."""

    model: ModelName
    """The model that is asked for, by the name callers use."""
    substitutes: Annotated[
        tuple[ModelName, ...], Field(alias="with", strict=False, min_length=1, max_length=8)
    ]
    """Models that may answer instead, in order of preference.

    Each is tried on every route that serves it, after the routes that serve the model itself.
    """


class Fallback(StrictModel):
    """When a request moves to another route."""

    causes: FallbackCauses = FALLBACK_BY_DEFAULT
    """Which failures move a request to the next route, at once and without a wait.

    Where no other route may take the request, `retry.causes` decides. After a cause that is about a key or
    about money only a route with another credential can answer. Example: `[Overloaded, ServerError,
    RateLimit]`.
    """
    substitutions: Annotated[tuple[Substitution, ...], Field(strict=False, max_length=64)] = ()
    """Other models that may answer; empty means never another model.

    Only the swaps that are listed are made, and the response says which model it is from. Merged by `model`
    when several appliers own entries. Example: `[{model: claude-opus-4-8, with: [claude-sonnet-4-6]}]`.
    """


class CircuitBreaker(StrictModel):
    """When a route is left alone for a while."""

    failure_percent: PositivePercent = 50
    """Share of failed attempts within `window`, in percent, that opens the breaker.

    100 opens it only if all failed. What the route is not to blame for (a 4xx, a 429) is not counted.
    """
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Attempts within `window` below which the breaker never opens.

    A route with few requests needs a small number, or a longer `window`.
    """
    window_s: PositiveDuration = Duration("30s")
    """How far back attempts are counted."""
    open_for_s: Duration = Duration("15s")
    """How long the breaker stays open before one attempt is let through as a probe.

    A probe that succeeds closes it; one that fails opens it for as long again. `0s`: a probe at once.
    """
