"""One log line for each call that failed, was retried or rerouted."""

import logging

from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.api_paths import path_template
from claude_sidecar.telemetry.cost import usd_text
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.log import Facts, event
from claude_sidecar.telemetry.logged_steps import logged_steps
from claude_sidecar.telemetry.record import CallRecord, RequestRecord, ResponseRecord

logger = logging.getLogger("claude_sidecar.calls")


def call_ended(record: CallRecord, labels: Labels, trace_id: str | None = None) -> None:
    """Write the line, a warning if the caller got an error, else information.

    trace_id: under which the call's trace was exported, if it was.
    """
    if not record.is_noteworthy:
        return
    level = logging.WARNING if record.has_failed else logging.INFO
    if not logger.isEnabledFor(level):
        return
    event(logger, level, names.LOG_CALL, **_facts(record, labels, trace_id or record.trace_id))


def _facts(record: CallRecord, labels: Labels, trace_id: str | None) -> dict[str, Facts]:
    return {
        "call_id": record.call_id,
        "trace_id": trace_id,
        "request_id": record.response.request_id,
        **_asked(record.request, labels),
        "substituted_model": record.substituted_model,
        **_got(record.response),
        "key": record.key,
        "policy": record.policy,
        "policy_hash": record.policy_hash,
        **_done(record),
        "end_rule": record.end_rule,
        "end_because": record.end_because,
        "steps": logged_steps(record),
    }


def _asked(request: RequestRecord, labels: Labels) -> dict[str, Facts]:
    return {
        "method": request.method,
        "path": path_template(request.path) or "other",
        "operation": request.operation,
        "model": request.model,
        "stream": request.stream,
        "feature": labels.feature(request.feature) or None,
        "conversation": request.conversation or None,
        "agent": request.agent or None,
        "parent_agent": request.parent_agent or None,
        "sdk_retry_count": request.sdk_retry_count,
        "blind_repeat": request.blind_repeat,
    }


def _got(response: ResponseRecord) -> dict[str, Facts]:
    return {
        "route": response.route,
        "status": response.status,
        "cause": response.cause,
        "error_type": response.error_type,
        "limit": response.limit,
        "hint": response.hint,
        "commit_reason": response.commit_reason,
        "interrupted": response.interrupted,
    }


def _done(record: CallRecord) -> dict[str, Facts]:
    opened = record.opened_by
    return {
        "attempts": len(record.attempts),
        "sends": [f"{sent.route} {sent.status or '-'} {sent.cause or 'ok'}" for sent in record.attempts],
        "waited_s": round(sum(wait.seconds for wait in record.waits), 3),
        "duration_s": round(record.ended_s - record.started_s, 3),
        "added_ms": round(record.added_s * 1000, 3),
        "cost_usd": usd_text(record.cost_usd),
        "unpriced": list(record.unpriced) or None,
        "retry_outcome": record.retry_outcome,
        "opened": opened is not None,
        "opened_by": f"{opened.route} {opened.attempt}" if opened is not None else None,
        "cancelled": record.cancelled,
    }


def mismatch(record: CallRecord) -> None:
    """Report a response of another model than the one meant."""
    event(
        logger,
        logging.WARNING,
        names.LOG_MISMATCH,
        call_id=record.call_id,
        request_id=record.response.request_id,
        route=record.response.route,
        asked=record.request.model,
        answered=record.wrong_model,
    )
