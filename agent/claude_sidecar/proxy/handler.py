"""One call from the app's request to the last byte of its response."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from claude_sidecar import clock
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.proxy import web
from claude_sidecar.proxy.admission import Admission
from claude_sidecar.proxy.blind_repeats import BlindRepeats
from claude_sidecar.proxy.body_intake import BODY_TROUBLES, BodyIntake, body_refusal
from claude_sidecar.proxy.buffer_space import BufferSpace, HeldRoom
from claude_sidecar.proxy.call import read_call
from claude_sidecar.proxy.call_context import CallContext, Delivery, record_of
from claude_sidecar.proxy.deliver import deliver
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.engine import Engine
from claude_sidecar.proxy.gateway_errors import GatewayError, Refusal, Refused
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_files import OpenFiles
from claude_sidecar.proxy.refusals import refuse, refuse_after_bug, without_answer
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.upstream.out_of_files import OutOfFiles

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Receives the record of each request."""

    def call_ended(self, record: CallRecord, snapshot: Snapshot) -> None:
        """A call is over; snapshot: the policy that it went by."""


class Handler:
    """Serves the data port."""

    def __init__(
        self,
        policy: Callable[[], Snapshot],
        admission: Admission,
        engine: Engine,
        health: Health,
        credentials: CredentialStore,
        listener: Listener,
        files: OpenFiles,
    ) -> None:
        """policy: gives the snapshot in force at that moment; files: what the limit of open files allows."""
        self.admission = admission
        self._policy = policy
        self._engine = engine
        self._health = health
        self._credentials = credentials
        self._listener = listener
        self._files = files
        self._space = BufferSpace()
        self._bodies = BodyIntake(self._space)
        self._room = HeldRoom(self._space)
        self._blind_repeats = BlindRepeats()
        self.in_flight = 0

    @property
    def held_bytes(self) -> int:
        """What bodies and held streams take of `limits.maxBufferedMiB` now."""
        return self._space.memory_bytes

    def refuse_unreadable(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer what the HTTP parser refused, and tell of it like of any other call."""
        context = self._arrived(request, "_OTHER", "")
        try:
            refuse(context, _UNREADABLE)
        except ConnectionError:
            context.cancelled = True
        self._listener.call_ended(record_of(context), context.snapshot)
        return context.down

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; never raises but for cancellation, which is the caller's going away."""
        context = self._arrived(request, request.method, request.raw_path.partition("?")[0])
        self.in_flight += 1
        try:
            await self._serve(request, context)
        except asyncio.CancelledError:
            context.cancelled = True
            raise
        except ConnectionError:
            context.cancelled = True
            context.down.cut()
        except Exception as bug:
            logger.error("a bug ended a call", exc_info=bug, extra={"facts": {"call_id": context.call_id}})
            refuse_after_bug(context)
        finally:
            self.in_flight -= 1
            self._listener.call_ended(record_of(context), context.snapshot)
        return context.down

    def _arrived(self, request: web.BaseRequest, method: str, path: str) -> CallContext:
        return CallContext(
            snapshot=self._policy(),
            down=Downstream(request),
            room=self._room,
            method=method,
            path=path,
            lines=request.raw_headers,
            call_id=f"sc_{clock.random_hex(24)}",
            started_s=clock.now(),
        )

    async def _serve(self, request: web.BaseRequest, context: CallContext) -> None:
        body = None
        try:
            context.read(read_call(request))
            self.admission.admit(context.call, context.snapshot, self.in_flight)
            body = await self._bodies.take(context, request.content)
            context.begin(body)
            if self._blind_repeats.possible:
                await self._blind_repeats.recognise(context)
            delivery = context.delivery = await self._engine.run(context)
            failed = delivery.step.reason is not StopReason.SUCCESS
            digest = await self._digest_of_failed(context, delivery) if failed else None
            if delivery.response is None:
                refuse(context, without_answer(context, delivery, self._credentials))
            else:
                await deliver(context, delivery.response, self._health, stops=delivery.stops_the_sdk)
            if digest is not None:
                self._blind_repeats.remember(context, digest)
        except Refused as refused:
            refuse(context, refused.refusal)
        except BODY_TROUBLES as trouble:
            refuse(context, body_refusal(trouble, context))
        except OutOfFiles:
            refuse(context, self._files.spent().refusal)
        finally:
            if context.opener is not None:
                context.opener.close()
            if body is not None:
                context.body_bytes = max(context.body_bytes, body.size_bytes)
                body.release()

    async def _digest_of_failed(self, context: CallContext, delivery: Delivery) -> bytes | None:
        """What tells the request from others where its failure is to be remembered; its body goes with it."""
        if delivery.step.reason is StopReason.OUT_OF_FILES:
            self._files.tell_spent()
        return await self._blind_repeats.digest_if_final(context, delivery)


_UNREADABLE = Refusal(
    GatewayError.BAD_REQUEST,
    "this is not an HTTP/1.1 request that can be forwarded, or a header line is over 64 KiB; "
    "check the client's framing and headers",
    closes=True,
)
