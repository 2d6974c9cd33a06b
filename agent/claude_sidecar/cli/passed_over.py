"""What of `explain`'s input decides nothing, so that nobody takes the steps for its doing."""

from collections.abc import Iterator

from claude_sidecar.cli.scene import Answer
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import SdkHeaders

_TRUE_OR_FALSE = (b"true", b"false")


def passed_over(answer: Answer, ending: Outcome, sdk: SdkHeaders, *, stream: bool) -> Iterator[str]:
    """One line each. ending: of an attempt on the first route; sdk: what was read of the request's lines."""
    yield from _of_type(answer, ending, stream=stream)
    for name, value in dict(reversed(answer.lines)).items():
        if name in (b"retry-after", b"retry-after-ms") and ending.hints.retry_after_s is None:
            if ending.cause is not None:
                yield f"{name.decode()} is no number of seconds and no HTTP date: it counts as not said"
        elif name == b"x-should-retry" and value.strip().lower() not in _TRUE_OR_FALSE:
            yield "x-should-retry is neither true nor false: it counts as not said"
        elif name == b"x-stainless-retry-count" and not sdk.retry_count and value.strip(b" 0"):
            yield "x-stainless-retry-count is no number: it counts as 0"
        elif name in (b"x-stainless-timeout", b"x-stainless-read-timeout") and sdk.timeout_s is None:
            yield f"{name.decode()} is no number of seconds: it counts as not said"


def _of_type(answer: Answer, ending: Outcome, *, stream: bool) -> Iterator[str]:
    status, kind = answer.status, answer.error_type
    if status is not None and status > 599:
        yield "HTTP has no status over 599 (RFC 9110, section 15): it goes on as it came, a server's error"
    if status is None or not kind or answer.code is not None:
        return
    if status < 300 and not stream:
        yield "an error comes inside a 200 in streams alone: for one, give --stream"
    elif 300 <= status < 400:
        yield "a redirect is delivered as it came, whatever its body says"
    elif status >= 400 and cause_of_error_event(kind) is not ending.cause:
        yield f"the status decides, not the error type: {status} is {ending.cause}"
