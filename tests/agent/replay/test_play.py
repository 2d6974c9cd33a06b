"""The proxy's own engine on virtual time: what comes of calls in written outages."""

import asyncio

import pytest
from support.played import outage, played, policy

from claude_sidecar import clock
from claude_sidecar.replay.chance import CallChance

TWO = ("one", "two")


def ends(text, snapshot, seed=0):
    return [(end.status, end.error, end.sends) for end in played(text, snapshot, seed).ends]


def test_a_call_without_trouble_is_answered_by_the_first_route() -> None:
    assert ends(outage(), policy(*TWO)) == [(200, None, ("one",))]


def test_an_overload_is_repeated_as_often_as_the_policy_says() -> None:
    assert ends(outage("{status: 529}"), policy()) == [(529, "overloaded_error", ("one",) * 4)]


def test_a_second_route_answers_what_the_first_refuses() -> None:
    course = played(outage("{status: 529}"), policy(*TWO))
    (end,) = course.ends
    assert (end.status, end.sends, end.cured) == (200, TWO, True)
    assert course.sends() == {"one": 1, "two": 1}


def test_a_retry_after_is_waited_for_in_no_time() -> None:
    course = played(outage("{status: 429, retry_after: 40, times: 1}"), policy())
    assert course.ends[0].answered
    assert 40 <= course.waited_s <= 44


def test_a_wait_meets_what_is_the_case_by_then() -> None:
    text = outage("{status: 529, retry_after: 20, match: {window: [0, 19]}}")
    assert ends(text, policy()) == [(200, None, ("one", "one"))]


def test_a_rate_limit_of_real_buckets_says_when_to_come_again() -> None:
    text = outage(load="{calls_per_second: 4}", lasts=2, more="    limits: {rpm: 60, burst_seconds: 4}")
    course = played(text, policy())
    assert course.answered == 8
    assert course.sends()["one"] > 8


def test_a_silent_route_is_left_when_the_policy_says() -> None:
    stream = "{calls_per_second: 1, stream: true}"
    course = played(outage("{first_token: 3600}", load=stream), policy(*TWO, timeouts={"firstByte": "30s"}))
    (end,) = course.ends
    assert (end.status, end.sends) == (200, TWO)
    assert end.seconds == pytest.approx(30, abs=0.1)


def test_a_call_waits_no_longer_than_its_sdk_is_patient() -> None:
    course = played(outage("{first_token: 3600}", load="{calls_per_second: 1, sdk_timeout: 60}"), policy())
    (end,) = course.ends
    assert (end.status, end.error) == (504, "gateway_timeout")
    assert end.seconds == pytest.approx(60, abs=0.5)


def test_an_error_event_before_the_first_delta_is_cured() -> None:
    stream = "{calls_per_second: 1, stream: true}"
    assert ends(outage("{error_at_event: 1}", load=stream), policy(*TWO)) == [(200, None, TWO)]


def test_a_stream_that_breaks_after_its_first_words_is_lost() -> None:
    stream = "{calls_per_second: 1, stream: true}"
    text = outage("{truncate_at_event: 8}", load=stream, more="timing: {tokens_per_second: 50}")
    (end,) = played(text, policy(*TWO)).ends
    assert (end.status, end.error, end.sends) == (200, "gateway_stream_interrupted", ("one",))


def test_a_stream_that_falls_silent_is_broken_off_in_time() -> None:
    stream = "{calls_per_second: 1, stream: true}"
    for rule, limit in (("{stall_at_event: 8}", 300), ("{stall_at_event: 8, pings: true}", 600)):
        (end,) = played(outage(rule, load=stream), policy()).ends
        assert end.error == "gateway_stream_interrupted"
        assert end.seconds == pytest.approx(limit, abs=16)


def test_a_cut_body_is_asked_for_again() -> None:
    assert ends(outage("{truncate_body_at: 5}"), policy(*TWO)) == [(200, None, TWO)]


def test_a_connection_that_breaks_is_no_answer() -> None:
    assert ends(outage("{reset: true}"), policy(retry={"maxAttempts": 1})) == [
        (502, "gateway_unreachable", ("one",))
    ]


def test_more_calls_than_are_served_at_a_time_are_turned_away() -> None:
    text = outage(load="{calls_per_second: 10}", more="timing: {first_token: 5}")
    course = played(text, policy(limits={"maxConcurrent": 4}))
    assert [end.error for end in course.ends].count("gateway_busy") == 6
    assert course.failures() == {"Overloaded": 6}


def test_a_route_with_a_key_and_names_of_its_own_is_asked_for_its_own_model() -> None:
    text = outage("{status: 529, match: {model: theirs}}")
    snapshot = policy(retry={"maxAttempts": 1})
    assert ends(text, snapshot)[0][0] == 200
    named = {
        "name": "one",
        "credential": {"env": "NOT_SET"},
        "models": [{"name": "claude-sonnet-4-6", "id": "theirs"}],
    }
    assert ends(text, policy(retry={"maxAttempts": 1}, routes=[named]))[0][0] == 529


def test_the_same_seed_gives_the_same_course_and_another_seed_other_waits() -> None:
    text = outage("{status: 529, match: {window: [0, 1]}}", load="{calls_per_second: 5}", lasts=3)
    first, again, other = (played(text, policy(), seed) for seed in (1, 1, 2))
    assert first.ends == again.ends
    assert [end.waited_s for end in first.ends] != [end.waited_s for end in other.ends]


def test_what_a_call_draws_does_not_depend_on_the_calls_beside_it() -> None:
    few, many = (CallChance(7, 3) for _ in range(2))
    beside = CallChance(7, 4)
    drawn = [few() for _ in range(1000)]
    assert drawn == [(beside(), many())[1] for _ in range(1000)]
    assert all(0 <= number < 1 for number in drawn)
    assert 0.45 < sum(drawn) / 1000 < 0.55


def test_time_and_chance_are_as_before_when_a_replay_is_over() -> None:
    before = clock.now, clock.unix_ns, clock.chance
    played(outage(), policy())
    assert (clock.now, clock.unix_ns, clock.chance) == before


def test_a_replay_leaves_no_event_loop_behind() -> None:
    played(outage(), policy())
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
