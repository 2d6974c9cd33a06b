"""What holds for every call, whatever the policy, the answers, the breakers and the time they take."""

from dataclasses import dataclass
from itertools import cycle
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_sidecar.causes import OWN_CREDENTIAL, Cause
from claude_sidecar.policy.actions import Deliver, GiveUp, Wait
from claude_sidecar.policy.call_state import repeat_is_forced
from claude_sidecar.policy.moment import HealthView, at_once
from claude_sidecar.policy.outcome import Outcome, RetryHints
from claude_sidecar.policy.reasons import StopReason

GRAIN_S = 0.001
RETRY = ["RateLimit", "Overloaded", "ServerError", "ConnectionFailure", "Timeout"]
FALLBACK = [*RETRY, "SpendLimit", "Billing", "Authentication", "Permission", "NotFound"]
MODELS = ["m", "s", "t"]

words = st.builds(
    RetryHints,
    st.none() | st.sampled_from([0.0, 0.3, 2.0, 9.0, 55.0, 61.0, 1e6]) | st.floats(0, 100),
    st.sampled_from([None, None, None, True, False]),
)
answers = st.builds(
    lambda cause, hints: Outcome(cause, 599, has_response=True, hints=hints),
    st.sampled_from(list(Cause)),
    words,
)
silences = st.sampled_from(
    [
        Outcome(Cause.CONNECTION_FAILURE),
        Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True),
        Outcome(Cause.TIMEOUT, our_timeout=True),
    ]
)
troubles = st.sampled_from([Cause.OVERLOADED, Cause.SERVER_ERROR, Cause.RATE_LIMIT])
repeatable = st.builds(
    lambda cause, hints: Outcome(cause, 529, has_response=True, hints=hints), troubles, words
)
successes = st.just(Outcome(None, 200, has_response=True))
outcomes = st.lists(answers | silences | repeatable | repeatable | successes, min_size=1, max_size=10)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """The parts of a policy that the decision reads."""
    routes: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 8))):
        route: dict[str, Any] = {"name": f"r{index}"}
        names = draw(st.none() | st.lists(st.sampled_from(MODELS), unique=True, min_size=1))
        if names is not None:
            route["models"] = [{"name": name, "id": f"{name}-at-{index}"} for name in names]
        routes.append(route)
    substitutes = draw(st.lists(st.sampled_from(["s", "t"]), unique=True))
    return {
        "routes": routes,
        "retry": {
            "maxAttempts": draw(st.integers(1, 10)),
            "causes": draw(st.just(RETRY) | st.lists(st.sampled_from(RETRY), unique=True)),
            "backoff": {"initial": draw(st.sampled_from(["0s", "100ms", "1s"])), "max": "8s"},
            "maxRetryAfter": draw(st.sampled_from(["0s", "10s", "60s"])),
        },
        "fallback": {
            "causes": draw(st.just(RETRY) | st.lists(st.sampled_from(FALLBACK), unique=True)),
            "substitutions": [{"model": "m", "with": substitutes}] if substitutes else [],
        },
    }


def later(wanted_s: float) -> float:
    """The turn of a budget that is behind."""
    return wanted_s + 0.7


def never(wanted_s: float) -> float:
    """The turn of a budget that allows nothing."""
    return inf


few = st.frozensets(st.integers(0, 7), max_size=4)
views = st.lists(
    st.builds(HealthView, few, few | st.just(frozenset()), st.sampled_from([at_once, at_once, later, never])),
    min_size=1,
    max_size=5,
)
facts = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["m", "m", "s", None]),
        "repeatable": st.sampled_from([True, True, True, False]),
        "pinned": st.sampled_from([False, False, False, True]),
        "timeout_repeats": st.booleans(),
        "deadline_s": st.sampled_from([599.0, 599.0, 30.0, 4.0]),
    }
)


@dataclass
class Scene:
    """Everything that makes a call what it is; what runs out is used again from the beginning."""

    spec: dict[str, Any]
    outcomes: list[Outcome]
    views: list[HealthView]
    chances: list[float]
    took: list[float]
    late: list[float]
    facts: dict[str, Any]
    opened: bool


scenes = st.builds(
    Scene,
    specs(),
    outcomes,
    views,
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    st.lists(st.sampled_from([0.0, 0.0, 0.2, 3.0, 40.0]), min_size=1, max_size=4),
    st.lists(st.sampled_from([0.0, -0.0009, 0.01]), min_size=1, max_size=3),
    facts,
    st.booleans(),
)


@pytest.fixture(scope="session")
def tell(play: Any, snapshot: Any) -> Any:
    """Plays a scene."""

    def tell(scene: Scene) -> Any:
        chances, took, late = cycle(scene.chances), cycle(scene.took), cycle(scene.late)
        views = scene.views
        return play(
            snapshot(**scene.spec),
            [*scene.outcomes * 10],
            health=lambda now: views[int(now) % len(views)],
            chance=lambda: next(chances),
            took=lambda: next(took),
            late=lambda: next(late),
            opened=scene.opened,
            **scene.facts,
        )

    return tell


def is_repeat_after_own_wait(sent: Any) -> bool:
    return sent.waited is not None and sent.waited.candidate is not None


def bad_credentials_of_later_routes(story: Any) -> list[bool]:
    """By send, whether it told of our credential on a route that is not the first, or was not tried first."""
    told: list[bool] = []
    first = None
    for sent in story.sent:
        later = sent.candidate > 0 or first not in (None, sent.candidate)
        told.append(later and sent.outcome.has_response and sent.outcome.cause in OWN_CREDENTIAL)
        if first is None and not told[-1]:
            first = sent.candidate
    return told


def check_sends(story: Any) -> None:
    assert len(story.sent) <= story.facts.max_attempts
    if not story.facts.repeatable:
        assert len(story.sent) <= 1
    for sent in story.sent[1:]:
        assert sent.at < story.deadline_s
    for sent in story.sent[:-1]:
        assert sent.outcome.cause is not None, "something was sent after a success"


def check_waits(story: Any) -> None:
    retry = story.snapshot.retry
    for began, wait in story.waits:
        longest = max(retry.backoff.max_s, retry.max_retry_after_s * 1.1 + retry.backoff.initial_s, 1.5)
        assert 0 <= wait.seconds <= longest + 0.7 + GRAIN_S
        assert began + wait.seconds < story.deadline_s
    assert sum(story.pauses) <= story.deadline_s
    assert len(story.waits) <= len(story.sent)


def check_floor(story: Any) -> None:
    """Retry-After is a floor."""
    until: dict[int, float] = {}
    for sent in story.sent:
        assert sent.at >= until.get(sent.candidate, 0.0) - 1.1 * GRAIN_S
        if sent.outcome.hints.retry_after_s is not None:
            until[sent.candidate] = sent.ended + sent.outcome.hints.retry_after_s


def same_route(story: Any, candidate: int) -> set[int]:
    """Substitutes on the same route end with it."""
    route = story.candidates[candidate].route_index
    return {index for index, other in enumerate(story.candidates) if other.route_index == route}


def check_breakers(story: Any) -> None:
    """No send to an open breaker while another route is usable, same-route repeats apart."""
    until: dict[int, float] = {}
    out: set[int] = set()
    for sent, is_bad in zip(story.sent, bad_credentials_of_later_routes(story), strict=True):
        if not (story.facts.pinned or sent.step.fresh or is_repeat_after_own_wait(sent)):
            usable = {
                index
                for index in range(len(story.candidates))
                if index not in out | sent.health.credential_missing and until.get(index, 0.0) <= sent.at
            }
            if sent.candidate in sent.health.breaker_open:
                assert usable <= sent.health.breaker_open
        if sent.outcome.hints.retry_after_s is not None:
            until[sent.candidate] = sent.ended + sent.outcome.hints.retry_after_s
        told_of_credential = sent.outcome.has_response and sent.outcome.cause in OWN_CREDENTIAL
        if is_bad or (told_of_credential and not repeat_is_forced(sent.outcome)):
            out.add(sent.candidate)  # a later round would hear the same
        if sent.outcome.hints.should_retry is False:
            out |= same_route(story, sent.candidate)


def check_routes(story: Any) -> None:
    """Only routes that may have the call; none after its bad credential or its `x-should-retry: false`."""
    ended_routes: set[str] = set()
    refused: set[int] = set()
    for sent, is_bad in zip(story.sent, bad_credentials_of_later_routes(story), strict=True):
        assert sent.candidate not in sent.health.credential_missing
        assert sent.where.route not in ended_routes
        assert sent.candidate not in refused
        if is_bad:
            refused.add(sent.candidate)
        elif sent.outcome.hints.should_retry is False and sent.outcome.cause not in OWN_CREDENTIAL:
            ended_routes.add(sent.where.route)
    if story.facts.pinned:
        assert set(story.routes) <= {"r0"}


def check_models(story: Any) -> None:
    """Never another model unless a substitution names it."""
    asked = story.facts.model
    swaps = story.snapshot.fallback.substitutions
    named = [name for swap in swaps if swap.model == asked for name in swap.substitutes]
    for sent in story.sent:
        model = sent.where.substitute or asked
        assert model == asked or (model in named and not story.facts.pinned)
        serves = story.snapshot.routes[sent.where.route_index].models
        if serves is None or model is None:
            assert sent.where.model == model
        elif not story.facts.pinned:
            assert sent.where.model == serves[model]


def check_rounds(story: Any) -> None:
    """In one round each route at most once, the resend on a fresh connection apart."""
    seen: set[int] = set()
    for sent in story.sent:
        if sent.step.opens_round or is_repeat_after_own_wait(sent):
            seen.clear()
        assert sent.step.fresh or sent.candidate not in seen
        seen.add(sent.candidate)


def check_budget(story: Any) -> None:
    """Only repeats to a tried route are paid for, and none is made when the budget refuses."""
    for index, sent in enumerate(story.sent):
        tried = {same for earlier in story.sent[:index] for same in same_route(story, earlier.candidate)}
        if sent.step.spends_budget:
            assert sent.candidate in tried
            assert sent.health.turn(sent.at) == sent.at
        elif sent.candidate in tried:
            assert sent.step.fresh or sent.waited is not None or sent.step.opens_round
    rate_limited = [s.outcome for s in story.sent if s.outcome.cause is Cause.RATE_LIMIT]
    for began, wait in story.waits:
        if wait.spends_budget:
            assert began <= wait.turn_from_s <= began + wait.seconds + 1e-9
        else:
            assert wait.reason == "retry-after"
            assert any(outcome.hints.retry_after_s is not None for outcome in rate_limited)


def check_end(story: Any) -> None:
    """The last answer is delivered, a later route's bad credential only for want of another."""
    answered = [sent for sent in story.sent if sent.outcome.has_response]
    if isinstance(story.end, GiveUp):
        assert not answered
        return
    assert isinstance(story.end, Deliver)
    delivered = [sent for sent in answered if sent.outcome is story.end.outcome]
    assert delivered
    good = [sent for sent in answered if sent.outcome.cause not in OWN_CREDENTIAL]
    told = zip(story.sent, bad_credentials_of_later_routes(story), strict=True)
    fair = [sent for sent, is_bad in told if sent.outcome.has_response and not is_bad]
    if fair:
        assert any(sent is each for sent in delivered for each in fair)
        if delivered[-1].outcome.cause not in OWN_CREDENTIAL:
            assert good[-1].outcome is story.end.outcome
    else:
        assert answered[-1].outcome is story.end.outcome
    if story.sent[-1].outcome.cause is None:
        assert story.end.reason is StopReason.SUCCESS
        assert story.end.outcome is story.sent[-1].outcome


@given(scenes)
@settings(max_examples=200)
def test_every_call_ends_and_keeps_the_rules(tell: Any, scene: Scene) -> None:
    story = tell(scene)
    for check in (
        check_sends,
        check_waits,
        check_floor,
        check_breakers,
        check_routes,
        check_models,
        check_rounds,
        check_budget,
        check_end,
    ):
        check(story)


@given(scenes)
@settings(max_examples=40)
def test_a_call_is_sent_at_all_unless_no_route_may_have_it(tell: Any, scene: Scene) -> None:
    story = tell(scene)
    if not story.sent:
        ending = StopReason.CREDENTIAL_MISSING if story.candidates else StopReason.NO_ROUTE
        assert story.end == GiveUp(ending, None)


@pytest.mark.long
@given(scenes)
@settings(max_examples=40)
def test_the_decision_is_the_same_for_the_same_history(tell: Any, scene: Scene) -> None:
    first, second = tell(scene), tell(scene)
    assert (first.routes, first.waits, first.end) == (second.routes, second.waits, second.end)


@pytest.mark.long
@given(scenes, st.sampled_from(RETRY))
@settings(max_examples=40)
def test_with_everything_fresh_and_failing_all_sends_are_used(tell: Any, scene: Scene, cause: str) -> None:
    """No send is saved while a route may be tried: 429s and 5xx without a word use up what is allowed."""
    scene.spec["retry"]["causes"] = RETRY
    scene.outcomes = [Outcome(Cause(cause), 529, has_response=True)]
    scene.views, scene.took, scene.late = [HealthView()], [0.0], [0.0]
    scene.facts = {**scene.facts, "repeatable": True, "deadline_s": 599.0}
    story = tell(scene)
    assert len(story.sent) == (story.facts.max_attempts if story.candidates else 0)


def test_a_wait_is_told_apart_from_its_reason(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529, retry_after=3), answer(529), answer(200)], chance=0.5)
    assert [(wait.reason, wait.seconds) for _, wait in story.waits] == [
        ("retry-after", 3.5),
        ("backoff", 1.0),
    ]
    assert all(isinstance(wait, Wait) for _, wait in story.waits)
