"""One call from the app's request to the last byte of its answer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from claude_sidecar import clock
from claude_sidecar.config.credentials import CredentialStore
from claude_sidecar.policy.deadline import deadline_s
from claude_sidecar.policy.request_facts import sdk_repeats
from claude_sidecar.policy.step import Ending
from claude_sidecar.proxy.answer_head import own_error_lines, reason_of
from claude_sidecar.proxy.body_intake import BODY_TROUBLES, BodyIntake, body_refusal
from claude_sidecar.proxy.body_room import BufferSpace
from claude_sidecar.proxy.call import Call, feature_of, read_call
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.deliver import deliver, retry_outcome
from claude_sidecar.proxy.diagnosis import diagnose_refusal
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.engine import Engine
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.held_room import HeldRoom
from claude_sidecar.proxy.instance import refuse_own
from claude_sidecar.proxy.open_files import OpenFiles
from claude_sidecar.proxy.open_stream import refusal_as_event
from claude_sidecar.proxy.opener import Opener, opening_of, patience_hints
from claude_sidecar.proxy.own_error import OwnError, Refusal, Refused
from claude_sidecar.proxy.own_words import words_for
from claude_sidecar.proxy.request_body import RequestBody
from claude_sidecar.proxy.web_page import refuse_web_page
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.wire.credential import alias_of
from claude_sidecar.wire.error_body import own_error
from claude_sidecar.wire.model_name import shown_model
from claude_sidecar.wire.trace_context import read_traceparent

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Receives the start and end of each request."""

    def begin(self, record: CallRecord) -> None:
        """A call has arrived."""

    def call_ended(self, record: CallRecord, snapshot: Snapshot) -> None:
        """A call is over."""


class Handler:
    """Serves the data port."""

    def __init__(
        self,
        policy: Callable[[], Snapshot],
        engine: Engine,
        health: Health,
        credentials: CredentialStore,
        listener: Listener,
        instance: bytes,
        origins: frozenset[bytes],
        files: OpenFiles,
    ) -> None:
        """policy: gives the snapshot in force at that moment; instance: this sidecar's id; origins: of web
        pages that may use a route's own key; files: what the limit of open files allows."""
        self._policy = policy
        self._engine = engine
        self._health = health
        self._credentials = credentials
        self._listener = listener
        self._instance = instance
        self._origins = origins
        self._files = files
        self._space = BufferSpace()
        self._bodies = BodyIntake(self._space)
        self._room = HeldRoom(self._space)
        self.in_flight = 0
        self.draining = False

    @property
    def held_bytes(self) -> int:
        """What bodies and held streams take of `limits.maxBufferedMiB` now."""
        return self._space.memory_bytes

    def refuse_unreadable(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer what the HTTP parser refused, and tell of it like of any other call."""
        snapshot = self._policy()
        down = Downstream(request)
        record = _new_record(request, snapshot)
        record.method, record.path = "_OTHER", ""
        self._listener.begin(record)
        try:
            self._refuse(request, down, record, _UNREADABLE, snapshot)
        except ConnectionError:
            record.cancelled = True
        self._end(record, down, snapshot)
        return down

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; never raises but for cancellation, which is the caller's going away."""
        snapshot = self._policy()
        down = Downstream(request)
        record = _new_record(request, snapshot)
        self.in_flight += 1
        self._listener.begin(record)
        try:
            await self._serve(request, down, record, snapshot)
        except asyncio.CancelledError:
            record.cancelled = True
            raise
        except ConnectionError:
            record.cancelled = True
            down.cut()
        except Exception as bug:
            logger.error("a bug ended a call", exc_info=bug, extra={"facts": {"call_id": record.call_id}})
            self._refuse_after_bug(request, down, record)
        finally:
            self.in_flight -= 1
            self._end(record, down, snapshot)
        return down

    def _end(self, record: CallRecord, down: Downstream, snapshot: Snapshot) -> None:
        record.ended_s = clock.now()
        record.first_byte_s = down.first_byte_at
        if record.route != "none" and (record.status or 500) < 400:
            record.first_chunk_s = down.first_chunk_at
        record.added_s = _added_s(record)
        self._listener.call_ended(record, snapshot)

    async def _serve(
        self, request: web.BaseRequest, down: Downstream, record: CallRecord, snapshot: Snapshot
    ) -> None:
        body: RequestBody | None = None
        context: CallContext | None = None
        try:
            call = read_call(request)
            _note_call(record, call, snapshot)
            self._admit(call, snapshot)
            deadline = _deadline_s(call, record, snapshot)
            body = await self._bodies.take(request, down, call, record, snapshot, deadline)
            context = _context(call, body, record, snapshot, self._room)
            if context.streams:
                context.opener = Opener(down, opening_of(call, record, snapshot), record)
            delivery = await self._engine.run(context)
            if delivery.step.ending is Ending.OUT_OF_FILES:
                self._files.tell_spent()
            if delivery.reply is None:
                record.retry_outcome = retry_outcome(record, delivery)
                error, message = words_for(context, delivery, self._credentials)
                raise Refused(error, message, stops=delivery.stops_the_sdk)
            await deliver(down, context, delivery, delivery.reply, self._health)
        except Refused as refused:
            self._refuse(request, down, record, refused.refusal, snapshot)
        except BODY_TROUBLES as trouble:
            self._refuse(request, down, record, body_refusal(trouble, record, snapshot), snapshot)
        except OutOfFiles:
            self._refuse(request, down, record, self._files.spent().refusal, snapshot)
        finally:
            if context is not None and context.opener is not None:
                context.opener.close()
            if body is not None:
                record.request_bytes = max(record.request_bytes, body.size_bytes)
                body.release()

    def _admit(self, call: Call, snapshot: Snapshot) -> None:
        refuse_own(call, snapshot, self._instance)
        refuse_web_page(call, snapshot, self._origins)
        if self.draining:
            raise Refused(OwnError.DRAINING, "the sidecar is shutting down; send the call again", closes=True)
        if self.in_flight > min(snapshot.limits.max_concurrent, self._files.calls):
            raise self._files.busy(snapshot.limits.max_concurrent)

    def _refuse(
        self,
        request: web.BaseRequest,
        down: Downstream,
        record: CallRecord,
        refusal: Refusal,
        snapshot: Snapshot,
    ) -> None:
        """Answer with an error of our own."""
        diagnose_refusal(record, refusal, request.raw_headers, snapshot.limits.max_body_bytes, ())
        if record.opened_by is not None:
            down.end(refusal_as_event(record, refusal))
            return
        body = own_error(refusal.error.error_type, refusal.message, record.call_id)
        if refusal.closes:
            down.close_after()
        lines = own_error_lines(refusal, record, len(body))
        status = refusal.error.status
        down.start(
            status, reason_of(status), lines, b"" if request.method == "HEAD" else body, sized=True, last=True
        )

    def _refuse_after_bug(self, request: web.BaseRequest, down: Downstream, record: CallRecord) -> None:
        waits = record.opened_by is not None and record.commit_reason is None and not down.ended
        if down.started and not waits:
            record.interrupted = True
            down.cut()
            return
        message = (
            f"the sidecar has a bug; please report it with {record.call_id} and the log line that names it"
        )
        self._refuse(request, down, record, Refusal(OwnError.BUG, message, closes=True), self._policy())


_UNREADABLE = Refusal(
    OwnError.BAD_REQUEST,
    "this is not an HTTP/1.1 request that can be forwarded, or a header line is over 64 KiB; "
    "check the client's framing and headers",
    closes=True,
)


def _new_record(request: web.BaseRequest, snapshot: Snapshot) -> CallRecord:
    return CallRecord(
        call_id=f"sc_{clock.random_hex(24)}",
        method=request.method,
        path=request.raw_path.partition("?")[0],
        started_s=clock.now(),
        policy=snapshot.name,
        policy_hash=snapshot.hash,
    )


def _note_call(record: CallRecord, call: Call, snapshot: Snapshot) -> None:
    record.operation = call.facts.operation
    record.sdk_retry_count = sdk_repeats(call.index.get(b"x-stainless-retry-count"))
    record.key = alias_of(call.credentials, snapshot.telemetry.key_alias)
    record.feature = feature_of(call.index, snapshot)
    header = call.index.get(b"traceparent")
    parent = read_traceparent(header) if header is not None else None
    if parent is not None:
        record.trace_id, record.parent_span_id = parent.trace_id, parent.span_id
        record.parent_sampled = parent.sampled
        state = call.index.get(b"tracestate")
        record.tracestate = state.decode("ascii", "replace") if state is not None else None


def _deadline_s(call: Call, record: CallRecord, snapshot: Snapshot) -> float:
    return deadline_s(record.started_s, snapshot.timeouts.total_s, patience_hints(call))


def _context(
    call: Call, body: RequestBody, record: CallRecord, snapshot: Snapshot, room: HeldRoom
) -> CallContext:
    context = CallContext(call, snapshot, body, record, room, record.key)
    record.model = shown_model(context.body_facts.model)
    record.max_tokens = context.body_facts.max_tokens
    record.stream = context.streams
    return context


def _added_s(record: CallRecord) -> float:
    """The time to the answer's first byte, less what the send that gave it took to answer."""
    if record.first_byte_s is None:
        return 0.0
    spent = record.first_byte_s - record.started_s
    number = record.opened_by.attempt if record.opened_by is not None else len(record.attempts)
    answered = record.attempts[number - 1] if record.attempts else None
    if answered is not None and answered.first_byte_s is not None and record.route != "none":
        spent -= answered.first_byte_s - answered.started_s
    return max(0.0, spent)
