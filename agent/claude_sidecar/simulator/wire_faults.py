"""Answers that are not HTTP, never end, or never come."""

import asyncio
import base64
import binascii

from claude_sidecar.simulator.answer import Body
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.errors import ApiError, envelope
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.wire import Wire

_GARBAGE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc this is not HTTP \x00\xff\r\n\r\n"
_MOST_ENDLESS = 8 * 1024**3
_HTML = (
    "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n<center><h1>{status} {reason}</h1>"
    "</center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)


async def instead_of_answer(call: Call, rule: Rule) -> bool:
    """Do what *rule* does in place of a well-formed answer; False if it does nothing of the kind."""
    wire = call.wire
    if rule.reset:
        await wire.reset()
    elif rule.close:
        await wire.close()
    elif rule.garbage:
        await wire.raw(_GARBAGE if rule.garbage is True else str(rule.garbage).encode())
        await wire.close()
    elif rule.endless_headers:
        await wire.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        await _endless(wire, b"x-filler: " + b"a" * 1000 + b"\r\n")
    elif rule.endless_body:
        call.entry.status = rule.status or 200
        kind = b"text/event-stream; charset=utf-8" if call.entry.stream else b"application/json"
        head = b"HTTP/1.1 %d OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
        await wire.raw(head % (call.entry.status, kind))
        await _endless(wire, b"2000\r\n" + b" " * 0x2000 + b"\r\n")
    else:
        return False
    call.entry.ended = "cut"
    return True


def scripted_body(rule: Rule, request_id: str) -> Body:
    """The answer that a rule gives in place of the endpoint's."""
    status = rule.status or (502 if rule.html else 200)
    if rule.html:
        reason = rule.reason or "Bad Gateway"
        text = rule.body or _HTML.format(status=status, reason=reason)
        return Body(text.encode(), "text/html; charset=UTF-8", status, error_type=rule.error_type)
    if rule.body_base64 is not None:
        try:
            data = base64.b64decode(rule.body_base64, validate=True)
        except binascii.Error:
            raise ApiError(400, "x-simulate: body-base64 is not base64") from None
        return Body(data, "application/json", status, error_type=rule.error_type)
    if rule.body is not None:
        return Body(rule.body.encode(), "application/json", status, error_type=rule.error_type)
    if status < 400:
        return Body(b"" if status == 204 else b"{}", None if status == 204 else "application/json", status)
    error = ApiError(status, rule.message, error_type=rule.error_type, code=rule.error_code)
    return error_body(error, request_id)


def error_body(error: ApiError, request_id: str) -> Body:
    """An error in the API's envelope."""
    return Body(
        envelope(error.error_type, error.message, request_id, error.code),
        status=error.status,
        headers=list(error.headers),
        error_type=error.error_type,
        close=error.close,
    )


async def _endless(wire: Wire, piece: bytes) -> None:
    block = piece * 16
    while wire.sent < _MOST_ENDLESS:
        await wire.raw(block)
        # Others have their turn, and a caller that has had enough is noticed.
        await asyncio.sleep(0)
    await wire.close()
