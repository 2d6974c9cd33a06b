"""A policy's snapshot, answers by status, and whole calls played through the decision on a virtual clock."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Wait
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.classify import cause_of_status
from claude_sidecar.policy.decide import because, end_of_success, next_step
from claude_sidecar.policy.moment import HEALTHY, HealthView
from claude_sidecar.policy.outcome import Outcome, RetryHints
from claude_sidecar.policy.request_facts import Circuit, RequestFacts
from claude_sidecar.policy.routing import Candidate, plan
from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Snapshot

STEPS_MOST = 64


@dataclass(frozen=True)
class Sent:
    """One send of a played call: when it began and ended, to whom, what was known then, how it ended."""

    at: float
    ended: float
    candidate: int
    where: Candidate
    step: Send
    health: HealthView
    outcome: Outcome
    waited: Wait | None


@dataclass
class Story:
    """A played call: its sends, its waits with the time each began, its end; the reason of each step."""

    snapshot: Snapshot
    facts: RequestFacts
    candidates: tuple[Candidate, ...]
    sent: list[Sent] = field(default_factory=list)
    waits: list[tuple[float, Wait]] = field(default_factory=list)
    end: Deliver | GiveUp | None = None
    ended: float = 0.0
    opened: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def deadline_s(self) -> float:
        return self.facts.total_by_s if self.opened else self.facts.deadline_s

    @property
    def routes(self) -> list[str]:
        return [sent.where.route for sent in self.sent]

    @property
    def pauses(self) -> list[float]:
        return [wait.seconds for _, wait in self.waits]

    @property
    def status(self) -> int | None:
        return self.end.outcome.status if isinstance(self.end, Deliver) else None

    @property
    def budget_spent(self) -> int:
        return sum(wait.spends_budget for _, wait in self.waits) + sum(
            s.step.spends_budget for s in self.sent
        )


def make_snapshot(routes: int | list[dict[str, Any]] = 1, **spec: Any) -> Snapshot:
    if isinstance(routes, int):
        routes = [{"name": f"r{index}"} for index in range(routes)]
    whole = {"apiVersion": API_VERSION, "kind": KIND, "spec": {"routes": routes, **spec}}
    return compile_policy(ClaudePolicy.model_validate(whole))


def make_facts(snapshot: Snapshot, **changes: Any) -> RequestFacts:
    usual = {
        "model": "m",
        "repeatable": True,
        "pinned": False,
        "responds_soon": True,
        "timeout_repeats": True,
        "max_attempts": snapshot.retry.max_attempts,
        "circuit": Circuit.MESSAGES,
        "deadline_s": 599.0,
        "total_by_s": 599.0,
    }
    return RequestFacts(**{**usual, **changes})


def make_answer(
    status: int,
    *,
    retry_after: float | None = None,
    should_retry: bool | None = None,
    code: str | None = None,
) -> Outcome:
    hints = RetryHints(retry_after, should_retry)
    return Outcome(cause_of_status(status, code), status, has_response=True, hints=hints)


def play_call(
    snapshot: Snapshot,
    script: Iterable[Outcome] | Mapping[str, Outcome],
    *,
    health: HealthView | Callable[[float], HealthView] = HEALTHY,
    chance: float | Callable[[], float] = 0.5,
    took: Callable[[], float] = lambda: 0.0,
    late: Callable[[], float] = lambda: 0.0,
    opened: bool = False,
    **facts: Any,
) -> Story:
    """Play a call from time 0.

    script: outcomes in order, the last one repeated, or one by route; took: seconds each send lasts;
    late: by how much a timer wakes late; opened: the first send opens the call.
    """
    known = make_facts(snapshot, **facts)
    story = Story(snapshot, known, plan(snapshot, known), opened=opened)
    state = CallState(snapshot, known, story.candidates)
    now, waited = 0.0, None
    outcomes = list(script) if not isinstance(script, Mapping) else []
    for _ in range(STEPS_MOST):
        view = health(now) if callable(health) else health
        step = next_step(state, view, now, chance() if callable(chance) else chance)
        assert end_of_success(state) == (step if step.why.name == "answered" else None)
        story.reasons.append(f"{step.why.name}: {because(step, state)}")
        match step:
            case Wait():
                story.waits.append((now, step))
                pause_s = max(0.0, step.seconds + late())
                now, waited = now + pause_s, step
                state = state.waited(step, pause_s)
            case Send():
                where = story.candidates[step.candidate]
                if isinstance(script, Mapping):
                    outcome = script[where.route]
                else:
                    outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
                began, now = now, now + took()
                sent = Sent(began, now, step.candidate, where, step, view, outcome, waited)
                story.sent.append(sent)
                state = state.attempting(step)
                state = state.opening() if opened else state
                state, waited = state.after(outcome, now), None
            case _:
                story.end, story.ended = step, now
                return story
    raise AssertionError("the decision did not end")


@pytest.fixture(scope="session")
def snapshot() -> Callable[..., Snapshot]:
    """`snapshot(2, retry={...})`: a compiled policy of so many routes r0, r1..."""
    return make_snapshot


@pytest.fixture(scope="session")
def answer() -> Callable[..., Outcome]:
    """`answer(529, retry_after=5)`: an upstream's answer, with its cause by the table."""
    return make_answer


@pytest.fixture(scope="session")
def play() -> Callable[..., Story]:
    """Plays a call; see `play_call`."""
    return play_call
