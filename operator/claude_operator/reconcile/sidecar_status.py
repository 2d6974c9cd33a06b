"""What a sidecar says of itself at `/status`: read with distrust, since a pod may answer what it likes."""

from typing import Annotated

import aiohttp
import msgspec

from claude_operator.desired.world import Report

TIMEOUT_S = 2.0
_MOST_BYTES = 64 * 1024

_Hash = Annotated[str, msgspec.Meta(max_length=64)]
_Name = Annotated[str, msgspec.Meta(max_length=63)]


class _Said(msgspec.Struct, rename="camel"):
    """The fields that are believed; others are passed over."""

    hash: _Hash
    version: _Hash
    generation: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    restart_required: bool = False
    last_error: str | None = None
    credentials_missing: Annotated[list[_Name], msgspec.Meta(max_length=16)] = msgspec.field(
        default_factory=list
    )


_decoder = msgspec.json.Decoder(_Said)


def session() -> aiohttp.ClientSession:
    """A session for asking sidecars: no proxy, no cookies, nothing unpacked, no connection kept."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
    )


async def ask(asking: aiohttp.ClientSession, ip: str, port: int) -> Report | None:
    """A sidecar's report; None where there was none that can be believed. port: its admin port."""
    host = f"[{ip}]" if ":" in ip else ip
    url = f"http://{host}:{port}/status"
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    try:
        async with asking.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                return None
            content = await _bounded(answer.content)
        said = _decoder.decode(content)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, msgspec.MsgspecError):
        return None
    return Report(
        said.hash,
        said.version,
        said.generation,
        said.restart_required,
        tuple(sorted(said.credentials_missing)),
        bool(said.last_error),
    )


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """All of a small body; raises ValueError where it is larger."""
    held = b""
    async for piece in content.iter_any():
        held += piece
        if len(held) > _MOST_BYTES:
            raise ValueError("a sidecar's status is larger than that")
    return held
