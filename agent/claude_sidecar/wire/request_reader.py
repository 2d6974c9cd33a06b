"""Reads a request's body while it comes in, through its content coding, for its facts and their places."""

from collections.abc import Sequence

from claude_sidecar.wire.body_scanner import BodyScanner, Member
from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import CodingBroken, Decoder, Plain, is_coded
from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts, scanned_facts

_STEP_BYTES = 64 << 10
"""So much is read at once: some milliseconds at most, then the event loop has its turn."""


class RequestReader:
    """Takes a body's bytes as they come.

    coding: its content-encoding; limit_bytes: of the body without its coding, past which it is unreadable:
    a small body may unfold without end. plain_bytes: how much has been read, without the coding.
    """

    __slots__ = ("_decoder", "_limit_bytes", "_scanner", "plain_bytes", "unreadable")

    def __init__(self, coding: bytes | None, limit_bytes: int) -> None:
        self._scanner = BodyScanner()
        self._limit_bytes = limit_bytes
        self._decoder: Decoder | Plain = Plain()
        self.plain_bytes = 0
        self.unreadable = False
        try:
            self._decoder = Decoder(coding) if is_coded(coding) else Plain()
        except CodingUnknown:
            self.unreadable = True

    def feed(self, data: bytes, most_bytes: int = _STEP_BYTES) -> bool:
        """Read on; whether more of what was fed is to be read: feed nothing for that.

        most_bytes: to be read now, without the coding.
        """
        if self.unreadable:
            return False
        try:
            plain = self._decoder.feed(data, min(most_bytes, _STEP_BYTES))
        except CodingBroken:
            self.unreadable = True
            return False
        self.plain_bytes += len(plain)
        self._scanner.feed(plain)
        self.unreadable = self._scanner.broken or self.plain_bytes > self._limit_bytes
        return not self.unreadable and self._decoder.waiting

    @property
    def ended(self) -> bool:
        """Whether the whole object has come."""
        return self._scanner.ended

    @property
    def members(self) -> Sequence[Member]:
        """The members that have come, with their places in the body without its coding."""
        return self._scanner.members

    def facts(self, *, begun: bool = False) -> BodyFacts:
        """What is known of a body that is whole, or of the beginning of one (`begun`)."""
        return NO_FACTS if self.unreadable else scanned_facts(self._scanner, begun=begun)
