"""What calls share: which ends of a send a route's breaker counts, and as what."""

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import Circuit
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.proxy.health import Health
from claude_sidecar.schema.compile import compile_policy, default_policy

POLICY = compile_policy(default_policy())
ROUTE = POLICY.routes[0]
CANDIDATE = Candidate(0, ROUTE.name, "m")
SENDS = POLICY.circuit_breaker.min_requests
ROUTES_FAULT = [Cause.SERVER_ERROR, Cause.OVERLOADED, Cause.CONNECTION_FAILURE, Cause.TIMEOUT]
CALLERS_AFFAIR = [cause for cause in Cause if cause not in ROUTES_FAULT]


def seen(outcome: Outcome | None) -> tuple[BreakerState, object, object]:
    """The breaker's state and counts after enough sends that all ended so."""
    health = Health()
    for _ in range(SENDS):
        health.ended(POLICY, CANDIDATE, Circuit.MESSAGES, outcome, 0.0)
    counts = health.breakers_of(ROUTE, 0.0)["m"]["messages"]
    return health.breaker_state(ROUTE, 0.0), counts["recentSends"], counts["recentFailures"]


@pytest.mark.parametrize("cause", ROUTES_FAULT)
def test_breaker_counts_what_is_the_routes_fault(cause: Cause) -> None:
    assert seen(Outcome(cause, 599, has_response=True)) == (BreakerState.OPEN, SENDS, SENDS)


@pytest.mark.parametrize("cause", CALLERS_AFFAIR)
def test_breaker_counts_no_answer_that_is_about_the_request_or_its_credential(cause: Cause) -> None:
    assert seen(Outcome(cause, 499, has_response=True)) == (BreakerState.CLOSED, 0, 0)


def test_breaker_counts_successes() -> None:
    assert seen(Outcome(None, 200, has_response=True)) == (BreakerState.CLOSED, SENDS, 0)


@pytest.mark.parametrize(
    "outcome", [None, Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)], ids=["left", "stale"]
)
def test_breaker_counts_neither_callers_that_left_nor_idle_connections_that_died(
    outcome: Outcome | None,
) -> None:
    assert seen(outcome) == (BreakerState.CLOSED, 0, 0)


def test_calls_of_no_kind_that_has_a_breaker_are_counted_nowhere() -> None:
    health = Health()
    for _ in range(SENDS):
        health.ended(POLICY, CANDIDATE, None, Outcome(Cause.SERVER_ERROR, 500, has_response=True), 0.0)
    assert health.breakers_of(ROUTE, 0.0) == {}
