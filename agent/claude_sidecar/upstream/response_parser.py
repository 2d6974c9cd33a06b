"""One answer as it is parsed: its head as raw lines, its body's bytes with the framing taken off."""

import httptools

HEAD_LIMIT_BYTES = 64 << 10
_HEAD_LIMIT_LINES = 500


class ResponseGarbled(Exception):
    """What came is not an HTTP/1.1 answer, or its head has no end."""


class ResponseParser:
    """Feeds on one response's bytes.

    head_only: of a HEAD, which has no body whatever its content-length says. framed: a content-length or
    chunks tell where the body ends, else the close does. surplus: bytes came that were not asked for.
    kept_alive: the upstream will take another request.
    """

    __slots__ = (
        "_chunks",
        "_head_bytes",
        "_parser",
        "buffered_bytes",
        "complete",
        "framed",
        "head_done",
        "head_only",
        "headers",
        "kept_alive",
        "reason",
        "status",
        "surplus",
    )

    def __init__(self, *, head_only: bool) -> None:
        self.head_only = head_only
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head_done = False
        self.complete = False
        self.framed = False
        self.surplus = False
        self.kept_alive = False
        self.buffered_bytes = 0
        self._chunks: list[bytes] = []
        self._head_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse bytes. Raises ResponseGarbled."""
        if self.complete:
            self.surplus = True
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.surplus = True
            raise ResponseGarbled(f"the upstream's response is not HTTP: {type(error).__name__}") from None
        if not self.head_done:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES or len(self.headers) > _HEAD_LIMIT_LINES:
                raise ResponseGarbled(f"the upstream's header block is over {HEAD_LIMIT_BYTES} bytes")

    def let_parser_go(self) -> None:
        """Nothing more is fed: the two hold each other and would be left to the garbage collector."""
        del self._parser

    def take(self) -> bytes:
        """The body bytes that have come and were not taken yet."""
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self.buffered_bytes = 0
        return data

    def closed_cleanly(self) -> None:
        """The connection ended in order: without framing that is the end of the body."""
        if self.head_done and not self.framed:
            self.complete = True

    @property
    def leaves_connection_usable(self) -> bool:
        """Whether another request may follow on the same connection."""
        bounded = self.framed or self.head_only or self.status in (204, 304)
        return self.complete and self.kept_alive and not self.surplus and bounded

    # What follows is called by the parser.

    def on_message_begin(self) -> None:
        if self.complete:
            self.surplus = True

    def on_status(self, reason: bytes) -> None:
        if not self.complete:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_done:
            return  # a trailer
        self.headers.append((name, value))
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            self.framed = True

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            return
        self.status = status
        self.head_done = True
        if self.head_only:
            self._finish()

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self._chunks.append(data)
            self.buffered_bytes += len(data)

    def on_message_complete(self) -> None:
        if self.head_done:
            self._finish()
            return
        # An interim response (1xx) makes way for the real one.
        self.headers.clear()
        self.reason = b""
        self.framed = False

    def _finish(self) -> None:
        # Asked here: once the message is over, the parser has forgotten how it was framed.
        self.kept_alive = bool(self._parser.should_keep_alive())
        self.complete = True
