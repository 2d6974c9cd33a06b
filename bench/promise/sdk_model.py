"""The official Python SDK's retry loop in small, fast enough to be run many thousand times.

After `anthropic` 2.12, `_base_client.py`: `AsyncAPIClient._request` (the loop), `_attempt_request` (what is
an APIConnectionError), `_should_retry`, `_calculate_retry_timeout`, `_parse_retry_after_header`,
`_build_headers`; and `_streaming.py: AsyncStream.__stream__`, whose exceptions nothing repeats.
`tests/bench/test_sdk_model.py` holds it against the real one. Left out is the SDK's pool: each send has a
connection of its own, so that none dies of being old.
"""

import asyncio
import email.utils
import json
from collections.abc import Callable

from bench.promise.answers import MODEL, good_body, good_events
from bench.promise.behaviour import DEFAULT_TIMEOUT_S, Behaviour, Kind
from bench.promise.http_exchange import Exchange, ExchangeFailed, send
from bench.promise.outcome import End, Outcome, Try

MAX_RETRIES = 2
_INITIAL_S, _LONGEST_S, _WISH_LONGEST_S = 0.5, 8.0, 4_294_967.0
_CONNECT_S = 5.0
_ASK: dict[str, object] = {"messages": [{"role": "user", "content": "Where?"}], "model": MODEL}
_BATCH: dict[str, object] = {"requests": [{"custom_id": "a", "params": _ASK | {"max_tokens": 5}}]}
_TARGETS: dict[Kind, tuple[str, str, dict[str, object] | None]] = {
    Kind.MESSAGE: ("POST", "/v1/messages", _ASK | {"max_tokens": 5}),
    Kind.STREAM: ("POST", "/v1/messages", _ASK | {"max_tokens": 5, "stream": True}),
    Kind.COUNT: ("POST", "/v1/messages/count_tokens", _ASK),
    Kind.BATCH: ("POST", "/v1/messages/batches", _BATCH),
    Kind.UPLOAD: ("POST", "/v1/files", {"file": "waves"}),
    Kind.DELETE: ("DELETE", "/v1/files/file_1", None),
    Kind.MODELS: ("GET", "/v1/models", None),
}


class ModelClient:
    """Makes a behaviour's calls; chance: a number in [0, 1), for the backoff's jitter; unix_s: wall time."""

    def __init__(
        self, behaviour: Behaviour, port: int, chance: Callable[[], float], unix_s: Callable[[], float]
    ) -> None:
        self._behaviour = behaviour
        self._port = port
        self._chance = chance
        self._unix_s = unix_s
        given_s = behaviour.timeout_s
        self._connect_s, self._read_s = (
            (_CONNECT_S, DEFAULT_TIMEOUT_S) if given_s is None else (given_s, given_s)
        )

    async def call(self, number: int) -> Outcome:
        """Make the behaviour's call of this number, with all repeats of its own."""
        loop = asyncio.get_running_loop()
        tries: list[Try] = []
        for taken in range(MAX_RETRIES + 1):
            starts_s = loop.time()
            exchange: Exchange | None = None
            try:
                exchange = await send(self._port, self._request(number, taken), self._connect_s, self._read_s)
                outcome = await self._judge(number, exchange, starts_s, tries)
            except ExchangeFailed as failure:
                tries.append(
                    Try(starts_s, _head_s(exchange, starts_s), loop.time() - starts_s, failure.timed_out)
                )
                outcome = Outcome(End.UNREACHED, None, tuple(tries), "APIConnectionError")
            finally:
                if exchange is not None:
                    exchange.close()
            again = outcome.end is End.UNREACHED or (
                outcome.end is End.STATUS and exchange is not None and should_retry(exchange)
            )
            if not again or taken == MAX_RETRIES:
                return outcome
            await asyncio.sleep(self._pause_s(tries[-1].wished_s, taken))
        raise AssertionError("the loop always returns")

    async def close(self) -> None:
        """Each send had a connection of its own."""

    async def _judge(self, number: int, exchange: Exchange, starts_s: float, tries: list[Try]) -> Outcome:
        """What an answer makes of the call. Raises ExchangeFailed where the SDK counts it as none."""
        kind = self._behaviour.calls[number].kind
        await exchange.head()
        end, told = End.ANSWERED, ""
        try:
            await exchange.whole()
        except ExchangeFailed as failure:
            if kind is not Kind.STREAM or exchange.status >= 400:
                raise
            end, told = End.BROKEN, "ReadTimeout" if failure.timed_out else "RemoteProtocolError"
        if not 200 <= exchange.status < 300:
            end, told = End.STATUS, bytes(exchange.body[:200]).decode("utf-8", "replace")
        elif kind is Kind.STREAM and end is End.ANSWERED:
            end, told = read_stream(bytes(exchange.body), good_events(number))
        elif kind is not Kind.STREAM and exchange.body != good_body(kind, number):
            end, told = End.WRONG, repr(bytes(exchange.body[:200]))
        wished_s = wish_s(exchange.headers, self._unix_s()) if end is End.STATUS else None
        lasted_s = asyncio.get_running_loop().time() - starts_s
        tries.append(Try(starts_s, _head_s(exchange, starts_s), lasted_s, wished_s=wished_s))
        return Outcome(end, exchange.status, tuple(tries), told)

    def _pause_s(self, wished_s: float | None, taken: int) -> float:
        if wished_s is not None and wished_s > 0:
            return min(wished_s, _WISH_LONGEST_S)
        return min(_INITIAL_S * 2.0**taken, _LONGEST_S) * (1 - 0.25 * self._chance())

    def _request(self, number: int, taken: int) -> bytes:
        kind = self._behaviour.calls[number].kind
        method, path, asked = _TARGETS[kind]
        body = json.dumps(asked).encode() if asked is not None else b""
        given_s = self._behaviour.timeout_s
        # `Messages.create` sets a time-out for what is no stream, where the client has none of its own.
        guarded = given_s is None and kind is Kind.MESSAGE
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            f"x-stainless-timeout: {_shown(self._read_s) if guarded else 'NOT_GIVEN'}",
            f"x-stainless-retry-count: {taken}",
            f"x-stainless-read-timeout: {_shown(self._read_s)}",
            "X-Api-Key: sk-ant-api03-model",
            "anthropic-version: 2026-10-21",
            f"x-call: {number}",
        ]
        if asked is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def should_retry(exchange: Exchange) -> bool:
    """`_should_retry`: the upstream's hints before the status."""
    said = exchange.headers.get("x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    return exchange.status in (408, 409, 429) or exchange.status >= 500


def wish_s(headers: dict[str, str], unix_s: float) -> float | None:
    """`_parse_retry_after_header`: milliseconds before seconds before a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return None if date is None else email.utils.mktime_tz(date) - unix_s


def read_stream(body: bytes, expected: tuple[bytes, ...]) -> tuple[End, str]:
    """What an app's parser makes of a stream that ended in order."""
    blocks = [
        b"\n".join([line for line in block.split(b"\n") if not line.startswith(b":")])
        for block in body.split(b"\n\n")
    ]
    # What has no `event` line the SDK passes over.
    events = [block + b"\n\n" for block in blocks if block.startswith(b"event: ")]
    events = [one for one in events if not one.startswith(b"event: ping\n")]
    for one in events:
        if one.startswith(b"event: error\n"):
            return End.BROKEN, one.decode("utf-8", "replace")
    if tuple(events) == expected:
        return End.ANSWERED, ""
    if tuple(events) == expected[: len(events)]:
        return End.TRUNCATED, f"{len(events)} of {len(expected)} events"
    return End.WRONG, repr(events)[:200]


def _head_s(exchange: Exchange | None, starts_s: float) -> float | None:
    return exchange.head_at_s - starts_s if exchange is not None and exchange.status else None


def _shown(seconds: float) -> str:
    return str(int(seconds)) if seconds == DEFAULT_TIMEOUT_S else str(seconds)
