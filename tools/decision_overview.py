"""The overview on docs/decision.md: what comes first of each failure, asked of the decision itself."""

from collections.abc import Iterator

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Step, Wait
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import next_step
from claude_sidecar.policy.moment import HEALTHY
from claude_sidecar.policy.outcome import NO_HINTS, Outcome, RetryHints
from claude_sidecar.policy.request_facts import Circuit, RequestFacts
from claude_sidecar.policy.routing import plan
from claude_sidecar.policy.x_should_retry import stops_the_sdk
from claude_sidecar.proxy.gateway_errors import error_of
from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.compile import compile_policy

_DEADLINE_S = 599.75
_SITUATIONS = {
    "another route is untried": (2, 4, 0.0),
    "no other route is left": (1, 4, 0.0),
    "attempts are spent": (1, 1, 0.0),
    "the deadline has passed": (1, 4, _DEADLINE_S),
}
"""How many routes there are and attempts the call has, and when the first attempt fails."""


def _response(cause: Cause, status: int, hints: RetryHints = NO_HINTS) -> Outcome:
    return Outcome(cause, status, has_response=True, hints=hints)


_FAILURES: tuple[tuple[str, Outcome, bool], ...] = (
    ("a kept connection was closed", Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True), True),
    ("no connection, or it broke", Outcome(Cause.CONNECTION_FAILURE), True),
    ("our time-out, a stream", Outcome(Cause.TIMEOUT, our_timeout=True), True),
    ("our time-out, no stream", Outcome(Cause.TIMEOUT, our_timeout=True), False),
    *((f"{status}", _response(cause, status), True) for cause in Cause for status in cause.row.statuses),
    ("other 5xx", _response(Cause.SERVER_ERROR, 500), True),
    ("other 4xx", _response(Cause.INVALID_REQUEST, 400), True),
    ("429, spend limit", _response(Cause.SPEND_LIMIT, 429), True),
    ("429, `retry-after: 5`", _response(Cause.RATE_LIMIT, 429, RetryHints(5.0)), True),
    ("429, `retry-after: 600`", _response(Cause.RATE_LIMIT, 429, RetryHints(600.0)), True),
    ("529, `x-should-retry: false`", _response(Cause.OVERLOADED, 529, RetryHints(None, False)), True),
)
"""What is seen, as what, and whether a time-out may be repeated."""


def head() -> tuple[str, ...]:
    """The columns."""
    return "the first attempt", "cause", *_SITUATIONS


def rows() -> Iterator[tuple[str, ...]]:
    """A row for what is seen; what leads to the same shares one."""
    alike: dict[tuple[str, ...], list[tuple[str, Cause | None]]] = {}
    for seen, outcome, timeout_repeats in _FAILURES:
        cells = tuple(_cell(outcome, timeout_repeats, *situation) for situation in _SITUATIONS.values())
        alike.setdefault(cells, []).append((seen, outcome.cause))
    for cells, failures in alike.items():
        causes = dict.fromkeys(f"`{cause}`" for _, cause in failures)
        yield "; ".join(seen for seen, _ in failures), ", ".join(causes), *cells


def _cell(outcome: Outcome, timeout_repeats: bool, routes: int, attempts: int, now: float) -> str:
    spec = {"routes": [{"name": f"r{index}"} for index in range(routes)]}
    snapshot = compile_policy(
        ClaudePolicy.model_validate({"apiVersion": API_VERSION, "kind": KIND, "spec": spec})
    )
    facts = RequestFacts(
        model="m",
        repeatable=True,
        pinned=False,
        responds_soon=True,
        timeout_repeats=timeout_repeats,
        max_attempts=attempts,
        circuit=Circuit.MESSAGES,
        deadline_s=_DEADLINE_S,
        total_by_s=_DEADLINE_S,
    )
    state = CallState(snapshot, facts, plan(snapshot, facts))
    sent = next_step(state, HEALTHY, 0.0, 0.5)
    assert isinstance(sent, Send)
    step = next_step(state.attempting(sent).after(outcome, now), HEALTHY, now, 0.5)
    stopped = isinstance(step, Deliver | GiveUp) and stops_the_sdk(step, snapshot)
    return f"{_verb(step)}: {step.why.name}" + (", SDK stopped" if stopped else "")


def _verb(step: Step) -> str:
    match step:
        case Send():
            return "send"
        case Wait():
            return "wait"
        case Deliver():
            return "deliver"
        case GiveUp():
            return f"`{error_of(step).error_type}`"
