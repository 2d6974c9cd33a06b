"""Rate-limit headers: parsed where they make sense, ignored where not; which limit a 429 hit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.rate_limits import NO_LIMITS, Bucket, RateLimits, UnifiedWindow
from claude_sidecar.wire.rate_limit_headers import limit_hit, names_limits, parse_rate_limits

NOW = 1_779_805_800.0  # 2026-05-26T14:30:00Z
NAMES = st.sampled_from(
    [
        f"anthropic-{family}-{part}".encode()
        for family in ("ratelimit-requests", "ratelimit-tokens", "fast-input-tokens", "ratelimit-unified-5h")
        for part in ("limit", "remaining", "reset", "status", "utilization")
    ]
)
VALUES = (
    st.binary(max_size=30)
    | st.integers().map(lambda n: str(n).encode())
    | st.datetimes().map(lambda at: at.isoformat().encode())
)
LINES = st.lists(st.tuples(NAMES | st.binary(max_size=40), VALUES), max_size=10)


def lines(text: str) -> list[tuple[bytes, bytes]]:
    """Header pairs from `name: value` lines."""
    pairs = (line.split(":", 1) for line in text.strip().splitlines())
    return [(name.strip().encode(), value.strip().encode()) for name, value in pairs]


def test_the_documented_families_are_read() -> None:
    limits = parse_rate_limits(
        lines("""
            Anthropic-RateLimit-Requests-Limit: 4000
            anthropic-ratelimit-requests-remaining: 0
            anthropic-ratelimit-requests-reset: 2026-05-26T14:31:00Z
            anthropic-ratelimit-input-tokens-limit: 400000
            anthropic-ratelimit-input-tokens-remaining: 142000
            anthropic-ratelimit-output-tokens-remaining: 0
            anthropic-ratelimit-tokens-limit: 80000
            anthropic-priority-input-tokens-limit: 7
            anthropic-priority-output-tokens-remaining: 6
            anthropic-fast-input-tokens-remaining: 5
            anthropic-fast-output-tokens-remaining: 4
            anthropic-version: 2023-06-01
        """),
        NOW,
    )
    assert limits == RateLimits(
        requests=Bucket(4000, 0, NOW + 60),
        input_tokens=Bucket(400_000, 142_000),
        output_tokens=Bucket(remaining=0),
        tokens=Bucket(limit=80_000),
        priority_input_tokens=Bucket(limit=7),
        priority_output_tokens=Bucket(remaining=6),
        fast_input_tokens=Bucket(remaining=5),
        fast_output_tokens=Bucket(remaining=4),
    )


def test_a_subscriptions_windows_are_read() -> None:
    limits = parse_rate_limits(
        lines("""
            anthropic-ratelimit-unified-status: rejected
            anthropic-ratelimit-unified-reset: 1779809400
            anthropic-ratelimit-unified-5h-utilization: 0.42
            anthropic-ratelimit-unified-7d-status: allowed_warning
            anthropic-ratelimit-unified-overage-reset: 1779805860
        """),
        NOW,
    )
    assert limits == RateLimits(
        unified=UnifiedWindow("rejected", NOW + 3600),
        unified_5h=UnifiedWindow(utilization=0.42),
        unified_7d=UnifiedWindow("allowed_warning"),
        unified_overage=UnifiedWindow(reset_s=NOW + 60),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-26T14:31:00Z", NOW + 60),
        ("2026-05-26T16:31:00+02:00", NOW + 60),
        ("2026-05-26T14:31:00.5Z", NOW + 60.5),
        ("2026-05-26T14:31:00", NOW + 60),
        ("1779805860", NOW + 60),
        ("1779805860.25", NOW + 60.25),
        ("2026-05-26T14:00:00Z", NOW),
        ("1779805860000", None),
        ("2027-05-26T14:31:00Z", None),
        ("soon", None),
        ("", None),
        ("9" * 50, None),
        ("0001-01-01T00:00:00+23:59", NOW),
    ],
)
def test_a_reset_is_read_in_both_forms_and_kept_within_reason(value: str, expected: float | None) -> None:
    limits = parse_rate_limits([(b"anthropic-ratelimit-requests-reset", value.encode())], NOW)
    assert (limits.requests.reset_s if limits.requests else None) == expected


@pytest.mark.parametrize("value", [b"-1", b"1.5", b"many", b"", b"\xc2\xb2", b"9" * 16, b"0x10", b"1_000"])
def test_a_count_that_is_no_count_is_ignored(value: bytes) -> None:
    assert parse_rate_limits([(b"anthropic-ratelimit-requests-remaining", value)], NOW) is NO_LIMITS


def test_an_answer_without_limits_is_normal() -> None:
    plain = [(b"content-type", b"application/json"), (b"anthropic-organization-id", b"x")]
    assert parse_rate_limits(plain, NOW) is NO_LIMITS


ARTICLE = """
    retry-after: 12
    anthropic-ratelimit-requests-limit: 4000
    anthropic-ratelimit-requests-remaining: 0
    anthropic-ratelimit-input-tokens-limit: 400000
    anthropic-ratelimit-input-tokens-remaining: 142000
    anthropic-ratelimit-output-tokens-limit: 80000
    anthropic-ratelimit-output-tokens-remaining: 0
"""


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ("anthropic-ratelimit-requests-remaining: 0", None, "requests"),
        ("anthropic-ratelimit-input-tokens-remaining: 0", None, "input-tokens"),
        ("anthropic-ratelimit-output-tokens-remaining: 0", None, "output-tokens"),
        ("anthropic-fast-output-tokens-remaining: 0", None, "output-tokens"),
        ("anthropic-priority-input-tokens-remaining: 0", None, "input-tokens"),
        (ARTICLE, "rate limit exceeded for output_tokens", "output-tokens"),
        (ARTICLE, "number of requests exceeded", "requests"),
        (ARTICLE, "exceeds 400,000 input tokens per minute", "output-tokens"),
        (ARTICLE, None, "output-tokens"),
        ("anthropic-ratelimit-requests-remaining: 3", None, "unknown"),
        (
            "x: y",
            "would exceed your organization's rate limit of 30,000 input tokens per minute",
            "input-tokens",
        ),
        ("x: y", "rate limit of 50 requests per minute", "requests"),
        ("x: y", "workspace spend limit reached", "spend"),
        ("x: y", "This request would exceed the rate limit", "unknown"),
        ("x: y", "Error", "unknown"),
        ("anthropic-ratelimit-requests-remaining: 0", "output tokens", "requests"),
    ],
)
def test_the_limit_hit_is_the_family_at_zero(headers: str, message: str | None, expected: str) -> None:
    assert limit_hit(lines(headers), None, message) == expected


@pytest.mark.parametrize(("mirrored", "expected"), [("input", "input-tokens"), ("output", "output-tokens")])
def test_the_tightest_tokens_at_zero_stand_for_the_family_of_that_size(mirrored: str, expected: str) -> None:
    other = "output" if mirrored == "input" else "input"
    headers = lines(f"""
        anthropic-ratelimit-tokens-limit: 80000
        anthropic-ratelimit-tokens-remaining: 0
        anthropic-ratelimit-{mirrored}-tokens-limit: 80000
        anthropic-ratelimit-{other}-tokens-limit: 400000
    """)
    assert limit_hit(headers) == expected


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_a_spend_code_beats_every_header(code: str) -> None:
    assert limit_hit(lines(ARTICLE), code, "output tokens") == "spend"


@given(LINES, st.none() | st.text(max_size=50))
def test_any_headers_are_read_without_raising(
    headers: list[tuple[bytes, bytes]], message: str | None
) -> None:
    limits = parse_rate_limits(headers, NOW)
    for bucket in (limits.requests, limits.tokens, limits.fast_input_tokens, limits.unified_5h):
        if bucket is not None and bucket.reset_s is not None:
            assert NOW <= bucket.reset_s <= NOW + 40 * 86_400
    limit_hit(headers, None, message)


@pytest.mark.parametrize(
    ("name", "read", "not_read"),
    [
        (b"anthropic-ratelimit-requests-limit", b" 50 ", b"fifty"),
        (b"anthropic-ratelimit-requests-remaining", b"0", b"-1"),
        (b"anthropic-ratelimit-tokens-reset", b"2026-01-01T00:00:00Z", b"soon"),
        (b"anthropic-ratelimit-unified-status", b"allowed", b"?"),
        (b"anthropic-ratelimit-unified-5h-utilization", b"0.5", b"half"),
    ],
)
def test_limits_are_named_where_one_line_at_least_can_be_read(
    name: bytes, read: bytes, not_read: bytes
) -> None:
    garbled = {b"anthropic-ratelimit-input-tokens-limit": b"x", b"retry-after": b"3"}
    assert names_limits(garbled | {name: read})
    assert not names_limits(garbled | {name: not_read})
    assert not names_limits({b"retry-after": b"3"})
