"""Content codings undone and done again, piece by piece, in bounded memory and bounded steps."""

from claude_sidecar.wire.codecs import CodedStream, CodingUnknown, Encoder, codec_named

_WINDOW_BYTES = 16 << 10
"""Coded bytes given to a library at once: what lies behind a member's end is copied once a member."""

MEMBERS_MOST = 2000
"""Ended in one step, some milliseconds: an empty one takes 20 bytes (a zstd frame 8) and gives no byte."""


class CodingBroken(ValueError):
    """The bytes are not what the content coding announces."""


def is_coded(coding: bytes | None) -> bool:
    """Whether a `content-encoding` names any coding but `identity`."""
    return coding is not None and coding.strip().lower() not in (b"", b"identity")


class Decoder:
    """Undoes one content coding as the bytes come.

    gzip members and zstd frames in a row are one body (RFC 1952 section 2.2, RFC 8878 section 3); what comes
    behind the end of other codings, or is no further member, is surplus and ignored, as most clients do.
    """

    __slots__ = ("_begin", "_member", "_pushed_back", "_repeats", "_started", "_waiting", "surplus")

    def __init__(self, coding: bytes | None) -> None:
        """coding: a `content-encoding` for which `is_coded`. Raises CodingUnknown."""
        codec = codec_named(coding)
        self._begin, self._repeats = codec.member, codec.repeats
        self._member: CodedStream | None = self._begin()
        self._started = False
        self._pushed_back = b""
        self._waiting = False
        self.surplus = False
        """Whether bytes came behind the coded end."""

    @property
    def waiting(self) -> bool:
        """Whether there may be more to give out of what was fed: feed it nothing to get that."""
        return self._waiting or bool(self._pushed_back)

    @property
    def at_end(self) -> bool:
        """Whether all that was fed is whole: a coded stream has ended, nothing came behind it."""
        return self._member is None and not self.waiting and not self.surplus

    def feed(self, data: bytes, most_bytes: int) -> bytes:
        """Up to `most_bytes` of what these bytes, and those before, decode to. Raises CodingBroken.

        It may be less, or nothing, while there is more (`waiting`): many members are more than one step.
        """
        parts: list[bytes] = []
        room, members_left = most_bytes, MEMBERS_MOST
        pending = self._pushed_back + data if self._pushed_back else data
        at = 0
        self._pushed_back = b""
        while room > 0 and members_left > 0 and not self.surplus:
            window = b""
            if not self._waiting:
                window = self._pushed_back or pending[at : at + _WINDOW_BYTES]
                at += 0 if self._pushed_back else len(window)
                self._pushed_back = b""
                if not window:
                    break
            plain = self._decompress(window, room)
            room -= len(plain)
            members_left -= self._member is None
            parts.append(plain)
        self._pushed_back += pending[at:] if not self.surplus else b""
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _decompress(self, window: bytes, room: int) -> bytes:
        if self._member is None:
            if not self._repeats:
                self.surplus = True
                return b""
            self._member, self._started = self._begin(), True
        try:
            plain = self._member.decompress(window, room)
        except Exception as garbage:  # each library has its own error for it
            self._waiting = False
            if not self._started:
                raise CodingBroken(str(garbage)) from None
            self._member, self.surplus = None, True
            return b""
        if plain:
            self._started = False
        self._waiting = len(plain) >= room
        if self._member.eof:
            self._pushed_back = self._member.unused_data
            self._member, self._waiting = None, False
        return plain


class Plain:
    """What a Decoder is where there is no coding."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    @property
    def waiting(self) -> bool:
        """Whether some of what was fed has not been given back yet."""
        return bool(self._held)

    def feed(self, data: bytes, most_bytes: int) -> bytes:
        """Up to `most_bytes` of these bytes, and those before."""
        data = self._held + data if self._held else data
        self._held = data[most_bytes:]
        return data[:most_bytes]


class BoundedDecoder:
    """Decodes a copy of what flows by, up to a limit; past it, or after garbage, it gives nothing more.

    What flows by does not wait: a piece of more than MEMBERS_MOST members is garbage, too.

    coding: the response's `content-encoding`, None or empty for none; limit_bytes: decoded bytes in all,
    so that a small body can't unfold without end. Raises CodingUnknown.
    """

    __slots__ = ("_decoder", "_left", "broken", "is_whole")

    def __init__(self, coding: bytes | None, limit_bytes: int) -> None:
        self._left = limit_bytes
        self.broken = False
        self._decoder = Decoder(coding) if is_coded(coding) else None
        self.is_whole = self._decoder is None
        """Whether nothing is missing so far: a coded body has come to its end, no limit has cut it."""

    def decode(self, data: bytes) -> bytes:
        """The decoded bytes of this piece."""
        if self.broken or self._left <= 0:
            self.is_whole = self.is_whole and not data
            return b""
        if self._decoder is None:
            plain = data[: self._left]
            self.is_whole = len(plain) == len(data)
            self._left -= len(plain)
            return plain
        try:
            plain = self._decoder.feed(data, self._left)
        except CodingBroken:
            self.broken = True
            return b""
        self._left -= len(plain)
        self.broken = self._left > 0 and self._decoder.waiting
        self.is_whole = self._decoder.at_end
        if self._decoder.surplus:
            self._left = 0
        return plain


def decoded(body: bytes, coding: bytes | None, limit_bytes: int) -> bytes | None:
    """A whole body without its coding; None where that is unknown, or the body is damaged or too long."""
    try:
        tee = BoundedDecoder(coding, limit_bytes)
    except CodingUnknown:
        return None
    plain = tee.decode(body)
    return plain if tee.is_whole else None


def encoder(coding: bytes | None) -> Encoder:
    """An encoder for a content coding that a Decoder has undone. Raises CodingUnknown."""
    return codec_named(coding).encoder()
