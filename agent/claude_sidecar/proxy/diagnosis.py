"""What is put into the record of a call that failed: cause, type, limit and one line of help."""

import re
from collections.abc import Sequence

from claude_sidecar import clock
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.hint import hint_for
from claude_sidecar.policy.upstream_word import read_word
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.own_error import Refusal
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.proxy.stored_body import StoredBody
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.headers import HeaderLines

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{4096,}={0,2}")


def diagnose_reply(context: CallContext, reply: Reply, health: Health) -> None:
    """Fill the record from an upstream's answer that is delivered."""
    record, attempt = context.record, reply.attempt
    record.route = reply.candidate.route
    record.status = reply.status if record.opened_by is None else 200
    record.cause = attempt.cause
    record.error_type = attempt.error_type
    record.request_id = attempt.request_id
    # Not always those of the last send: a later route's refusal of our own key gives way to this answer.
    record.key = attempt.key
    record.substituted_model = reply.candidate.substitute
    if record.cause is None:
        return
    error = reply.error
    code, message = (error.code, error.message) if error is not None else (None, None)
    record.limit = attempt.limit
    route = context.snapshot.routes[reply.candidate.route_index]
    record.hint = hint_for(
        HintFacts(
            status=reply.status,
            cause=record.cause,
            error_type=record.error_type,
            error_code=code,
            error_message=message,
            path=context.call.facts.path,
            model=context.body_facts.model,
            request_headers=context.call.lines,
            credentials_sent=reply.credentials_sent,
            route_has_credential=route.credential is not None,
            request_has_max_tokens=context.body_facts.names_max_tokens,
            known_models=health.notes(route).models,
            body_bytes=record.request_bytes,
            base64_bytes=_base64_bytes(context) if reply.status == 413 else None,
            max_body_bytes=context.snapshot.limits.max_body_bytes,
            response_headers=reply.headers,
            retry_after_s=read_word(reply.headers, reply.status, clock.unix_ns() / 1e9).retry_after_s,
            cut_after_s=record.cut_after_s,
            one_model_only=health.one_model_only(
                context.snapshot, reply.candidate, context.facts.circuit, clock.now()
            ),
        )
    )


def diagnose_refusal(
    record: CallRecord, refusal: Refusal, lines: HeaderLines, max_body_bytes: int | None, sent: Sequence[str]
) -> None:
    """Fill the record for an error of our own."""
    error = refusal.error
    record.route = "none"
    record.status = error.status if record.opened_by is None else 200
    record.request_id = None
    record.cause = error.cause
    record.error_type = error.error_type
    record.hint = hint_for(
        HintFacts(
            status=error.status,
            cause=error.cause,
            error_type=error.error_type,
            path=record.path,
            model=record.model,
            request_headers=lines,
            credentials_sent=sent,
            body_bytes=record.request_bytes or None,
            max_body_bytes=max_body_bytes,
            cut_after_s=record.cut_after_s,
        )
    )


def _base64_bytes(context: CallContext) -> int | None:
    """How much of the body is base64, by its long runs."""
    if not isinstance(context.body, StoredBody):
        return None
    return sum(match.end() - match.start() for match in _BASE64_RUN.finditer(context.body.read_all()))
