"""A stream of events as it flows by: cut at event boundaries, read for what the engine must know.

Which events there are, and how a stream ends: docs/claude-api-notes.md, "Streams".
"""

import msgspec

from claude_sidecar.providers.provider import Framer
from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import BoundedDecoder
from claude_sidecar.wire.error_body import ErrorBody, read_error
from claude_sidecar.wire.response_metadata import ResponseMetadata
from claude_sidecar.wire.sse import DELTA_LINE, event_data, event_type

_DECODED_LIMIT_BYTES = 256 << 20
_DELTAS = frozenset({b"content_block_delta", b"completion"})
_FACTS = frozenset({b"message_start", b"message_delta"})


class EventView:
    """Feeds on a response's bytes, gives back what may be relayed: whole events.

    started: `message_start` came. has_delta: a delta came. stopped: `message_stop` came. error: of an error
    event, error_data: its data. is_over: one of these two came. finished: the body's end came. has_events,
    has_content: an event came; one that is no ping. progressed: set when more than pings and comments came.
    opaque: coded in a way that can't be read, so nothing is known. inference: whether it is a model's
    response. Content-coded streams are relayed as the bytes come, and read in a decoded copy.
    """

    __slots__ = (
        "_decoder",
        "_framer",
        "_metadata",
        "_plain",
        "coded",
        "error",
        "error_data",
        "finished",
        "has_content",
        "has_delta",
        "has_events",
        "inference",
        "is_over",
        "opaque",
        "progressed",
        "started",
        "stopped",
    )

    def __init__(
        self, framer: Framer, coding: bytes | None, metadata: ResponseMetadata, *, inference: bool
    ) -> None:
        """framer: cuts the bytes into events; coding: their content coding; inference: whether they are a
        model's answer: those of other streams (a session's) are not judged, an `error` among them need not be
        the end."""
        self._metadata = metadata
        self.inference = inference
        self._framer = framer
        self.coded = coding is not None and coding.strip().lower() not in (b"", b"identity")
        self._plain = inference and not self.coded
        self._decoder: BoundedDecoder | None = None
        self.opaque = False
        if self.coded:
            try:
                self._decoder = BoundedDecoder(coding, _DECODED_LIMIT_BYTES)
            except CodingUnknown:
                self.opaque = True
        self.started = self.has_events = self.has_content = False
        self.is_over = False
        self.has_delta = self.stopped = self.progressed = self.finished = False
        self.error: ErrorBody | None = None
        self.error_data = b""

    @property
    def begun(self) -> bool:
        """Whether a delta or the end has come, so that the stream may be committed."""
        return self.has_delta or self.stopped or self.opaque

    @property
    def ended(self) -> bool:
        """Whether the stream may end here: with `message_stop`, an error event, or unseen."""
        return self.stopped or self.error is not None or self.opaque

    @property
    def takes_pings(self) -> bool:
        """Whether a ping of ours may follow what has been given back so far."""
        return not (self.coded or self._framer.mid_event or self.stopped or self.error is not None)

    @property
    def mid_event(self) -> bool:
        """Whether a piece of an event has been given back whose end has not come."""
        return self._framer.mid_event

    def feed(self, data: bytes) -> list[bytes]:
        """What of these bytes, and those before, may be relayed now."""
        if self.opaque:
            self.progressed = True
            return [data]
        if self._decoder is not None:
            for event in self._framer.feed(self._decoder.decode(data)):
                self._read(event)
            self.progressed = self.progressed or self._framer.is_under_way
            self.opaque = self._decoder.broken
            return [data]
        events = self._framer.feed(data)
        for event in events:
            self._read(event)
        if not self.progressed:
            self.progressed = self._framer.is_under_way
        return events

    def pass_on(self, data: bytes) -> bytes:
        """As `feed`, what may be relayed as one; a delta that comes by itself goes on as it is."""
        delta = self._plain and self.error is None and data.startswith(DELTA_LINE)
        if delta and self._framer.passes(data):
            self.has_delta = self.progressed = True
            return data
        events = self.feed(data)
        return events[0] if len(events) == 1 else b"".join(events)

    def finish(self) -> bytes:
        """At the end: what came of an event whose blank line is missing; it counts if its data is whole."""
        self.finished = True
        rest = self._framer.rest()
        if rest and not self.ended and _has_whole_data(rest):
            self._read(rest)
        return b"" if self.coded else rest

    def _read(self, event: bytes) -> None:
        if self.error is not None or not self.inference:
            return
        kind = event_type(event)
        if kind in _DELTAS:
            self.has_delta = self.progressed = True
            return
        self.has_events = self.has_events or kind is not None
        if kind == b"ping" or (kind is None and not event_data(event)):
            return
        self.progressed = True
        if kind == b"error":
            self.is_over = True
            self.error_data = event_data(event)
            self.error = read_error(self.error_data) or ErrorBody(None, None, None, None)
            return
        self.has_content = True
        if kind in _FACTS:
            self.started = self.started or kind == b"message_start"
            self._metadata.read_event(kind, event)
        elif kind == b"message_stop":
            self.stopped = self.is_over = True


def _has_whole_data(event: bytes) -> bool:
    try:
        msgspec.json.decode(event_data(event))
    except (ValueError, RecursionError):
        return False
    return True
