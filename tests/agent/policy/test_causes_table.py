"""The causes table, row by row: how a cause is seen, and what the built-in policy does about it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import SPEND_LIMIT_CODES, cause_of_error_event, cause_of_status
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason

NAMED = {401, 402, 403, 404, 408, 409, 413, 429}
ROWS = [
    *((status, Cause.INVALID_REQUEST) for status in range(400, 500) if status not in NAMED),
    (401, Cause.AUTHENTICATION),
    (402, Cause.BILLING),
    (403, Cause.PERMISSION),
    (404, Cause.NOT_FOUND),
    (501, Cause.NOT_FOUND),
    (409, Cause.CONFLICT),
    (413, Cause.TOO_LARGE),
    (429, Cause.RATE_LIMIT),
    *((status, Cause.SERVER_ERROR) for status in (500, 502, 503, 504, *range(520, 527))),
    (505, Cause.SERVER_ERROR),
    (528, Cause.SERVER_ERROR),
    (530, Cause.SERVER_ERROR),
    (599, Cause.SERVER_ERROR),
    (529, Cause.OVERLOADED),
    (408, Cause.TIMEOUT),
]
DELIVERED = [400, 401, 402, 403, 404, 409, 413, 422, 501]
NEXT_ROUTE = [408, 500, 502, 503, 504, 520, 526, 529, 599]
REPEATED = [Cause.RATE_LIMIT, Cause.OVERLOADED, Cause.SERVER_ERROR, Cause.CONNECTION_FAILURE, Cause.TIMEOUT]
REFUSED = [Cause.SPEND_LIMIT, Cause.BILLING, Cause.AUTHENTICATION, Cause.PERMISSION, Cause.NOT_FOUND]
"""What a route says of its own credential."""


@pytest.mark.parametrize(("status", "cause"), ROWS)
def test_cause_of_each_status(status: int, cause: Cause) -> None:
    assert cause_of_status(status) is cause


@given(st.integers(100, 399), st.none() | st.text())
def test_success_and_redirects_have_no_cause(status: int, code: str | None) -> None:
    assert cause_of_status(status, code) is None


@given(st.integers(400, 999), st.none() | st.text())
def test_every_error_status_has_a_cause(status: int, code: str | None) -> None:
    assert isinstance(cause_of_status(status, code), Cause)


@pytest.mark.parametrize("code", sorted(SPEND_LIMIT_CODES))
def test_429_with_a_spend_limit_code_is_a_spend_limit(code: str) -> None:
    assert cause_of_status(429, code) is Cause.SPEND_LIMIT
    assert cause_of_error_event("rate_limit_error", code) is Cause.SPEND_LIMIT
    assert cause_of_status(400, code) is Cause.INVALID_REQUEST
    assert cause_of_error_event("api_error", code) is Cause.SERVER_ERROR


@pytest.mark.parametrize(
    "message",
    [
        "Extra usage is required for long context requests.",
        "Your workspace has reached its spend limit.",
        "You have reached your specified workspace API usage limits.",
        "This request would exceed your organization's rate limit of 0 input tokens per minute.",
    ],
)
def test_429_whose_message_tells_of_money_or_an_entitlement_is_a_spend_limit(message: str) -> None:
    assert cause_of_status(429, None, message) is Cause.SPEND_LIMIT
    assert cause_of_error_event("rate_limit_error", None, message) is Cause.SPEND_LIMIT
    assert cause_of_status(529, None, message) is Cause.OVERLOADED


@pytest.mark.parametrize(
    "message",
    [
        "This request would exceed your organization's rate limit of 50,000 input tokens per minute.",
        "Number of requests has exceeded your rate limit.",
        "This request would exceed your account's rate limit. Please try again later.",
        "Number of concurrent connections has exceeded your rate limit.",
        "Error",
        "",
    ],
)
def test_429_whose_message_tells_of_a_rate_is_a_rate_limit(message: str) -> None:
    assert cause_of_status(429, None, message) is Cause.RATE_LIMIT


@pytest.mark.parametrize("code", [None, "ramp_limit_exceeded", "something_new"])
def test_429_with_any_other_code_is_a_rate_limit(code: str | None) -> None:
    assert cause_of_status(429, code) is Cause.RATE_LIMIT
    assert cause_of_error_event("rate_limit_error", code) is Cause.RATE_LIMIT


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("overloaded_error", Cause.OVERLOADED),
        ("api_error", Cause.SERVER_ERROR),
        ("timeout_error", Cause.TIMEOUT),
        ("invalid_request_error", Cause.INVALID_REQUEST),
        ("authentication_error", Cause.AUTHENTICATION),
        ("billing_error", Cause.BILLING),
        ("permission_error", Cause.PERMISSION),
        ("not_found_error", Cause.NOT_FOUND),
        ("conflict_error", Cause.CONFLICT),
        ("request_too_large", Cause.TOO_LARGE),
        ("of_tomorrow_error", Cause.SERVER_ERROR),
        (None, Cause.SERVER_ERROR),
    ],
)
def test_cause_of_each_error_event(kind: str | None, cause: Cause) -> None:
    assert cause_of_error_event(kind) is cause


@pytest.mark.parametrize("status", DELIVERED)
def test_what_is_the_callers_to_mend_is_delivered_at_once(
    status: int, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    story = play(snapshot(2), [answer(status)])
    assert (story.routes, story.status, story.pauses) == (["r0"], status, [])


@pytest.mark.parametrize("status", [401, 402, 403, 404, 501])
def test_another_route_is_asked_if_fallback_causes_says_so(
    status: int, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    asked = cause_of_status(status)
    story = play(snapshot(2, fallback={"causes": [asked]}), [answer(status), answer(200)])
    assert (story.routes, story.status, story.pauses) == (["r0", "r1"], 200, [])


def test_spend_limit_is_delivered_and_another_route_asked_only_if_the_policy_says_so(
    play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    spent = answer(429, code="enforced_spend_limit_reached", retry_after=1)
    assert play(snapshot(2), [spent]).routes == ["r0"]
    asked = snapshot(2, fallback={"causes": ["SpendLimit"]})
    assert play(asked, [spent, answer(200)]).routes == ["r0", "r1"]


def test_rate_limit_waits_retry_after_and_jitter_on_the_same_route(
    play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    story = play(snapshot(2), [answer(429, retry_after=7), answer(200)], chance=0.25)
    assert story.routes == ["r0", "r0"]
    assert story.pauses == [7.25]


@pytest.mark.parametrize("status", NEXT_ROUTE)
def test_trouble_of_the_route_goes_to_the_next_route_at_once(
    status: int, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    story = play(snapshot(2), [answer(status), answer(200)])
    assert (story.routes, story.pauses) == (["r0", "r1"], [])


@pytest.mark.parametrize("status", NEXT_ROUTE)
def test_trouble_of_the_only_route_is_waited_out_with_backoff(
    status: int, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    story = play(snapshot(1), [answer(status), answer(200)], chance=0.5)
    assert (story.routes, story.pauses) == (["r0", "r0"], [0.5])
    assert [wait.reason for _, wait in story.waits] == ["backoff"]


@pytest.mark.parametrize("cause", [Cause.CONNECTION_FAILURE, Cause.TIMEOUT])
def test_a_send_without_an_answer_goes_to_the_next_route_else_backs_off(
    cause: Cause, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    lost = Outcome(cause, our_timeout=cause is Cause.TIMEOUT)
    assert play(snapshot(2), [lost, answer(200)]).routes == ["r0", "r1"]
    assert play(snapshot(1), [lost, answer(200)]).pauses == [0.5]


@pytest.mark.parametrize("status", [200, 204, 301, 304, 307])
def test_success_and_redirects_are_delivered_unchanged(
    status: int, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    story = play(snapshot(2), [answer(status)])
    assert (story.routes, story.status, story.end.reason) == (["r0"], status, StopReason.SUCCESS)


@pytest.mark.parametrize("cause", REPEATED)
def test_cause_that_passes_is_repeated_where_retry_causes_names_it(
    cause: Cause, play: Any, snapshot: Any
) -> None:
    ended = Outcome(cause, 599, has_response=True)
    named = snapshot(2, retry={"causes": [cause]}, fallback={"causes": []})
    unnamed = snapshot(2, retry={"causes": []}, fallback={"causes": []})
    assert play(named, [ended]).routes == ["r0"] * 4
    assert play(unnamed, [ended]).routes == ["r0"]


@pytest.mark.parametrize("cause", REPEATED + REFUSED)
def test_cause_goes_to_another_route_where_fallback_causes_names_it(
    cause: Cause, play: Any, snapshot: Any
) -> None:
    ended = Outcome(cause, 599, has_response=True)
    named = snapshot(2, retry={"causes": []}, fallback={"causes": [cause]})
    unnamed = snapshot(2, retry={"causes": []}, fallback={"causes": []})
    assert play(named, [ended]).routes == ["r0", "r1"]
    assert play(unnamed, [ended]).routes == ["r0"]


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in REPEATED])
def test_policy_cannot_ask_to_repeat_what_would_end_the_same(cause: Cause, snapshot: Any) -> None:
    with pytest.raises(ValidationError, match=r"retry\.causes\.0"):
        snapshot(1, retry={"causes": [cause]})


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in REPEATED + REFUSED])
def test_policy_cannot_ask_another_route_what_is_wrong_with_the_request(cause: Cause, snapshot: Any) -> None:
    with pytest.raises(ValidationError, match=r"fallback\.causes\.0"):
        snapshot(2, fallback={"causes": [cause]})


@pytest.mark.parametrize("cause", Cause)
def test_later_routes_refusal_gives_way_to_an_earlier_answer_if_it_is_about_that_routes_credential(
    cause: Cause, play: Any, snapshot: Any, answer: Callable[..., Outcome]
) -> None:
    policy = snapshot(2, retry={"maxAttempts": 2})
    story = play(policy, [answer(529), Outcome(cause, 499, has_response=True)])
    assert (story.routes, story.status) == (["r0", "r1"], 529 if cause in REFUSED else 499)
