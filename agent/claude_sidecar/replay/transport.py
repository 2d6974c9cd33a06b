"""The seam to the network, played: each send meets what the outage has for it, and our timers hold."""

import math

from claude_sidecar import clock
from claude_sidecar.replay.answer import Answer
from claude_sidecar.replay.asked_body import AskedBody
from claude_sidecar.replay.load import Sent
from claude_sidecar.replay.outage import World
from claude_sidecar.upstream.failure import ConnectionDied, Phase, timed_out
from claude_sidecar.upstream.sink import Sink
from claude_sidecar.upstream.transport import Timers, UpstreamRequest


class PlayedTransport:
    """Sends nothing. World: what each send meets."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def send(self, request: UpstreamRequest) -> "PlayedResponse":
        """The response once its head is in, as Transport.send. Raises UpstreamFailure."""
        body = request.body
        assert isinstance(body, AskedBody)
        sent_s = clock.now()
        answer = self._world.answer(request.route.name, Sent(sent_s, body.call, body.model))
        comes_s = sent_s + (answer.end_s if answer.head_s is None else answer.head_s)
        due_s, phase = _first_due(request.timers, sent_s)
        if due_s < comes_s:
            await _until(due_s)
            raise timed_out(phase)
        await _until(comes_s)
        if answer.head_s is None:
            raise ConnectionDied(
                "the connection ended without a byte of an answer",
                before_any_byte=True,
                reused=False,
                silent_s=answer.end_s,
            )
        return PlayedResponse(answer, sent_s, request.timers)


class PlayedResponse:
    """A response whose body comes as its answer says, as UpstreamResponse."""

    __slots__ = (
        "_answer",
        "_first_delta_by",
        "_idle_s",
        "_next",
        "_progress_s",
        "_sent_s",
        "_stalled_s",
        "first_byte_at",
        "headers",
        "reason",
        "status",
    )

    def __init__(self, answer: Answer, sent_s: float, timers: Timers) -> None:
        self._answer = answer
        self._sent_s = sent_s
        self._next = 0
        self._idle_s = timers.idle_s
        self._stalled_s: float | None = None
        self._first_delta_by = timers.first_delta_by
        self._progress_s = self.first_byte_at = clock.now()
        self.status = answer.status
        self.reason = b""
        self.headers = list(answer.headers)

    async def read(self) -> bytes:
        """The next bytes of the body, empty at the end. Raises UpstreamFailure."""
        pieces, sent_s = self._answer.pieces, self._sent_s
        if self._next < len(pieces):
            piece = pieces[self._next]
            comes_s, quiet_from_s, data = sent_s + piece.at_s, sent_s + piece.quiet_from_s, piece.data
            if not piece.pinged:
                self._progress_s = max(self._progress_s, quiet_from_s)
        else:
            comes_s, quiet_from_s, data = sent_s + self._answer.end_s, self._progress_s, b""
        due_s, phase = self._first_due(quiet_from_s)
        if due_s < comes_s:
            await _until(due_s)
            raise timed_out(phase)
        await _until(comes_s)
        if data:
            self._next += 1
            return data
        if self._answer.dies:
            raise ConnectionDied("the connection broke amid the answer", before_any_byte=False, reused=False)
        return b""

    async def pour(self, sink: Sink) -> bool:
        """As `read`, into a sink, until it is full; False at the end."""
        while data := await self.read():
            flow = sink(data)
            if flow.progressed:
                self._progress_s = clock.now()
            if flow.full:
                return True
        return False

    def whole(self) -> bytes | None:
        """All that is unread where the end has come."""
        answer = self._answer
        if answer.dies or self._sent_s + answer.end_s > clock.now():
            return None
        unread, self._next = answer.pieces[self._next :], len(answer.pieces)
        return b"".join([piece.data for piece in unread])

    def lift_deadline(self) -> None:
        """The call's deadline never holds here: who reads has a limit of its own."""

    def commit(self, idle_s: float | None, stalled_s: float | None) -> None:
        """Only these timers hold from here."""
        self._idle_s, self._stalled_s, self._first_delta_by = idle_s, stalled_s, None
        self._progress_s = clock.now()

    def close(self) -> None:
        """There is no connection to be kept."""

    def discard(self) -> None:
        """Nor one to be closed."""

    def _first_due(self, quiet_from_s: float) -> tuple[float, Phase]:
        """When the first timer runs out, and whose it is; infinite for never."""
        due_s, phase = math.inf, Phase.IDLE
        if self._idle_s is not None:
            due_s = max(quiet_from_s, self.first_byte_at) + self._idle_s
        if self._first_delta_by is not None and self._first_delta_by < due_s:
            due_s, phase = self._first_delta_by, Phase.FIRST_DELTA
        if self._stalled_s is not None:
            stalled_by_s = self._progress_s + self._stalled_s
            if stalled_by_s < due_s:
                due_s, phase = stalled_by_s, Phase.STALLED
        return due_s, phase


def _first_due(timers: Timers, sent_s: float) -> tuple[float, Phase]:
    """When the first timer ends an attempt without a head, and whose it is; infinite for never."""
    due_s, phase = math.inf, Phase.DEADLINE
    if timers.deadline_by is not None:
        due_s = timers.deadline_by
    if timers.first_byte_s is not None and sent_s + timers.first_byte_s < due_s:
        due_s, phase = sent_s + timers.first_byte_s, Phase.FIRST_BYTE
    if timers.first_delta_by is not None and timers.first_delta_by < due_s:
        due_s, phase = timers.first_delta_by, Phase.FIRST_DELTA
    return due_s, phase


async def _until(moment_s: float) -> None:
    """Wait until a moment of the loop's clock; what has come is not waited for."""
    seconds = moment_s - clock.now()
    if seconds > 0:
        await clock.sleep(seconds)
