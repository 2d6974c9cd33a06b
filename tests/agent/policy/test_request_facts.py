"""What the decision is told of a request: the same for the proxy and for `explain`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.request_facts import (
    Asked,
    Circuit,
    SdkHeaders,
    first_byte_s,
    keeps_bodies,
    read_sdk_headers,
    request_facts,
)


@pytest.mark.parametrize(
    ("said", "repeats"),
    [
        (None, 0),
        (b"", 0),
        (b"0", 0),
        (b"2", 2),
        (b" 2 ", 2),
        (b"0002", 2),
        (b"x", 0),
        (b"-1", 0),
        (b"1.5", 0),
        (b"\xb2", 0),
        (b"12345", 1000),
        (b"9" * 60_000, 1000),
    ],
)
def test_sdk_repeats_are_a_bounded_number_or_none(said: bytes | None, repeats: int) -> None:
    headers = {b"x-stainless-retry-count": said} if said is not None else {}
    assert read_sdk_headers(headers).retry_count == repeats


@given(st.binary(max_size=40))
def test_sdk_repeats_of_any_bytes_are_within_bounds(said: bytes) -> None:
    assert 0 <= read_sdk_headers({b"x-stainless-retry-count": said}).retry_count <= 1000


@pytest.mark.parametrize(
    ("said", "sends"), [(b"0", 4), (b"1", 3), (b"2", 2), (b"3", 1), (b"4", 1), (b"12345", 1), (b"many", 4)]
)
def test_sends_are_what_the_policy_allows_less_the_sdks_repeats(
    said: bytes, sends: int, snapshot: Any
) -> None:
    facts = request_facts(snapshot(2), Asked("m"), read_sdk_headers({b"x-stainless-retry-count": said}), 0.0)
    assert facts.max_attempts == sends


def test_sends_of_what_passes_once_are_one(snapshot: Any) -> None:
    assert (
        request_facts(snapshot(2), Asked(None, None, repeatable=False), SdkHeaders(), 0.0).max_attempts == 1
    )


def test_callers_patience_bounds_the_deadline_and_leaves_the_policys_own(snapshot: Any) -> None:
    facts = request_facts(snapshot(1), Asked("m"), SdkHeaders(timeout_s=60.0), 100.0)
    assert (facts.deadline_s, facts.total_by_s) == (159.75, 699.75)


@pytest.mark.parametrize(
    ("asked", "soon", "repeats"),
    [
        (Asked("m"), False, False),
        (Asked("m", stream=True), True, True),
        (Asked("m", "count_tokens"), True, True),
        (Asked(None, None, is_post=False), False, True),
    ],
)
def test_only_what_may_work_for_minutes_is_not_repeated_after_our_timeout(
    asked: Asked, soon: bool, repeats: bool, snapshot: Any
) -> None:
    facts = request_facts(snapshot(1), asked, SdkHeaders(), 0.0)
    assert (facts.responds_soon, facts.timeout_repeats) == (soon, repeats)


@pytest.mark.parametrize(
    ("operation", "circuit"),
    [
        ("chat", Circuit.MESSAGES),
        ("text_completion", Circuit.MESSAGES),
        ("count_tokens", Circuit.COUNTS),
        (None, None),
    ],
)
def test_messages_and_counts_have_a_circuit_each_and_nothing_else_has_one(
    operation: str | None, circuit: Circuit | None, snapshot: Any
) -> None:
    assert request_facts(snapshot(1), Asked("m", operation), SdkHeaders(), 0.0).circuit is circuit


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({}, True),
        ({"maxBufferedMiB": 0}, True),
        ({"spoolMiB": 0}, True),
        ({"maxBufferedMiB": 0, "spoolMiB": 0}, False),
    ],
)
def test_bodies_are_kept_where_the_policy_has_any_room_for_them(
    limits: dict[str, int], kept: bool, snapshot: Any
) -> None:
    assert keeps_bodies(snapshot(1, limits=limits)) is kept


@pytest.mark.parametrize(
    ("asked", "elsewhere", "limit_s"),
    [
        (Asked("m", stream=True), True, 7.0),
        (Asked("m", "count_tokens"), True, 7.0),
        (Asked("m", stream=True), False, None),
        (Asked("m"), True, None),
    ],
)
def test_first_byte_ends_only_what_answers_soon_and_has_somewhere_to_go(
    asked: Asked, elsewhere: bool, limit_s: float | None, snapshot: Any
) -> None:
    policy = snapshot(1, timeouts={"firstByte": "7s"})
    facts = request_facts(policy, asked, SdkHeaders(), 0.0)
    assert first_byte_s(policy, facts, elsewhere=elsewhere) == limit_s
