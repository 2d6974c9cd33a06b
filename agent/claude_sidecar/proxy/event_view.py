"""A stream of events as it flows by: cut at event boundaries, read for what the engine must know."""

import msgspec

from claude_sidecar.wire.answer_facts import AnswerFacts
from claude_sidecar.wire.content_coding import CodingUnknown, TeeDecoder
from claude_sidecar.wire.error_body import ErrorBody, read_error
from claude_sidecar.wire.sse import EventFramer, event_data, event_type

_DECODED_LIMIT_BYTES = 256 << 20
_DELTAS = frozenset({b"content_block_delta", b"completion"})
_FACTS = frozenset({b"message_start", b"message_delta"})


class EventView:
    """Feeds on an answer's bytes, gives back what may be relayed: whole events.

    begun: a delta or the end has come, so the stream may be committed. stopped: `message_stop` came.
    error: of an error event. opaque: coded in a way that can't be read, so nothing is known.
    Content-coded streams are relayed as the bytes come, and read in a decoded copy.
    """

    __slots__ = ("_coded", "_facts", "_framer", "_inference", "_tee", "begun", "error", "opaque", "stopped")

    def __init__(self, coding: bytes | None, facts: AnswerFacts, *, inference: bool) -> None:
        """inference: whether it is a model's answer; events of other streams (a session's) are not judged:
        an `error` among them need not be the end."""
        self._facts = facts
        self._inference = inference
        self._framer = EventFramer()
        self._coded = coding is not None and coding.strip().lower() not in (b"", b"identity")
        self._tee: TeeDecoder | None = None
        self.opaque = False
        if self._coded:
            try:
                self._tee = TeeDecoder(coding, _DECODED_LIMIT_BYTES)
            except CodingUnknown:
                self.opaque = True
        self.begun = self.opaque
        self.stopped = False
        self.error: ErrorBody | None = None

    @property
    def ended(self) -> bool:
        """Whether the stream may end here: with `message_stop`, an error event, or unseen."""
        return self.stopped or self.error is not None or self.opaque

    @property
    def can_append(self) -> bool:
        """Whether an event of our own would be understood behind what was relayed."""
        return not self._coded

    @property
    def mid_event(self) -> bool:
        """Whether a piece of an event has been given back whose end has not come."""
        return self._framer.mid_event

    def feed(self, data: bytes) -> list[bytes]:
        """What of these bytes, and those before, may be relayed now."""
        if self.opaque:
            return [data]
        if self._tee is not None:
            for event in self._framer.feed(self._tee.decode(data)):
                self._read(event)
            self.opaque = self._tee.broken
            return [data]
        events = self._framer.feed(data)
        for event in events:
            self._read(event)
        return events

    def finish(self) -> bytes:
        """At the end: what came of an event whose blank line is missing; it counts if its data is whole."""
        rest = self._framer.rest()
        if rest and not self.ended and _has_whole_data(rest):
            self._read(rest)
        return b"" if self._coded else rest

    def _read(self, event: bytes) -> None:
        if self.error is not None or not self._inference:
            return
        kind = event_type(event)
        if kind in _DELTAS:
            self.begun = True
        elif kind in _FACTS:
            self._facts.read_event(kind, event)
        elif kind == b"message_stop":
            self.begun = self.stopped = True
        elif kind == b"error":
            self.error = read_error(event_data(event)) or ErrorBody(None, None, None, None)


def _has_whole_data(event: bytes) -> bool:
    try:
        msgspec.json.decode(event_data(event))
    except (ValueError, RecursionError):
        return False
    return True
