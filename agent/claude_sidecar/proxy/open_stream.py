"""What goes into a stream that was opened: the response that it waited for, or the error that it came to."""

from claude_sidecar.proxy.attempt import Response
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.gateway_errors import Refusal
from claude_sidecar.telemetry.record import NO_ROUTE
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.error_body import gateway_error
from claude_sidecar.wire.error_envelope import in_envelope, is_envelope
from claude_sidecar.wire.sse import comment_line, error_event

_LONGEST_BODY_BYTES = 8 << 20


def whose(context: CallContext, response: Response) -> bytes:
    """A line for the human reader where the head belongs to a response that was given up, else nothing."""
    head = context.opener.head if context.opener is not None else None
    if head is not None and head.attempt == response.number:
        return b""
    return _told(response.request_id or "-", response.candidate.route, context)


def response_as_event(context: CallContext, response: Response) -> bytes:
    """An upstream's error as an event: its envelope word for word, any other body in one."""
    return whose(context, response) + error_event(_envelope(response))


def refusal_as_event(context: CallContext, refusal: Refusal, hint: str | None) -> bytes:
    """An error of our own as an event; the hint, which has no header to go in, is a part of what it says."""
    message = refusal.message if hint is None else f"{refusal.message}. {hint}"
    body = gateway_error(refusal.error.error_type, message, context.call_id, status=refusal.error.status)
    return _told(context.call_id, NO_ROUTE, context) + error_event(body)


def _told(request_id: str, route: str, context: CallContext) -> bytes:
    return comment_line(f"request-id={request_id} route={route} attempts={len(context.attempts)}")


def _envelope(response: Response) -> bytes:
    view = response.events
    if view is not None and view.error is not None:
        body = view.error_data
    else:
        coded, coding = b"".join(response.prefix), response.index.get(b"content-encoding")
        body = decoded(coded, coding, _LONGEST_BODY_BYTES) or b""
    if is_envelope(body):
        return body
    return in_envelope(response.status, response.reason.decode("ascii", "replace"), body, response.request_id)
