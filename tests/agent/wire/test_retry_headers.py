"""Reading retry-after, retry-after-ms and x-should-retry: any bytes, every form of an HTTP date."""

import os
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.outcome import NO_HINTS, RetryHints
from claude_sidecar.wire.retry_headers import read_retry_hints

NOW = datetime(1994, 11, 6, 8, 49, 30, tzinfo=UTC).timestamp()
LONGEST_S = 4_294_967.0


def after(value: bytes) -> float | None:
    return read_retry_hints([(b"Retry-After", value)], 503, NOW).retry_after_s


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"7", 7.0),
        (b"0", 0.0),
        (b"1.5", 1.5),
        (b" 12 ", 12.0),
        (b"403973", 403973.0),
        (b"99999999999", LONGEST_S),
        (b"-1", None),
        (b"nan", None),
        (b"inf", None),
        (b"1e400", None),
        (b"9" * 400, None),
        (b"soon", None),
        (b"", None),
        (b"\xff", None),
        (b"12 seconds", None),
    ],
)
def test_retry_after_in_seconds(value: bytes, seconds: float | None) -> None:
    assert after(value) == seconds


@pytest.mark.parametrize(
    "value",
    [b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"],
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_retry_after_as_a_date_in_each_form_of_http(
    value: bytes, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert after(value) == 7.0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") == before


def test_a_date_that_has_passed_is_no_wait() -> None:
    assert after(b"Sun, 06 Nov 1994 08:49:00 GMT") == 0.0


def test_milliseconds_are_finer_and_win() -> None:
    lines = [(b"retry-after-ms", b"1500"), (b"retry-after", b"2")]
    assert read_retry_hints(lines, 503, NOW).retry_after_s == 1.5
    assert read_retry_hints(lines[::-1], 503, NOW).retry_after_s == 1.5
    assert (
        read_retry_hints([(b"retry-after-ms", b"soon"), (b"retry-after", b"2")], 503, NOW).retry_after_s == 2
    )
    assert read_retry_hints([(b"retry-after-ms", b"1e15")], 503, NOW).retry_after_s == LONGEST_S


@pytest.mark.parametrize(
    ("value", "said"),
    [(b"true", True), (b"false", False), (b" False ", False), (b"TRUE", True), (b"1", None), (b"", None)],
)
def test_x_should_retry(value: bytes, said: bool | None) -> None:
    assert read_retry_hints([(b"X-Should-Retry", value)], 503, NOW).should_retry is said


def test_an_answer_that_says_nothing_is_silent() -> None:
    assert read_retry_hints([(b"content-type", b"x"), (b"retry-aftez", b"3")], 503, NOW) is NO_HINTS


NAMES = st.sampled_from([b"retry-after", b"Retry-After-Ms", b"x-should-retry"])


@given(st.lists(st.tuples(NAMES | st.binary(max_size=15), st.binary(max_size=40)), max_size=5))
def test_no_bytes_make_it_raise_or_wait_without_end(lines: list[tuple[bytes, bytes]]) -> None:
    hints = read_retry_hints(lines, 503, NOW)
    assert hints.retry_after_s is None or 0 <= hints.retry_after_s <= LONGEST_S


DATE_PARTS = st.sampled_from(
    [
        "Sun, ",
        " 06 ",
        "-",
        "Nov",
        ":",
        "08:49:37",
        "1994",
        "94",
        " GMT",
        " -0000",
        " +9999",
        "9" * 11,
        "(",
        "a",
    ]
)


@given(st.lists(DATE_PARTS, max_size=10))
def test_nearly_dates_do_not_make_it_raise(parts: list[str]) -> None:
    seconds = after("".join(parts).encode())
    assert seconds is None or 0 <= seconds <= LONGEST_S


@given(st.integers(0, 250_000_000_000))
def test_every_date_counts_from_the_wall_clock(unix_s: int) -> None:
    value = format_datetime(datetime.fromtimestamp(unix_s, UTC), usegmt=True).encode()
    expected = min(max(0.0, unix_s - NOW), LONGEST_S)
    assert read_retry_hints([(b"retry-after", value)], 503, NOW) == RetryHints(expected, None)


def at(seconds: float) -> bytes:
    """An HTTP date so many seconds after NOW."""
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True).encode()


@pytest.mark.parametrize("ahead", [-600, 0, 600])
def test_a_date_is_read_against_the_answers_own_clock(ahead: float) -> None:
    lines = [(b"date", at(ahead)), (b"retry-after", at(ahead + 3))]
    assert read_retry_hints(lines, 429, NOW).retry_after_s == 3.0
    assert read_retry_hints(lines[::-1], 429, NOW).retry_after_s == 3.0


def test_a_date_beside_an_unreadable_clock_is_read_against_ours() -> None:
    assert read_retry_hints([(b"date", b"today"), (b"retry-after", at(3))], 429, NOW).retry_after_s == 3.0


def window(status: bytes, reset_s: float, name: bytes = b"") -> list[tuple[bytes, bytes]]:
    family = b"anthropic-ratelimit-unified" + name
    return [(family + b"-status", status), (family + b"-reset", b"%d" % (NOW + reset_s))]


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (window(b"rejected", 7200), 7200.0),
        (window(b"allowed", 7200), None),
        (window(b"allowed_warning", 7200), None),
        ([*window(b"rejected", 7200), (b"retry-after", b"5")], 7200.0),
        ([*window(b"rejected", 5), (b"retry-after", b"7200")], 7200.0),
        (window(b"rejected", 60) + window(b"rejected", 9000, b"-7d"), 9000.0),
        (window(b"allowed", 60) + window(b"rejected", 9000, b"-7d"), None),
        (window(b"rejected", 9000, b"-5h") + window(b"allowed", 99000, b"-7d"), 9000.0),
        (window(b"rejected", -50), 0.0),
        ([(b"anthropic-ratelimit-unified-status", b"rejected")], None),
        ([(b"date", at(600)), *window(b"rejected", 7800)], 7200.0),
    ],
)
def test_a_429_of_a_used_up_window_counts_as_one_that_names_its_reset(
    lines: list[tuple[bytes, bytes]], seconds: float | None
) -> None:
    assert read_retry_hints(lines, 429, NOW).retry_after_s == seconds
    told = next((float(value) for name, value in lines if name == b"retry-after"), None)
    assert read_retry_hints(lines, 529, NOW).retry_after_s == told
