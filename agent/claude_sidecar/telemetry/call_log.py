"""One log line for each call that failed, was retried or rerouted."""

import logging

from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.api_paths import path_template
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.log import event
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.telemetry.span_attributes import wrong_model
from claude_sidecar.telemetry.trouble import had_trouble, went_wrong

logger = logging.getLogger("claude_sidecar.calls")


def call_ended(record: CallRecord, labels: Labels) -> None:
    """Write the line, a warning if the caller got an error, else information."""
    if not had_trouble(record):
        return
    level = logging.WARNING if went_wrong(record) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    event(
        logger,
        level,
        names.LOG_CALL,
        call_id=record.call_id,
        trace_id=record.trace_id,
        request_id=record.request_id,
        method=record.method,
        path=path_template(record.path) or "other",
        operation=record.operation,
        model=record.model,
        substituted_model=record.substituted_model,
        stream=record.stream,
        route=record.route,
        status=record.status,
        cause=record.cause,
        error_type=record.error_type,
        limit=record.limit,
        hint=record.hint,
        key=record.key,
        feature=labels.feature(record.feature) or None,
        policy=record.policy,
        policy_hash=record.policy_hash,
        attempts=len(record.attempts),
        sends=[f"{sent.route} {sent.status or '-'} {sent.cause or 'ok'}" for sent in record.attempts],
        waited_s=round(sum(wait.seconds for wait in record.waits), 3),
        duration_s=round(record.ended_s - record.started_s, 3),
        added_ms=round(record.added_s * 1000, 3),
        retry_outcome=record.retry_outcome,
        opened=record.opened_by is not None,
        opened_by=f"{opened.route} {opened.attempt}" if (opened := record.opened_by) is not None else None,
        commit_reason=record.commit_reason,
        sdk_retry_count=record.sdk_retry_count,
        cancelled=record.cancelled,
        interrupted=record.interrupted,
    )


def mismatch(record: CallRecord) -> str | None:
    """Report an answer of another model than the one meant; returns that model."""
    answered = wrong_model(record)
    if answered is not None:
        event(
            logger,
            logging.WARNING,
            names.LOG_MISMATCH,
            call_id=record.call_id,
            request_id=record.request_id,
            route=record.route,
            asked=record.model,
            answered=answered,
        )
    return answered
