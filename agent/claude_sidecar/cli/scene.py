"""From what `explain` is told to the scene that it plays: a request's facts, and how its attempts end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from claude_sidecar import clock
from claude_sidecar.causes import BY_STATUS, Cause
from claude_sidecar.cli.rehearsal import Scene
from claude_sidecar.policy.classify import SPEND_LIMIT_CODES, cause_of_error_event
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import Asked, keeps_bodies, read_sdk_headers, request_facts
from claude_sidecar.providers.provider import Failure
from claude_sidecar.providers.registry import PROVIDERS, unserved
from claude_sidecar.schema.snapshot import Route, Snapshot

Lines = Sequence[tuple[bytes, bytes]]

WITHOUT_ANSWER = {"connection_error": Cause.CONNECTION_FAILURE, "timeout": Cause.TIMEOUT}
"""What `--error-type` may name without a status."""

_USUAL_TYPES = {400: "invalid_request_error", 500: "api_error"} | {
    status: cause.row.error_types[0] for status, cause in BY_STATUS.items() if status != 501
}
"""`error.type` that the API has with a status. It has none with others: proxies on the way make those."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the attempts end.

    status: None where nothing answers; error_type is then one of WITHOUT_ANSWER. error_type: `error.type` or
    an error code, None for the usual one of the status, empty for a body that is no error's. message:
    `error.message`. lines: lower-case names, the response's header lines and the request's in one.
    """

    status: int | None
    error_type: str | None = None
    message: str | None = None
    lines: Lines = field(default=(), repr=False)

    @property
    def code(self) -> str | None:
        """The error code, where that is what the type names."""
        return self.error_type if self.error_type in SPEND_LIMIT_CODES else None

    @property
    def body(self) -> bytes:
        """As the API writes an error; empty where there is none to tell of."""
        usual = _USUAL_TYPES.get(self.status or 0)
        kind = usual if self.error_type is None or self.code is not None else self.error_type
        if not kind:
            return b""
        error = {"type": kind, "message": self.message or "", "details": {"error_code": self.code}}
        return msgspec.json.encode({"type": "error", "error": error})

    def failure(self, route: Route) -> Failure | None:
        """What the route's provider makes of it; None where that is no response of 400 or more."""
        if self.status is None or self.status < 400:
            return None
        provider = PROVIDERS[route.provider]
        return provider.failure(self.status, provider.response_lines(self.lines), self.body)


def scene_of(
    snapshot: Snapshot, answer: Answer, model: str | None, *, stream: bool, times: int | None
) -> Scene:
    """The scene of one call, whose first `times` attempts end so, None for all of them."""
    # Of a repeated line the proxy reads the first.
    sdk = read_sdk_headers(dict(reversed(answer.lines)))
    asked = Asked(model, stream=stream, repeatable=keeps_bodies(snapshot))
    facts = request_facts(snapshot, asked, sdk, 0.0, unserved(snapshot, asked))
    endings = tuple(_ending(answer, route, stream=stream) for route in snapshot.routes)
    return Scene(snapshot, facts, endings, times)


def _ending(answer: Answer, route: Route, *, stream: bool) -> Outcome:
    """How an attempt on a route ends: judged by the provider whose API the route speaks, as in the proxy."""
    status, provider = answer.status, PROVIDERS[route.provider]
    if status is None:
        silence = WITHOUT_ANSWER[answer.error_type or ""]
        return Outcome(silence, our_timeout=silence is Cause.TIMEOUT)
    cause: Cause | None = None
    if (failure := answer.failure(route)) is not None:
        status, cause = failure.status, failure.cause
    elif status < 300 and answer.error_type and stream:
        cause = cause_of_error_event(answer.error_type, answer.code, answer.message)
    if cause is None:
        return Outcome(None, status, has_response=True)
    hints = provider.retry_hints(status, provider.response_lines(answer.lines), clock.unix_ns() / 1e9)
    return Outcome(cause, status, has_response=True, hints=hints)
