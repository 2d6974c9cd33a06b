"""The caller's side of a played call: it hears all at once, and nobody reads it."""

from claude_sidecar import clock
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.wire.headers import HeaderLines


class Unheard(Downstream):
    """Keeps the times at which something would have been written."""

    def __init__(self) -> None:
        self.started = False
        self.ended = False
        self.sent_at = 0.0
        self.first_byte_at: float | None = None
        self.first_chunk_at: float | None = None

    def start(
        self, status: int, reason: bytes, lines: HeaderLines, first: bytes, *, sized: bool, last: bool
    ) -> None:
        """As Downstream.start."""
        self.started, self.ended = True, last
        self.first_byte_at = self.sent_at = clock.now()
        if first:
            self.first_chunk_at = self.first_byte_at

    def put(self, data: bytes, *, last: bool = False) -> bool:
        """As Downstream.put; the reader is never slow."""
        self.ended = self.ended or last
        if data:
            self.sent_at = clock.now()
            if self.first_chunk_at is None:
                self.first_chunk_at = self.sent_at
        return False

    async def drain(self) -> None:
        """All is read at once."""

    def end(self, data: bytes) -> None:
        """As Downstream.end."""
        self.ended = True

    def ping(self) -> None:
        """As Downstream.ping."""
        if not self.ended:
            self.sent_at = clock.now()

    def close_now(self) -> None:
        """There is no connection."""

    def close_after(self) -> None:
        """There is no connection."""

    def cut(self) -> None:
        """There is no connection."""
