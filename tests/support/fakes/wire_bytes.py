"""Bytes that upstreams send: answers, errors, streams."""

import json
from collections.abc import Sequence

MODEL = "claude-opus-4-8"


def answer(
    status: int = 200,
    body: bytes = b'{"id":"msg_1","type":"message","model":"claude-opus-4-8"}',
    lines: Sequence[tuple[str, str]] = (),
    *,
    reason: str = "OK",
    kind: str | None = "application/json",
) -> bytes:
    """An answer with a content-length."""
    head = [f"HTTP/1.1 {status} {reason}"]
    if kind is not None:
        head.append(f"content-type: {kind}")
    head += [f"{name}: {value}" for name, value in lines]
    head.append(f"content-length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def error(
    status: int,
    error_type: str = "api_error",
    lines: Sequence[tuple[str, str]] = (),
    *,
    code: str | None = None,
    message: str = "as it is",
) -> bytes:
    """An error answer in the API's envelope."""
    told: dict[str, object] = {"type": error_type, "message": message}
    if code is not None:
        told["details"] = {"error_code": code}
    body = json.dumps({"type": "error", "error": told, "request_id": "req_1"}).encode()
    return answer(status, body, [("request-id", "req_1"), *lines], reason="Error")


def event(kind: str, **data: object) -> bytes:
    """One event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | data)}\n\n".encode()


OVERLOADED_EVENT = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
PING = event("ping")
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_events(count: int = 40, *, early: int = 4) -> list[bytes]:
    """The events of one answer: `early` of them before the first delta, `message_stop` the last."""
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": []}
    opening = [
        event("message_start", message=message | {"usage": usage}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    ]
    opening += [PING] * (early - len(opening))
    closing = [
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 30}),
        event("message_stop"),
    ]
    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"word {number} "})
        for number in range(count - early - len(closing))
    ]
    return opening + deltas + closing


def stream_answer(events: Sequence[bytes]) -> bytes:
    """A whole stream, one chunk an event."""
    return STREAM_HEAD + b"".join(chunk(one) for one in events) + LAST_CHUNK


def message_body(*, stream: bool = False, model: str = MODEL, **more: object) -> bytes:
    """The body of a Messages call."""
    asked: dict[str, object] = {"model": model, "max_tokens": 100}
    asked["messages"] = [{"role": "user", "content": "Hi"}]
    if stream:
        asked["stream"] = True
    return json.dumps(asked | more).encode()
