"""The last calls as the admin port shows them: facts about them, never what they said."""

from collections import deque
from collections.abc import Callable
from itertools import islice

from claude_sidecar.telemetry.api_paths import path_template
from claude_sidecar.telemetry.attempts import AttemptRecord, FallbackRecord, OpenedBy, WaitRecord
from claude_sidecar.telemetry.cost import usd_text
from claude_sidecar.telemetry.packing import Packing
from claude_sidecar.telemetry.record import CallRecord, RequestRecord, ResponseRecord, Timebase
from claude_sidecar.telemetry.wall_time import iso_time
from claude_sidecar.wire.response_metadata import TokenUsage

MOST_CALLS = 500
MOST_BYTES = 1_500_000
_BESIDE_BYTES = 180
"""Of a call that is kept, besides its record: what the objects around it take, its trace's id among them."""

Json = dict[str, object]


class RequestList:
    """Keeps the records of the last 500 calls, fewer where they are large, and describes them when asked.

    They are kept as bytes: 0.8 KB each instead of 4, of a size that is known, and nothing for the garbage
    collector to walk through.

    timebase: joins the loop's clock to wall time.
    """

    def __init__(self, timebase: Callable[[], Timebase], most_bytes: int = MOST_BYTES) -> None:
        """most_bytes: what all of them may take; the oldest go first."""
        self._timebase = timebase
        self._most_bytes = most_bytes
        self._calls: deque[tuple[bytes, str | None]] = deque()
        self._packing = Packing(CallRecord)
        self.ended = 0
        self.bytes = 0

    def call_ended(self, record: CallRecord, trace_id: str | None = None) -> None:
        """Keep an ended call. trace_id: under which its trace was exported, if it was."""
        packed = self._packing.pack(record)
        self._calls.append((packed, trace_id))
        self.ended += 1
        self.bytes += len(packed) + _BESIDE_BYTES
        while len(self._calls) > MOST_CALLS or self.bytes > self._most_bytes:
            gone, _ = self._calls.popleft()
            self.bytes -= len(gone) + _BESIDE_BYTES

    def __len__(self) -> int:
        """How many calls are kept."""
        return len(self._calls)

    def describe(self, most: int = MOST_CALLS) -> list[Json]:
        """The newest calls as JSON-able values, newest first."""
        timebase = self._timebase()
        newest = islice(reversed(self._calls), most)
        unpack = self._packing.unpack
        return [_call(unpack(packed), trace_id, timebase) for packed, trace_id in newest]


def _call(record: CallRecord, trace_id: str | None, timebase: Timebase) -> Json:
    return {
        "callId": record.call_id,
        "traceId": trace_id or record.trace_id,
        "startedAt": iso_time(timebase, record.started_s),
        "durationMs": _ms(record.ended_s - record.started_s),
        "addedMs": _ms(record.added_s),
        "firstChunkMs": _since(record.started_s, record.first_chunk_s),
        **_request(record.request),
        "substitutedModel": record.substituted_model,
        **_response(record.response),
        "key": record.key,
        "policy": record.policy,
        "policyHash": record.policy_hash,
        "retryOutcome": record.retry_outcome,
        "opened": record.opened_by is not None,
        "openedBy": _opened_by(record.opened_by),
        "cancelled": record.cancelled,
        "endRule": record.end_rule,
        "endBecause": record.end_because,
        "costUsd": usd_text(record.cost_usd),
        "unpriced": list(record.unpriced),
        "attempts": [_attempt(record, attempt) for attempt in record.attempts],
        "waits": [_wait(record, wait) for wait in record.waits],
        "fallbacks": [_fallback(record, move) for move in record.fallbacks],
    }


def _request(request: RequestRecord) -> Json:
    return {
        "method": request.method,
        "path": path_template(request.path) or "other",
        "operation": request.operation,
        "model": request.model,
        "stream": request.stream,
        "requestBytes": request.body_bytes,
        "bodyKept": request.body_kept,
        "feature": request.feature or None,
        "conversation": request.conversation or None,
        "agent": request.agent or None,
        "parentAgent": request.parent_agent or None,
        "sdkRetryCount": request.sdk_retry_count,
        "sdkTimeoutSeconds": request.sdk_timeout_s,
        "accountBound": request.account_bound,
        "blindRepeat": request.blind_repeat,
    }


def _response(response: ResponseRecord) -> Json:
    return {
        "route": response.route,
        "status": response.status,
        "cause": response.cause,
        "errorType": response.error_type,
        "limit": response.limit,
        "hint": response.hint,
        "requestId": response.request_id,
        "commitReason": response.commit_reason,
        "interrupted": response.interrupted,
    }


def _attempt(record: CallRecord, attempt: AttemptRecord) -> Json:
    return {
        "route": attempt.route,
        "model": attempt.model or None,
        "substitutedModel": attempt.substitute,
        "atMs": _ms(attempt.started_s - record.started_s),
        "durationMs": _ms(attempt.ended_s - attempt.started_s),
        "firstByteMs": _since(attempt.started_s, attempt.first_byte_s),
        "status": attempt.status,
        "cause": attempt.cause,
        "errorType": attempt.reported_error,
        "requestId": attempt.request_id,
        "key": attempt.key,
        "responseModel": attempt.response_model,
        "stopReason": attempt.stop_reason,
        "reusedConnectionDied": attempt.reused_connection_died,
        "retryAfterSeconds": attempt.retry_after_s,
        "shouldRetry": attempt.should_retry,
        "cutAfterSeconds": attempt.cut_after_s,
        "cancelled": attempt.cancelled,
        "usage": _usage(attempt.usage),
        "partial": attempt.partial,
        "costUsd": usd_text(attempt.cost_usd),
        "unpriced": list(attempt.unpriced),
        "rule": attempt.rule,
        "because": attempt.because,
    }


def _wait(record: CallRecord, wait: WaitRecord) -> Json:
    return {
        "atMs": _ms(wait.at_s - record.started_s),
        "seconds": wait.seconds,
        "reason": wait.reason,
        "rule": wait.rule,
        "because": wait.because,
    }


def _fallback(record: CallRecord, move: FallbackRecord) -> Json:
    return {
        "atMs": _ms(move.at_s - record.started_s),
        "from": move.from_route,
        "to": move.to_route,
        "cause": move.cause,
    }


def _opened_by(opened_by: OpenedBy | None) -> Json | None:
    return None if opened_by is None else {"route": opened_by.route, "attempt": opened_by.attempt}


def _usage(usage: TokenUsage) -> Json:
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheReadInputTokens": usage.cache_read_input_tokens,
        "cacheCreationInputTokens": usage.cache_creation_input_tokens,
        "cacheCreation1hInputTokens": usage.cache_creation_1h_input_tokens,
        "thinkingTokens": usage.thinking_tokens,
        "webSearchRequests": usage.web_search_requests,
        "webFetchRequests": usage.web_fetch_requests,
        "apartTokens": usage.apart_tokens,
    }


def _since(start_s: float, moment_s: float | None) -> float | None:
    return None if moment_s is None else _ms(moment_s - start_s)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
