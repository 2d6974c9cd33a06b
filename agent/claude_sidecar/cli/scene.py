"""From what `explain` is told to the scene that it plays: a request's facts, and how its attempts end."""

from collections.abc import Sequence

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.cli.rehearsal import Scene
from claude_sidecar.policy.classify import SPEND_LIMIT_CODES, cause_of_error_event, cause_of_status
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import Asked, keeps_bodies, read_sdk_headers, request_facts
from claude_sidecar.providers.registry import unserved
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.wire.retry_headers import read_retry_hints

Lines = Sequence[tuple[bytes, bytes]]

WITHOUT_ANSWER = {"connection_error": Cause.CONNECTION_FAILURE, "timeout": Cause.TIMEOUT}
"""What `--error-type` may name without a status."""


def scene_of(
    snapshot: Snapshot,
    status: int | None,
    error_type: str | None,
    lines: Lines,
    model: str | None,
    *,
    stream: bool,
    times: int | None,
) -> Scene:
    """The scene of one call; lines: lower-case names, the response's header lines and the request's in one.

    status None: nothing answers, and error_type is one of WITHOUT_ANSWER.
    """
    # Of a repeated line the proxy reads the first.
    sdk = read_sdk_headers(dict(reversed(lines)))
    asked = Asked(model, stream=stream, repeatable=keeps_bodies(snapshot))
    facts = request_facts(snapshot, asked, sdk, 0.0, unserved(snapshot, asked))
    return Scene(snapshot, facts, _failure(status, error_type, lines, stream=stream), times)


def _failure(status: int | None, error_type: str | None, lines: Lines, *, stream: bool) -> Outcome:
    if status is None:
        cause = WITHOUT_ANSWER[error_type or ""]
        return Outcome(cause, our_timeout=cause is Cause.TIMEOUT)
    code = error_type if error_type in SPEND_LIMIT_CODES else None
    failed = cause_of_status(status, code)
    if status < 300 and error_type is not None and stream:
        failed = cause_of_error_event(error_type, code)
    hints = read_retry_hints(lines, status, clock.unix_ns() / 1e9)
    return Outcome(failed, status, has_response=True, hints=hints)
