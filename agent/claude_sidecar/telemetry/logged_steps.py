"""The steps of a call in its log line: with them alone `claude-sidecar explain` retells it."""

from collections.abc import Mapping

from claude_sidecar.telemetry.attempts import AttemptRecord, WaitRecord
from claude_sidecar.telemetry.log import Fact
from claude_sidecar.telemetry.record import CallRecord


def logged_steps(record: CallRecord) -> list[Mapping[str, Fact]]:
    """Attempts and waits in the order of time."""
    sends = [(sent.started_s, 0, _send(record, sent)) for sent in record.attempts]
    waits = [(wait.at_s, 1, _wait(record, wait)) for wait in record.waits]
    return [told for _, _, told in sorted(sends + waits, key=lambda step: step[:2])]


def _send(record: CallRecord, sent: AttemptRecord) -> Mapping[str, Fact]:
    return {
        "at_ms": _ms(sent.started_s - record.started_s),
        "send": sent.route,
        "model": sent.model or None,
        "for_ms": _ms(sent.ended_s - sent.started_s),
        "status": sent.status,
        "cause": sent.cause,
        "error_type": sent.reported_error,
        "request_id": sent.request_id,
        "cancelled": sent.cancelled or None,
        "rule": sent.rule,
        "because": sent.because,
    }


def _wait(record: CallRecord, wait: WaitRecord) -> Mapping[str, Fact]:
    return {
        "at_ms": _ms(wait.at_s - record.started_s),
        "wait": wait.reason,
        "for_ms": _ms(wait.seconds),
        "rule": wait.rule,
        "because": wait.because,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
