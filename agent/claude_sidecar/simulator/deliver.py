"""Puts an answer on the wire, with whatever its rule does to it, and writes down what was written."""

import asyncio
import gzip
import zlib

from claude_sidecar.simulator import heads
from claude_sidecar.simulator.answer import PING, Answer, Body, Event, EventStream, Lines, event
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import Clock
from claude_sidecar.simulator.errors import MESSAGE_BY_STATUS, TYPE_BY_STATUS, type_for
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.scenario import Scenario

EVENT_STREAM = "text/event-stream; charset=utf-8"
_CHUNKED = [("Transfer-Encoding", "chunked")]


class Delivery:
    """Carries one answer out. Raises `wire.Gone` when the caller leaves."""

    def __init__(self, call: Call, clock: Clock, scenario: Scenario, seed: int) -> None:
        self._call = call
        self._wire = call.wire
        self._entry = call.entry
        self._rule = call.rule or Rule()
        self._clock = clock
        self._scenario = scenario
        self._seed = seed

    async def answer(self, answer: Answer) -> None:
        """Write *answer*."""
        match answer:
            case Body():
                await self._body(answer)
            case Lines():
                await self._lines(answer)
            case EventStream():
                await self._events(answer)

    async def _body(self, body: Body) -> None:
        rule = self._rule
        if body.wait_s:
            await asyncio.sleep(body.wait_s)
        data, more = body.data, list(body.headers)
        if data and self._gzips("json" if body.status < 400 else "error"):
            data = gzip.compress(data, mtime=0)
            more.append(("Content-Encoding", "gzip"))
        if body.close:
            self._wire.keep = False
        length = max(0, len(data) + (rule.wrong_length or 0))
        framing = [] if body.status in (204, 304) else [("Content-Length", str(length))]
        self._entry.error_type = body.error_type
        await self._head(body.status, body.content_type, framing, more)
        if rule.truncate_body_at is not None and rule.truncate_body_at < len(data):
            await self._wire.body(data[: rule.truncate_body_at])
            await self._end(rule.mode, chunked=False)
            return
        await self._wire.body(data)
        self._entry.reported_usage = body.usage
        if body.usage is not None:
            self._entry.output_tokens_produced = body.usage.output_tokens
        if rule.wrong_length:
            await self._end("cut", chunked=False)

    async def _lines(self, answer: Lines) -> None:
        await self._head(200, answer.content_type, self._chunked(), answer.headers)
        limit = self._rule.truncate_body_at
        written = 0
        for line in answer.lines:
            if limit is not None and written + len(line) > limit:
                await self._wire.chunk(line, part=limit - written)
                await self._end(self._rule.mode)
                return
            await self._wire.chunk(line)
            written += len(line)
        await self._wire.last_chunk()

    async def _events(self, answer: EventStream) -> None:
        rule = self._rule
        if answer.wait_s:
            await asyncio.sleep(answer.wait_s)
        more = list(answer.headers)
        packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS) if self._gzips("stream") else None
        if packer is not None:
            more.append(("Content-Encoding", "gzip"))
        await self._head(200, EVENT_STREAM, self._chunked(), more)
        if rule.truncate_body_at is not None:
            await self._part_of(answer.events, rule.truncate_body_at)
            return
        for index, item in enumerate([*answer.events, None]):
            if index == rule.stall_at_event:
                await self._stall(answer.ping_every_s, packer)
            if index == rule.error_at_event:
                await self._error_event(packer)
                return
            if index == rule.truncate_at_event:
                await self._truncate(item, packer)
                return
            if item is not None:
                await self._silence(item.tokens * answer.token_s, answer.ping_every_s, packer)
                await self._wire.chunk(_packed(packer, item.data))
                self._wrote(item)
        if packer is not None:
            await self._wire.chunk(packer.flush())
        await self._wire.last_chunk()

    async def _head(
        self, status: int, content_type: str | None, framing: heads.HeaderList, more: heads.HeaderList
    ) -> None:
        lines = heads.lines(self._call, self._clock, self._seed, content_type, framing, more)
        await self._wire.head(status, lines, self._rule.reason)
        self._entry.status = status

    def _chunked(self) -> heads.HeaderList:
        if not self._wire.chunks:
            self._wire.keep = False
        return list(_CHUNKED) if self._wire.chunks else []

    def _gzips(self, kind: str) -> bool:
        wanted = kind in self._scenario.gzip if self._rule.gzip is None else self._rule.gzip
        return wanted and self._call.takes_gzip

    def _wrote(self, item: Event) -> None:
        self._entry.events += 1
        self._entry.output_tokens_produced = max(self._entry.output_tokens_produced, item.produced)
        if item.usage is not None:
            self._entry.reported_usage = item.usage

    async def _part_of(self, events: list[Event], limit: int) -> None:
        """The first *limit* bytes of a stream in one chunk, then its end."""
        data = b"".join(item.data for item in events)
        await self._wire.chunk(data[:limit])
        for item in events:
            limit -= len(item.data)
            if limit < 0:
                break
            self._wrote(item)
        await self._end(self._rule.mode)

    async def _truncate(self, item: Event | None, packer: "zlib._Compress | None") -> None:
        """End the stream before *item*; a cut leaves half of it behind in an unfinished chunk."""
        if self._rule.mode == "cut":
            data = _packed(packer, item.data if item is not None else PING)
            await self._wire.chunk(data, part=len(data) // 2)
        elif self._rule.mode == "clean" and packer is not None:
            await self._wire.chunk(packer.flush())
        await self._end(self._rule.mode)

    async def _end(self, mode: str, *, chunked: bool = True) -> None:
        self._entry.ended = "cut"
        if mode == "reset":
            await self._wire.reset()
        elif mode == "clean" and chunked:
            await self._wire.last_chunk()
        else:
            await self._wire.close()

    async def _error_event(self, packer: "zlib._Compress | None") -> None:
        rule = self._rule
        error_type = rule.error_type or type_for(529)
        usual = {kind: MESSAGE_BY_STATUS[status] for status, kind in TYPE_BY_STATUS.items()}
        error = {
            "details": {"error_code": rule.error_code} if rule.error_code else None,
            "type": error_type,
            "message": rule.message if rule.message is not None else usual.get(error_type, "Error"),
        }
        data = {"type": "error", "error": error, "request_id": self._call.request_id}
        await self._wire.chunk(_packed(packer, event("error", data)))
        if packer is not None:
            await self._wire.chunk(packer.flush())
        await self._wire.last_chunk()
        self._entry.events += 1
        self._entry.error_type = error_type
        self._entry.ended = "cut"
        await self._wire.close()

    async def _stall(self, ping_every_s: float, packer: "zlib._Compress | None") -> None:
        rule = self._rule
        every_s = (ping_every_s or 15.0) if rule.pings else 0.0
        if rule.stall != "forever":
            await self._silence(rule.stall, every_s, packer)
            return
        while True:
            if every_s:
                await self._silence(every_s * 1000, every_s, packer)
            else:
                # No timer, so that virtual time does not run ahead while the caller makes up its mind.
                await asyncio.get_running_loop().create_future()

    async def _silence(self, seconds: float, ping_every_s: float, packer: "zlib._Compress | None") -> None:
        """Let time pass, with pings in it as the API sends them."""
        while ping_every_s and seconds > ping_every_s:
            await asyncio.sleep(ping_every_s)
            await self._wire.chunk(_packed(packer, PING))
            seconds -= ping_every_s
        if seconds > 0:
            await asyncio.sleep(seconds)


def _packed(packer: "zlib._Compress | None", data: bytes) -> bytes:
    if packer is None:
        return data
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
