"""Reads request bodies: bounded, hashed as they came, decoded as the API decodes them."""

import hashlib
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.errors import ApiError

MIB = 1024 * 1024
JSON_LIMIT = 32 * MIB
BATCH_LIMIT = 256 * MIB
FILE_LIMIT = 500 * MIB


def limit_for(path: str) -> int:
    """The most bytes that a body may have on *path*."""
    if path.startswith("/v1/messages/batches"):
        return BATCH_LIMIT
    return FILE_LIMIT if path.startswith("/v1/files") else JSON_LIMIT


async def pieces(call: Call) -> AsyncIterator[bytes]:
    """The body as it comes, counted and hashed into the ledger; raises `ApiError` 413."""
    limit = limit_for(call.path)
    declared = call.request.content_length
    if declared is not None and declared > limit:
        raise _too_large(limit)
    digest = hashlib.sha256()
    if call.request.can_read_body:
        await call.wire.go_on()
    async for piece in call.request.content.iter_any():
        call.entry.request_bytes += len(piece)
        if call.entry.request_bytes > limit:
            raise _too_large(limit)
        digest.update(piece)
        yield piece
    call.entry.request_sha256 = digest.hexdigest()


async def whole(call: Call) -> bytes:
    """The whole body as it came; raises `ApiError` 413."""
    return b"".join([piece async for piece in pieces(call)])


async def drain(call: Call) -> None:
    """Read what is left of a body that nobody wants, so that the connection can be used again."""
    left = JSON_LIMIT
    async for piece in call.request.content.iter_any():
        left -= len(piece)
        if left < 0:
            call.wire.keep = False
            return


def decoded(raw: bytes, coding: str | None, limit: int) -> bytes:
    """*raw* without its content coding, of which only gzip is taken; raises `ApiError`."""
    if coding in (None, "", "identity"):
        return raw
    if coding != "gzip":
        raise ApiError(
            400, f"Content-Encoding {coding!r} is not supported", code="request_body_encoding_unsupported"
        )
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        data = inflate.decompress(raw, limit + 1)
    except zlib.error:
        raise ApiError(400, "The body is not valid gzip", code="request_body_encoding_invalid") from None
    if len(data) > limit:
        raise ApiError(413, "Request exceeds the maximum size", code="request_body_too_large_after_decoding")
    if not inflate.eof:
        raise ApiError(400, "The body is not valid gzip", code="request_body_encoding_invalid")
    return data


def document(data: bytes) -> Any:
    """The JSON value of a body, or None where it has none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def json_object(call: Call) -> dict[str, Any]:
    """The body as a JSON object; raises `ApiError` 400."""
    if not isinstance(call.document, dict):
        raise ApiError(400, "The request body is not valid JSON: an object is wanted")
    return call.document


def _too_large(limit: int) -> ApiError:
    return ApiError(
        413, f"Request exceeds the maximum allowed number of bytes ({limit // MIB} MB)", close=True
    )
