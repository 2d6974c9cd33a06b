"""Requests to the API server."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import aiohttp
import msgspec

from claude_operator.cluster.access import Access

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_TOTAL_S = 20.0
_CONNECT_S = 5.0
# The server ends a watch after this; it says something at least once a minute, so more silence is a dead one.
_WATCH_S = 300
_SILENCE_S = 100.0
_LONGEST_EVENT_BYTES = 8 << 20
_LONGEST_MESSAGE = 300


class ApiError(Exception):
    """The API server refused or could not be reached.

    status: 0 where there was no answer. retry_after_s: how long it asked to be left alone.
    """

    def __init__(self, status: int, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message[:_LONGEST_MESSAGE])
        self.status = status
        self.retry_after_s = retry_after_s


class Requests(Protocol):
    """One request at a time to an API server: all that a part needs which does not watch."""

    async def get(self, path: str, **query: str) -> Any:
        """An object or a list; raises ApiError."""

    async def send(
        self,
        method: str,
        path: str,
        body: object,
        content_type: str = JSON,
        *,
        accept: str = JSON,
        **query: str,
    ) -> Any:
        """One request; raises ApiError."""


class Api:
    """A client of one API server; use it as a context."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Api":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._access.tls or True, limit=32), auto_decompress=True
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **query: str) -> Any:
        """An object or a list; raises ApiError."""
        return await self.send("GET", path, None, **query)

    async def send(
        self,
        method: str,
        path: str,
        body: object,
        content_type: str = JSON,
        *,
        accept: str = JSON,
        **query: str,
    ) -> Any:
        """One request; raises ApiError. body: made JSON, which is YAML too."""
        timeout = aiohttp.ClientTimeout(total=_TOTAL_S, connect=_CONNECT_S)
        try:
            async with self._request(method, path, query, timeout, body, content_type, accept) as answer:
                content = await answer.read()
                _raise_refusal(answer, content)
                return msgspec.json.decode(content)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise ApiError(0, f"{method} {path}: {type(error).__name__}") from None

    async def watch(self, path: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Events as they come, until the server ends the watch; raises ApiError, also on long silence."""
        query |= {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(_WATCH_S)}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        try:
            async with self._request("GET", path, query, timeout) as answer:
                if answer.status != 200:
                    _raise_refusal(answer, await answer.read())
                async for line in _lines(answer.content):
                    event = msgspec.json.decode(line)
                    if event["type"] == "ERROR":
                        status = event["object"]
                        raise ApiError(int(status.get("code", 500)), str(status.get("message", "")))
                    yield event
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise ApiError(0, f"watch {path}: {type(error).__name__}") from None

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        assert self._session is not None, "used outside its context"
        headers = {"Accept": accept, **self._access.headers()}
        content = None
        if body is not None:
            headers["Content-Type"] = content_type
            content = msgspec.json.encode(body)
        return self._session.request(
            method,
            self._access.url + path,
            params=query,
            data=content,
            headers=headers,
            timeout=timeout,
            allow_redirects=False,
        )


def _raise_refusal(answer: aiohttp.ClientResponse, content: bytes) -> None:
    if 200 <= answer.status < 300:
        return
    try:
        message = str(msgspec.json.decode(content)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        message = f"status {answer.status}"
    after = answer.headers.get("Retry-After", "")
    raise ApiError(answer.status, message, float(after) if after.isascii() and after.isdigit() else 0.0)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    held = b""
    async for piece in content.iter_any():
        held += piece
        *lines, held = held.split(b"\n")
        if len(held) > _LONGEST_EVENT_BYTES:
            raise ApiError(0, "an event of a watch is longer than any object")
        for line in lines:
            if line:
                yield line
