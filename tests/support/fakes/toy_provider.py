"""A provider that differs from the Claude API wherever a provider may, and the bytes that its API speaks.

A stream is frames: four bytes of length, then an event as JSON. An error is
`{"oops": {"kind": ..., "text": ...}}`.
"""

import json
from collections.abc import Sequence

from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import RetryHints
from claude_sidecar.policy.rate_limits import Bucket, RateLimits
from claude_sidecar.policy.request_facts import Asked
from claude_sidecar.providers.provider import Failure, HeaderChanges, Outgoing
from claude_sidecar.providers.secret import Bearer
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.error_body import ErrorBody
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines, first
from claude_sidecar.wire.splice import Edit

FRAMES = b"application/x-toy-frames"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: " + FRAMES + b"\r\nx-toy-id: toy_1\r\n"


def frame(event: bytes) -> bytes:
    """One of our fakes' server-sent events as the toy sends it."""
    data = event.partition(b"data: ")[2].strip()
    return len(data).to_bytes(4, "big") + data


def oops(kind: str, text: str) -> bytes:
    """The body of an error."""
    return json.dumps({"oops": {"kind": kind, "text": text}}).encode()


class ToyChange:
    """Takes the model out of the body and puts a version in its place."""

    def edits(self, members: Sequence[Member]) -> list[Edit]:
        return [Edit(m.key_at, m.end, b'"toy_version": 1') for m in members if m.name == "model"]


class ToyFramer:
    """Frames to events."""

    mid_event = False

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._pending += data
        events = []
        while len(self._pending) >= 4 and len(self._pending) >= (end := 4 + self._length()):
            whole, self._pending = self._pending[4:end], self._pending[end:]
            events.append(b"event: %b\ndata: %b\n\n" % (json.loads(whole)["type"].encode(), whole))
        return events

    def passes(self, data: bytes) -> bool:
        return False

    def _length(self) -> int:
        return int.from_bytes(self._pending[:4], "big")

    def rest(self) -> bytes:
        return b""

    @property
    def is_under_way(self) -> bool:
        return bool(self._pending)


class ToyEnvelope:
    """Puts its errors into the Claude API's envelope."""

    most_bytes = 1 << 20

    def rewritten(self, lines: HeaderLines, body: bytes) -> tuple[HeaderLines, bytes]:
        error = {"type": "toy_error", "message": json.loads(body)["oops"]["text"]}
        envelope = json.dumps({"type": "error", "error": error}).encode()
        return [(n, b"%d" % len(envelope) if n == b"content-length" else v) for n, v in lines], envelope


class Toy:
    """Knows nothing of the Claude API's header names, and cannot count tokens."""

    name = "toy"

    def secret(self, text: str) -> Bearer:
        return Bearer(text)

    def serves(self, asked: Asked) -> bool:
        return asked.operation != "count_tokens"

    def body_change(self, outgoing: Outgoing) -> ToyChange | None:
        return TOY_CHANGE if outgoing.model is not None else None

    def target(self, outgoing: Outgoing) -> str:
        verb = "stream" if outgoing.body.stream else "invoke"
        return f"{outgoing.route.base_path}/toy/{outgoing.model}/{verb}?from={outgoing.call.facts.path}"

    def header_changes(self, outgoing: Outgoing) -> HeaderChanges:
        assert outgoing.secret is not None
        return HeaderChanges(
            dropped=frozenset({b"x-api-key", b"authorization"}),
            rewritten={b"anthropic-version": lambda value: b"toy-" + value},
            added=[(b"x-toy-token", outgoing.secret.value.encode())],
            credential_headers=("x-toy-token",),
        )

    def response_lines(self, lines: HeaderLines) -> HeaderLines:
        renamed = {b"x-toy-id": b"request-id"}
        return [
            (renamed.get(name, name), b"text/event-stream" if value == FRAMES else value)
            for name, value in lines
        ]

    def framer(self, index: HeaderIndex) -> ToyFramer | None:
        return ToyFramer() if index.get(b"content-type") == FRAMES else None

    def rewriting(self, call: Call, route: Route, status: int) -> ToyEnvelope | None:
        return ToyEnvelope() if status >= 400 else None

    def failure(self, status: int, lines: HeaderLines, body: bytes) -> Failure:
        said = json.loads(body)["oops"]
        error = ErrorBody(f"toy_{said['kind']}", said["text"], None, None)
        if said["kind"] == "throttled":
            return Failure(429, Cause.RATE_LIMIT, error, "requests")
        return Failure(status, Cause.INVALID_REQUEST, error)

    def retry_hints(self, status: int, lines: HeaderLines, unix_s: float) -> RetryHints:
        wait = first(lines, b"x-toy-wait")
        return RetryHints(retry_after_s=float(wait) if wait is not None else None)

    def names_limits(self, index: HeaderIndex) -> bool:
        return b"x-toy-left" in index

    def limits(self, lines: HeaderLines, unix_s: float) -> RateLimits:
        return RateLimits(requests=Bucket(remaining=int(first(lines, b"x-toy-left") or 0)))


TOY_CHANGE = ToyChange()
