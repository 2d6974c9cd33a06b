"""When all is spent, and idle connections that die: which answer is delivered, what is resent."""

from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason

STALE = Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)
LOST = Outcome(Cause.CONNECTION_FAILURE)
FIRST_OPEN = HealthView(breaker_open=frozenset({0}))
OUR_CREDENTIAL = [(401, None), (402, None), (403, None), (404, None), (429, "contract_spend_limit_reached")]


def test_when_all_is_spent_the_last_answer_is_delivered(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2), [answer(500), answer(502), answer(503), answer(529)])
    assert (story.status, story.end.reason) == (529, StopReason.ATTEMPTS_SPENT)


def test_when_all_is_spent_an_earlier_answer_beats_a_send_without_one(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2), [answer(500), LOST, LOST, LOST]).status == 500
    assert play(snapshot(2), [LOST, answer(500), LOST, LOST]).status == 500


def test_when_all_is_spent_without_any_answer_the_error_is_our_own(play: Any, snapshot: Any) -> None:
    story = play(snapshot(2), [LOST])
    assert story.end == GiveUp(StopReason.ATTEMPTS_SPENT, Cause.CONNECTION_FAILURE)


@pytest.mark.parametrize(("status", "code"), OUR_CREDENTIAL)
def test_when_all_is_spent_a_later_routes_bad_credential_is_not_delivered(
    status: int, code: str | None, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), {"r0": answer(529), "r1": answer(status, code=code)})
    assert (story.routes, story.status) == (["r0", "r1", "r0", "r0"], 529)


@pytest.mark.parametrize(("status", "code"), OUR_CREDENTIAL)
def test_when_all_is_spent_a_later_routes_bad_credential_shows_in_a_later_send_too(
    status: int, code: str | None, play: Any, snapshot: Any, answer: Any
) -> None:
    """It does not matter that the same route had failed otherwise just before."""
    revoked = answer(status, code=code)
    stale_then_revoked = play(snapshot(2), [answer(529), STALE, revoked, answer(529)])
    assert (stale_then_revoked.routes, stale_then_revoked.status) == (["r0", "r1", "r1", "r0"], 529)
    told_to_wait = [answer(529, retry_after=50), answer(500), revoked, answer(529)]
    story = play(snapshot(2), told_to_wait)
    assert (story.routes, story.status) == (["r0", "r1", "r1", "r0"], 529)


def test_when_all_is_spent_the_first_routes_bad_credential_in_a_later_round_is_delivered(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(529), answer(529), answer(401), answer(529)])
    assert story.routes == ["r0", "r1", "r0"]
    assert story.status == 401


@pytest.mark.parametrize(("status", "code"), OUR_CREDENTIAL)
def test_when_all_is_spent_a_later_routes_bad_credential_only_excludes_it_when_tried_first(
    status: int, code: str | None, play: Any, snapshot: Any, answer: Any
) -> None:
    """The first route's breaker is open, so the second is tried first; its own key is no good."""
    script = {"r0": answer(200), "r1": answer(status, code=code), "r2": answer(200)}
    assert play(snapshot(3), script, health=FIRST_OPEN).routes == ["r1", "r2"]
    assert play(snapshot(2), script, health=FIRST_OPEN).routes == ["r1", "r0"]


def test_when_all_is_spent_a_later_routes_bad_credential_is_delivered_if_it_is_all_there_is(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2), {"r0": LOST, "r1": answer(401)}).status == 401
    last = play(snapshot(3), {"r0": LOST, "r1": answer(401), "r2": answer(403)})
    assert (last.routes, last.status) == (["r0", "r1", "r2", "r0"], 403)


@pytest.mark.parametrize("facts", [{"repeatable": False}, {"max_attempts": 1}])
def test_when_all_is_spent_a_route_tried_first_is_not_followed_by_a_send_too_many(
    facts: dict[str, Any], play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(401)], health=FIRST_OPEN, **facts)
    assert (story.routes, story.status) == (["r1"], 401)


def test_when_all_is_spent_a_route_tried_first_is_not_followed_by_a_send_after_the_deadline(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(401)], health=FIRST_OPEN, took=lambda: 5.0, deadline_s=5.0)
    assert (story.routes, story.status, story.end.reason) == (["r1"], 401, StopReason.DEADLINE)


def test_when_all_is_spent_routes_without_credential_leave_the_bad_one_to_deliver(
    play: Any, snapshot: Any, answer: Any
) -> None:
    health = HealthView(credential_missing=frozenset({0}))
    story = play(snapshot(2), [answer(401)], health=health)
    assert (story.routes, story.status, story.end.reason) == (["r1"], 401, StopReason.ROUTES_SPENT)


def test_when_all_is_spent_the_first_routes_own_refusal_is_the_callers_to_see(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2), [answer(529), answer(529), answer(401)]).routes[:2] == ["r0", "r1"]
    assert play(snapshot(1), [answer(529), answer(401)]).status == 401


def test_when_all_is_spent_a_refusal_by_another_route_of_the_request_itself_is_delivered(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(529), answer(400)])
    assert (story.routes, story.status) == (["r0", "r1"], 400)


def test_idle_connection_race_is_resent_once_on_a_fresh_connection_of_the_same_route(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [STALE, answer(200)])
    assert (story.routes, story.pauses, story.budget_spent) == (["r0", "r0"], [], 0)
    assert [sent.step.fresh for sent in story.sent] == [False, True]


def test_idle_connection_race_is_counted_as_a_send(play: Any, snapshot: Any, answer: Any) -> None:
    assert len(play(snapshot(1), [STALE, answer(529)]).sent) == 4
    assert play(snapshot(1), [STALE], max_attempts=1).end == GiveUp(
        StopReason.ATTEMPTS_SPENT, Cause.CONNECTION_FAILURE
    )


def test_idle_connection_race_is_resent_even_where_the_policy_repeats_nothing(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, retry={"causes": []}, fallback={"causes": []})
    assert play(policy, [STALE, answer(200)]).routes == ["r0", "r0"]
    assert play(policy, [STALE, LOST]).routes == ["r0", "r0"]


def test_idle_connection_race_on_each_route_gets_its_own_resend(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [STALE, answer(529), STALE, answer(200)])
    assert story.routes == ["r0", "r0", "r1", "r1"]
    assert [sent.step.fresh for sent in story.sent] == [False, True, False, True]


def test_idle_connection_race_is_never_resent_twice_in_a_row(play: Any, snapshot: Any) -> None:
    story = play(snapshot(1, retry={"maxAttempts": 10}), [STALE])
    fresh = [sent.step.fresh for sent in story.sent]
    assert fresh == [False, True] * 5
    assert len(story.pauses) == 4


def test_idle_connection_race_is_not_resent_to_a_route_that_was_excluded_since(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(529), STALE, answer(401), answer(401)], max_attempts=8)
    assert story.routes[:4] == ["r0", "r1", "r1", "r2"]
    assert "r1" not in story.routes[4:]


def test_idle_connection_race_is_not_resent_without_the_credential(play: Any, snapshot: Any) -> None:
    def health(now: float) -> HealthView:
        return HealthView(credential_missing=frozenset({0} if now > 0 else ()))

    assert play(snapshot(1), [STALE], took=lambda: 1.0, health=health).routes == ["r0"]
