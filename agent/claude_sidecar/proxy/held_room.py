"""Room for what streams hold back, out of the policy's memory for bodies; short of it, one is committed."""

from collections.abc import Callable

from claude_sidecar.proxy.body_room import BufferSpace


class HeldRoom:
    """Knows the streams that are held, the longest held first."""

    def __init__(self, space: BufferSpace) -> None:
        self._space = space
        self._held: dict[HeldShare, Callable[[], None]] = {}

    def share(self, commit: Callable[[], None]) -> "HeldShare":
        """The share of a stream that begins to be held; commit: ends its hold."""
        share = HeldShare(self)
        self._held[share] = commit
        return share

    def grown(self, size_bytes: int, limit_bytes: int) -> None:
        """A share took more: the longest held are committed until what is held keeps within the limit."""
        self._space.memory_bytes += size_bytes
        while self._held and self._space.memory_bytes > limit_bytes:
            longest = next(iter(self._held))
            commit = self._held[longest]
            longest.release()
            commit()

    def settled(self, share: "HeldShare") -> None:
        """A stream is not held any more, though its bytes may still be kept."""
        self._held.pop(share, None)

    def returned(self, size_bytes: int) -> None:
        """A share gave back what it took."""
        self._space.memory_bytes -= size_bytes
        self._space.given_back()


class HeldShare:
    """What one stream takes of the room."""

    __slots__ = ("_released", "_room", "size_bytes")

    def __init__(self, room: HeldRoom) -> None:
        self._room = room
        self._released = False
        self.size_bytes = 0

    def grow(self, size_bytes: int, limit_bytes: int) -> None:
        """Take more; limit_bytes: `limits.maxBufferedMiB`."""
        if not self._released:
            self.size_bytes += size_bytes
            self._room.grown(size_bytes, limit_bytes)

    def settle(self) -> None:
        """The hold is over; the bytes stay where they are."""
        self._room.settled(self)

    def release(self) -> None:
        """The bytes are gone, or on their way; safe to call twice."""
        if not self._released:
            self._released = True
            self._room.settled(self)
            self._room.returned(self.size_bytes)
