"""One line of help for a response that is a failure."""

import re

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.hint import Hint, named_hint_for
from claude_sidecar.proxy.attempt import Attempt, Response
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.gateway_errors import GatewayError
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.stored_body import StoredBody
from claude_sidecar.wire.model_name import safe_model_name

_PAGE_BYTES = 2_000
_TROUBLE = (Cause.SERVER_ERROR, Cause.OVERLOADED)
"""Of these a hint says whom else they hit, for which all breakers of the route are looked through."""

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]{4096,}={0,2}")


def hint_of_response(
    context: CallContext, attempt: Attempt, response: Response, health: Health
) -> Hint | None:
    """Help for an upstream's response that is handed on.

    attempt: the one that it answers. health: what is known of its route.
    """
    error, snapshot = response.error, context.snapshot
    circuit, now = context.facts.circuit if attempt.cause in _TROUBLE else None, clock.now()
    return named_hint_for(
        HintFacts(
            status=response.status,
            cause=attempt.cause,
            error_type=attempt.error_type,
            error_code=error.code if error is not None else None,
            error_message=error.message if error is not None else None,
            path=context.call.facts.path,
            model=context.body_facts.model,
            request_headers=context.lines,
            credentials_sent=attempt.credentials_sent,
            route_has_credential=attempt.route.credential is not None,
            request_has_max_tokens=context.body_facts.names_max_tokens,
            known_models=health.notes(attempt.route).models,
            body_bytes=context.body_bytes,
            base64_bytes=_base64_bytes(context) if response.status == 413 else None,
            max_body_bytes=snapshot.limits.max_body_bytes,
            response_headers=response.headers,
            page=bytes(response.copy[:_PAGE_BYTES]) if error is None else b"",
            retry_after_s=attempt.outcome.hints.retry_after_s if attempt.outcome is not None else None,
            cut_after_s=_cut_after_s(context),
            one_model_only=health.one_model_only(snapshot, attempt.candidate, circuit, now),
            failing_for_s=health.failing_for_s(snapshot, attempt.candidate, circuit, now),
            blind_repeat=context.blind_repeat,
        )
    )


def hint_of_gateway_error(context: CallContext, error: GatewayError) -> Hint | None:
    """Help for an error of our own."""
    return named_hint_for(
        HintFacts(
            status=error.status,
            cause=error.cause,
            error_type=error.error_type,
            path=context.path,
            model=safe_model_name(context.body_facts.model),
            request_headers=context.lines,
            body_bytes=context.body_bytes or None,
            max_body_bytes=context.snapshot.limits.max_body_bytes,
            cut_after_s=_cut_after_s(context),
            blind_repeat=context.blind_repeat,
            own=True,
        )
    )


def _cut_after_s(context: CallContext) -> float | None:
    return context.delivery.cut_after_s if context.delivery is not None else None


def _base64_bytes(context: CallContext) -> int | None:
    """How much of the body is base64, by its long runs."""
    if not isinstance(context.body, StoredBody):
        return None
    return sum(match.end() - match.start() for match in _BASE64_RUN.finditer(context.body.read_all()))
