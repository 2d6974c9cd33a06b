"""What repeats, rounds, the repeats of an SDK: how often, whereto, in which order."""

from math import inf
from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Deliver, GiveUp
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason

SENDS_MOST = 4


def open_at(*candidates: int) -> HealthView:
    return HealthView(breaker_open=frozenset(candidates))


def missing_at(*candidates: int) -> HealthView:
    return HealthView(credential_missing=frozenset(candidates))


@pytest.mark.parametrize("status", [429, 500, 529, 408])
@pytest.mark.parametrize("said", [None, True])
def test_what_repeats_anything_else_passes_once(
    status: int, said: bool | None, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(status, should_retry=said)], repeatable=False)
    assert (story.routes, story.status, story.end.reason) == (["r0"], status, StopReason.PASSES_ONCE)


def test_what_repeats_a_dead_pooled_connection_is_no_excuse_to_send_twice(play: Any, snapshot: Any) -> None:
    died = Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)
    assert play(snapshot(2), [died], repeatable=False).routes == ["r0"]


def test_what_repeats_a_call_of_one_account_uses_the_first_route_whatever_its_breaker_says(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(529)], pinned=True, health=open_at(0))
    assert story.routes == ["r0"] * 4
    assert story.pauses == [0.5, 1.0, 2.0]


def test_what_repeats_a_call_of_one_account_goes_first_even_where_the_route_does_not_list_its_model(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot([{"name": "a", "models": [{"name": "other"}]}, {"name": "b"}])
    assert play(policy, [answer(500)], pinned=True).routes == ["a"] * 4


def test_what_repeats_a_call_of_one_account_is_never_substituted(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(1, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    story = play(policy, [answer(529)], pinned=True)
    assert {sent.where.substitute for sent in story.sent} == {None}


def test_rounds_each_route_is_tried_once_in_order_then_backoff(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(3, retry={"maxAttempts": 8}), [answer(529)])
    assert story.routes == ["r0", "r1", "r2"] * 2 + ["r0", "r1"]
    assert story.pauses == [0.5, 1.0]
    assert story.end.reason is StopReason.ATTEMPTS_SPENT


def test_rounds_backoff_doubles_up_to_its_maximum(play: Any, snapshot: Any, answer: Any) -> None:
    policy = snapshot(1, retry={"maxAttempts": 7, "backoff": {"initial": "1s", "max": "5s"}})
    assert play(policy, [answer(500)], chance=0.5).pauses == [0.5, 1.0, 2.0, 2.5, 2.5, 2.5]


def test_rounds_backoff_of_zero_waits_not_at_all(play: Any, snapshot: Any, answer: Any) -> None:
    policy = snapshot(1, retry={"backoff": {"initial": "0s", "max": "5s"}})
    assert play(policy, [answer(500)], chance=0.9).pauses == [0, 0, 0]


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
@pytest.mark.parametrize(("routes", "sends"), [(1, 2), (1, 4), (2, 4), (3, 4), (2, 10)])
def test_rounds_before_its_last_send_a_call_has_waited_as_long_as_an_sdk(
    routes: int, sends: int, chance: float, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(routes), [answer(529)], chance=chance, max_attempts=sends)
    assert len(story.sent) == sends
    assert story.sent[-1].at >= 1.5
    if routes == 1 and sends > 2:
        assert story.sent[-2].at >= 0.5


@pytest.mark.parametrize("wait", [0.0, 0.2])
def test_rounds_waits_for_a_limit_count_to_that_patience(
    wait: float, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(429, retry_after=wait)], chance=0.0)
    assert story.pauses == pytest.approx([wait, 0.5 - wait, 1.0])


def test_rounds_patience_that_the_deadline_does_not_allow_saves_the_last_send(
    play: Any, snapshot: Any, answer: Any
) -> None:
    """The SDK goes on then: spent sends would forbid it."""
    story = play(snapshot(1), [answer(529)], chance=0.0, deadline_s=1.4)
    assert (len(story.sent), story.end.reason) == (3, StopReason.DEADLINE)


def test_rounds_an_upstream_that_closes_every_connection_costs_no_patience(play: Any, snapshot: Any) -> None:
    """The resend for a dead pooled connection needs no wait, but is not the last send before its time."""
    died = Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)
    story = play(snapshot(1), [died], chance=0.1)
    assert [round(sent.at, 1) for sent in story.sent] == [0.0, 0.0, 0.5, 1.5]
    assert [sent.step.fresh for sent in story.sent] == [False, True, False, True]
    assert play(snapshot(1), [died], max_attempts=2).pauses == []


def test_rounds_the_last_of_several_sends_goes_on_a_fresh_connection(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert [sent.step.fresh for sent in play(snapshot(1), [answer(529)]).sent] == [False] * 3 + [True]
    assert [sent.step.fresh for sent in play(snapshot(1), [answer(529)], max_attempts=1).sent] == [False]


def test_rounds_moves_within_a_round_are_not_held_up_by_patience(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(529)], max_attempts=2)
    assert (story.routes, story.pauses) == (["r0", "r1"], [])


def test_rounds_a_route_with_an_open_breaker_is_passed_over(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(3), [answer(529)], health=open_at(1)).routes == ["r0", "r2", "r0", "r2"]
    assert play(snapshot(3), [answer(200)], health=open_at(0)).routes == ["r1"]


def test_rounds_breakers_are_ignored_if_they_alone_leave_no_route(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2), [answer(200)], health=open_at(0, 1)).routes == ["r0"]
    assert play(snapshot(1), [answer(529), answer(200)], health=open_at(0)).routes == ["r0", "r0"]


def test_rounds_breakers_that_are_ignored_leave_every_route_its_turn(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(529)], health=open_at(0, 1))
    assert (story.routes, story.pauses) == (["r0", "r1", "r0", "r1"], [1.5])


def test_rounds_breakers_that_are_ignored_leave_the_move_to_a_fresh_route_free(
    play: Any, snapshot: Any, answer: Any
) -> None:
    health = HealthView(breaker_open=frozenset({0, 1}), turn=lambda wanted_s: inf)
    story = play(snapshot(2), [answer(529), answer(200)], health=health)
    assert (story.routes, story.budget_spent) == (["r0", "r1"], 0)


def test_rounds_breakers_are_ignored_too_where_the_other_routes_lack_their_credential(
    play: Any, snapshot: Any, answer: Any
) -> None:
    health = HealthView(breaker_open=frozenset({1}), credential_missing=frozenset({0}))
    assert play(snapshot(2), [answer(200)], health=health).routes == ["r1"]


def test_rounds_a_route_that_does_not_serve_the_model_is_passed_over(
    play: Any, snapshot: Any, answer: Any
) -> None:
    routes = [{"name": "a", "models": [{"name": "x"}]}, {"name": "b", "models": [{"name": "m", "id": "m-1"}]}]
    story = play(snapshot(routes), [answer(529)])
    assert story.routes == ["b"] * 4
    assert {sent.where.model for sent in story.sent} == {"m-1"}


def test_rounds_a_route_without_its_credential_is_passed_over(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(3), [answer(529)], health=missing_at(0, 2)).routes == ["r1"] * 4


def test_rounds_a_credential_that_vanishes_during_a_wait_is_not_sent(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(
        snapshot(1),
        [answer(429, retry_after=5)],
        health=lambda now: missing_at(0) if now > 1 else HealthView(),
    )
    assert (story.routes, story.status, story.end.reason) == (["r0"], 429, StopReason.ROUTES_SPENT)


def test_rounds_a_route_told_to_wait_longer_is_passed_over_until_its_time(
    play: Any, snapshot: Any, answer: Any
) -> None:
    outcomes = [answer(529, retry_after=2.5), answer(529), answer(529), answer(529), answer(529)]
    story = play(snapshot(2, retry={"maxAttempts": 5}), outcomes)
    assert story.routes == ["r0", "r1", "r1", "r1", "r0"]
    assert [sent.at for sent in story.sent] == [0, 0, 0.5, 1.5, 3.5]


def test_rounds_where_every_route_is_told_to_wait_the_shortest_is_waited_for(
    play: Any, snapshot: Any, answer: Any
) -> None:
    script = [answer(529, retry_after=9), answer(529, retry_after=4), answer(200)]
    story = play(snapshot(2), script, chance=0.0)
    assert story.routes == ["r0", "r1", "r1"]
    assert story.pauses == [4]
    assert story.waits[0][1].reason == "retry-after"


def test_rounds_with_no_route_for_the_model_nothing_is_sent(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot([{"name": "a", "models": [{"name": "x"}]}]), [answer(200)])
    assert (story.routes, story.end) == ([], GiveUp(StopReason.NO_ROUTE, None))


def test_rounds_with_no_credential_for_any_route_nothing_is_sent(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(2), [answer(200)], health=missing_at(0, 1))
    assert (story.routes, story.end) == ([], GiveUp(StopReason.CREDENTIAL_MISSING, None))


def test_rounds_a_call_that_names_no_model_may_go_by_every_route(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot([{"name": "a", "models": [{"name": "x"}]}, {"name": "b"}])
    story = play(policy, [answer(529), answer(200)], model=None)
    assert story.routes == ["a", "b"]
    assert {sent.where.model for sent in story.sent} == {None}


def test_rounds_substitutes_come_after_every_route_of_the_model_itself(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"substitutions": [{"model": "m", "with": ["s", "t"]}]})
    story = play(policy, [answer(529)], max_attempts=7)
    tried = [(sent.where.route, sent.where.model) for sent in story.sent]
    assert tried[:6] == [("r0", "m"), ("r1", "m"), ("r0", "s"), ("r1", "s"), ("r0", "t"), ("r1", "t")]
    assert tried[6] == ("r0", "m")


def test_rounds_a_cause_that_only_retry_names_stays_on_its_route(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2, fallback={"causes": []}), [answer(529)]).routes == ["r0"] * 4


def test_rounds_a_cause_that_only_fallback_names_is_tried_once_on_each_route(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3, retry={"causes": []}), [answer(529)])
    assert (story.routes, story.pauses, story.end.reason) == (
        ["r0", "r1", "r2"],
        [],
        StopReason.CAUSE_NOT_LISTED,
    )


def test_rounds_a_cause_that_neither_names_is_delivered(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2, retry={"causes": []}, fallback={"causes": []}), [answer(529)])
    assert (story.routes, story.status) == (["r0"], 529)


@pytest.mark.parametrize("sends", [1, 2, 3, 10])
def test_sdk_repeats_leave_so_many_sends_over_all_routes(
    sends: int, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(529)], max_attempts=sends)
    assert len(story.sent) == sends
    assert story.end.reason is StopReason.ATTEMPTS_SPENT


def test_sdk_repeats_count_failed_connects_as_sends(play: Any, snapshot: Any) -> None:
    story = play(snapshot(2), [Outcome(Cause.CONNECTION_FAILURE)], max_attempts=3)
    assert len(story.sent) == 3
    assert story.end == GiveUp(StopReason.ATTEMPTS_SPENT, Cause.CONNECTION_FAILURE)


def test_success_ends_a_call_at_any_point(play: Any, snapshot: Any, answer: Any) -> None:
    for failures in range(SENDS_MOST):
        story = play(snapshot(2), [*[answer(529)] * failures, answer(200)])
        assert isinstance(story.end, Deliver)
        assert (len(story.sent), story.status) == (failures + 1, 200)


@pytest.mark.parametrize(
    "cause", [Cause.SPEND_LIMIT, Cause.AUTHENTICATION, Cause.PERMISSION, Cause.NOT_FOUND]
)
def test_rounds_first_route_whose_credential_was_refused_is_not_asked_again(
    cause: Cause, play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"causes": [cause.value, "Overloaded"]})
    refused = Outcome(cause, status=403, has_response=True)
    story = play(policy, [refused, answer(529)])
    assert story.routes == ["r0", "r1", "r1", "r1"]
    assert story.status == 529


def test_rounds_dead_connection_is_not_sent_again_where_our_credential_was_refused_since(
    play: Any, snapshot: Any, answer: Any
) -> None:
    repeats = ["RateLimit", "ConnectionFailure"]
    policy = snapshot(
        1,
        retry={"maxAttempts": 5, "causes": repeats, "backoff": {"initial": "0s"}, "maxRetryAfter": "0s"},
        fallback={"causes": repeats, "substitutions": [{"model": "m", "with": ["s"]}]},
    )
    died = Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)
    refused = Outcome(Cause.SPEND_LIMIT, status=429, has_response=True)
    story = play(policy, [answer(429, retry_after=0.3), died, died, refused])
    models = [sent.where.model for sent in story.sent]
    assert models == ["m", "s", "s", "s"]


def test_rounds_permission_of_which_the_upstream_says_repeat_is_asked_again(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(403, should_retry=True)])
    assert story.routes == ["r0"] * 4
