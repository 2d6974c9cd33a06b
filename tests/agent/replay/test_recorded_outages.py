"""Outages out of the list that `/requests` gives: what each route answered when, and what is not known."""

import json

import pytest
from support.played import attempt, entry, overloaded, policy

from claude_sidecar.replay.outage import OutageInvalid
from claude_sidecar.replay.outage_file import outage_in
from claude_sidecar.replay.play import play

HASTY = {"backoff": {"initial": "0s", "max": "0s"}}


def outage_of(*entries):
    # Newest first, as the list is.
    return outage_in(json.dumps(entries[::-1]).encode(), "calls.json")


def course_of(snapshot, *entries):
    return play(outage_of(*entries), snapshot, 0)


def ends(course):
    return [(end.status, end.sends) for end in course.ends]


def wrong(text: str) -> str:
    with pytest.raises(OutageInvalid) as invalid:
        outage_in(text.encode(), "calls.json")
    return str(invalid.value)


def test_a_send_meets_what_the_nearest_one_met() -> None:
    bad = [entry(at, overloaded()) for at in (0, 1, 2)]
    good = [entry(at, attempt()) for at in (3, 4)]
    course = course_of(policy(retry={"maxAttempts": 1}), *bad, *good)
    assert [end.status for end in course.ends] == [529, 529, 529, 200, 200]


def test_a_policy_that_waits_meets_what_was_then_the_case() -> None:
    bad = [entry(at, overloaded(retryAfterSeconds=6)) for at in (0, 1, 2)]
    good = [entry(at, attempt()) for at in (5, 6, 7, 8, 9)]
    course = course_of(policy(), *bad, *good)
    assert ends(course)[0] == (200, ("one", "one"))
    assert course.ends[0].waited_s >= 6


def test_each_model_has_its_own_course() -> None:
    other = {"model": "claude-haiku-4-5"}
    course = course_of(
        policy(retry={"maxAttempts": 1}),
        entry(0, overloaded()),
        entry(0.1, attempt(**other), **other),
        entry(0.2, overloaded()),
    )
    assert [end.status for end in course.ends] == [529, 200, 529]


def test_a_route_that_was_never_asked_is_assumed_to_be_well_and_that_is_said() -> None:
    course = course_of(policy("one", "two"), entry(0, overloaded(), status=529), entry(9, attempt()))
    assert ends(course)[0] == (200, ("one", "two"))
    (said,) = course.assumed
    assert said.startswith("route two was never asked in the recording, so nothing is known of it")
    assert "ASSUMED to be well" in said


def test_sends_far_from_any_recorded_one_are_counted() -> None:
    course = course_of(policy(), entry(0, overloaded(retryAfterSeconds=50)), entry(600, attempt()))
    assert "3 sends are more than 30s from any recorded one" in " ".join(course.assumed)


def test_a_fault_of_the_call_itself_is_met_wherever_it_is_sent_and_by_no_other() -> None:
    bad = attempt(status=400, cause="InvalidRequest", errorType="invalid_request_error")
    course = course_of(policy("one", "two"), entry(0, attempt()), entry(0.1, bad), entry(0.2, attempt()))
    assert ends(course) == [(200, ("one",)), (400, ("one",)), (200, ("one",))]


def test_repeats_of_an_sdk_tell_of_the_route_and_are_not_asked_again() -> None:
    outage = outage_of(entry(0, overloaded()), entry(1, attempt(), sdkRetryCount=1))
    assert len(outage.calls) == 1
    assert "1 calls are an SDK's repeats" in " ".join(outage.known)


def test_what_is_no_inference_is_left_out_and_told() -> None:
    outage = outage_of(entry(0, attempt()), entry(1, attempt(), operation=None))
    assert len(outage.calls) == 1
    assert "1 calls are no messages, completions or counts" in " ".join(outage.known)


def test_a_send_that_was_given_up_in_silence_is_silent_for_ever() -> None:
    silent = attempt(status=None, cause="Timeout", firstByteMs=None, durationMs=60_000)
    course = course_of(policy(timeouts={"total": "90s"}), entry(0, silent, status=504, stream=True))
    assert course.ends[0].error == "gateway_timeout"
    assert course.ends[0].seconds == pytest.approx(90, abs=1)


def test_an_app_that_left_leaves_at_the_same_age_unless_it_is_answered_before() -> None:
    slow = attempt(durationMs=5000, firstByteMs=5000)
    left = entry(0, attempt(cancelled=True, status=None), cancelled=True, status=None, durationMs=2000)
    assert [end.left for end in course_of(policy(), left, entry(0, slow)).ends] == [True, False]
    assert [end.left for end in course_of(policy(), left, entry(0, attempt())).ends] == [False, False]


@pytest.mark.parametrize(
    ("status", "cause", "error"),
    [
        (429, "RateLimit", "rate_limit_error"),
        (429, "SpendLimit", "rate_limit_error"),
        (401, "Authentication", "authentication_error"),
        (500, "ServerError", "api_error"),
        (502, "ServerError", None),
        (529, "Overloaded", "overloaded_error"),
        (408, "Timeout", None),
        (None, "ConnectionFailure", "connection_error"),
    ],
)
def test_a_recorded_cause_is_met_again(status: int | None, cause: str, error: str | None) -> None:
    met = attempt(status=status, cause=cause, errorType=error)
    course = course_of(policy(retry={"maxAttempts": 1}), entry(0, met))
    assert course.failures() == {cause: 1}


def test_streams_break_where_they_broke() -> None:
    cut = attempt(cause="ConnectionFailure", errorType="connection_error")
    late = entry(0, cut, stream=True, commitReason="first-delta", interrupted=True)
    early = entry(60, cut, stream=True)
    event = entry(120, attempt(cause="Overloaded", errorType="overloaded_error"), stream=True)
    course = course_of(policy(retry={"maxAttempts": 1}), late, early, event)
    assert [end.error for end in course.ends] == [
        "gateway_stream_interrupted",
        "gateway_unreachable",
        "overloaded_error",
    ]


def test_tokens_are_those_of_the_sends_that_are_met() -> None:
    used = {"usage": {"inputTokens": 100, "outputTokens": 7, "cacheReadInputTokens": 50}}
    spent = course_of(policy(), entry(0, attempt(**used)), entry(9, attempt(**used), stream=True)).spent
    assert (spent.input, spent.output, spent.cache_read) == (200, 14, 100)


def test_a_list_of_an_older_sidecar_is_told() -> None:
    old = attempt()
    del old["retryAfterSeconds"]
    assert "1 sends are told by an older sidecar" in " ".join(outage_of(entry(0, old)).known)
    assert "older sidecar" not in " ".join(outage_of(entry(0, attempt())).known)


def test_a_jump_of_the_clock_is_told() -> None:
    far = entry(0, attempt(), startedAt="2026-03-02T12:00:00+00:00")
    assert "h: the list has a gap, or the clock was set" in " ".join(
        outage_of(entry(0, attempt()), far).known
    )


def test_a_clock_that_was_set_by_years_is_refused() -> None:
    far = entry(0, attempt(), startedAt="2027-03-01T12:00:00+00:00")
    said = wrong(json.dumps([far, entry(0, attempt())]))
    assert "its calls are 365 days apart; allowed are 31. Was a clock set meanwhile?" in said


def test_calls_whose_times_run_backwards_are_played_in_order() -> None:
    outage = outage_of(entry(5, attempt()), entry(2, overloaded()), entry(9, attempt()))
    assert [call.at_s for call in outage.calls] == [0, 3, 7]


@pytest.mark.parametrize("field", ["model", "policy", "errorType"])
def test_a_key_in_the_place_of_a_name_is_refused_and_not_told(field: str) -> None:
    said = wrong(json.dumps([entry(0, attempt(), **{field: "SK-ant-api03-planted"})]))
    assert said.startswith(f"calls.json: call 1: {field}: this looks like a key, which no name is")
    assert "planted" not in said


def test_what_is_priced_apart_is_met_again() -> None:
    prices = [{"model": "claude-sonnet-4-6", "cacheWritePerMTok": "1", "cacheWrite1hPerMTok": "10"}]
    written = {"cacheCreationInputTokens": 3, "cacheCreation1hInputTokens": 2}
    used = {**written, "webSearchRequests": 1, "apartTokens": 4}
    both = entry(0, attempt(usage=used)), entry(9, attempt(usage=used), stream=True)
    spent = course_of(policy(prices=prices), *both).spent
    assert (str(spent.usd), spent.unpriced) == ("0.000042", {"web_search", "apart"})


def test_a_patience_of_years_comes_to_its_end() -> None:
    silent = attempt(status=None, cause="Timeout", firstByteMs=None, durationMs=60_000)
    patient = policy(timeouts={"total": "99999h", "firstByte": "99999h", "idle": "99999h"})
    course = course_of(patient, entry(0, silent, status=504, stream=True))
    assert course.ends[0].error == "gateway_timeout"
    assert course.ends[0].seconds == pytest.approx(99_999 * 3600, rel=1e-6)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert (
        len(outage_in(b"\xef\xbb\xbf" + json.dumps([entry(0, attempt())]).encode(), "calls.json").calls) == 1
    )


GOOD = json.dumps([entry(0, attempt())])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD[:-40], "is no whole JSON: Input data was truncated. Was it cut while it was written?"),
        ("[]", "holds no call"),
        ("[1, 2]", "call 1: Expected `object`, got `int`. Give the list that /requests"),
        ('[{"a": 1}]', "call 1: Object missing required field `startedAt`"),
        (
            GOOD.replace('"durationMs": 500, "policy"', '"durationMs": -1, "policy"'),
            "call 1: durationMs: Expected",
        ),
        (GOOD.replace('"atMs": 0', '"atMs": "now"'), "call 1: attempts[0].atMs: Expected `float`, got `str`"),
        (
            GOOD.replace("2026-03-01T", "yesterday "),
            "call 1: startedAt: 'yesterday 12:00:00.000+00:00': a time",
        ),
        (GOOD.replace("+00:00", ""), "call 1: startedAt"),
        (GOOD.replace('"chat"', '"embeddings"'), "holds no call to /v1/messages"),
        ("[" * 100_000, "call 1: Expected `object`, got `array`"),
    ],
)
def test_what_is_no_such_list_is_said(text: str, said: str) -> None:
    assert said in wrong(text)
