"""When a silent call is opened and pinged, and when a held stream is committed."""

from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.holding import CommitReason, Opening, commit_by

seconds = st.floats(0, 1e6)
some_seconds = st.floats(0.001, 1e6)
maybe_seconds = st.none() | some_seconds


def opening(quiet_after: float = 15, keep_alive: float = 15, timeout: float | None = None) -> Opening:
    return Opening(quiet_after, keep_alive, 100.0, timeout)


def test_message_that_has_begun_opens_after_quiet_after_from_the_first_head() -> None:
    assert opening().opens_at(103.0, has_begun=True) == 118.0


def test_head_alone_opens_nothing() -> None:
    assert opening().opens_at(103.0, has_begun=False) is None


def test_head_alone_opens_at_half_of_the_callers_time_out() -> None:
    assert opening(timeout=600).opens_at(103.0, has_begun=False) == 400.0


def test_half_of_the_callers_time_out_opens_where_it_is_earlier() -> None:
    assert opening(timeout=4).opens_at(101.0, has_begun=True) == 102.0


@given(some_seconds, seconds, maybe_seconds)
def test_what_has_begun_never_opens_later_than_a_head_would(quiet_after, head_s, timeout) -> None:
    asked = opening(quiet_after, timeout=timeout)
    begun, alone = asked.opens_at(head_s, has_begun=True), asked.opens_at(head_s, has_begun=False)
    assert begun is not None
    assert begun <= head_s + quiet_after
    assert alone is None or begun <= alone


@given(seconds, maybe_seconds, st.booleans())
def test_quiet_after_zero_never_opens(head_s, timeout, has_begun) -> None:
    assert opening(0, timeout=timeout).opens_at(head_s, has_begun=has_begun) is None


@given(some_seconds, maybe_seconds, st.booleans())
def test_pings_come_within_keep_alive_and_the_callers_time_out(keep_alive, timeout, committed) -> None:
    every = opening(15, keep_alive, timeout).ping_after_s(committed=committed)
    assert every is not None
    assert every <= keep_alive
    assert timeout is None or timeout < 0.2 or every <= timeout / 2


def test_tiny_time_out_makes_no_storm_of_pings() -> None:
    assert opening(timeout=0.001).ping_after_s(committed=False) == 0.1


def test_keep_alive_zero_pings_only_a_caller_that_was_promised_bytes() -> None:
    assert opening(keep_alive=0, timeout=10).ping_after_s(committed=False) == 5.0
    assert opening(keep_alive=0, timeout=10).ping_after_s(committed=True) is None
    assert opening(keep_alive=0).ping_after_s(committed=False) is None


@given(seconds, st.none() | seconds, seconds)
def test_held_stream_is_committed_by_the_deadline_at_the_latest(deadline, content_since, hold_max) -> None:
    when, reason = commit_by(deadline, content_since, hold_max)
    assert when <= deadline
    assert (reason is CommitReason.HOLD_MAX) == (when < deadline)
    assert reason is CommitReason.DEADLINE or when == (content_since or 0) + hold_max
