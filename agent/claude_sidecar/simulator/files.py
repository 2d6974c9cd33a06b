"""`/v1/files`: uploads are read as they come, hashed, and kept while they are small."""

from typing import Any

from claude_sidecar.simulator.answer import Answer, Body
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import token
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.listings import page
from claude_sidecar.simulator.multipart import Part, Splitter
from claude_sidecar.simulator.state import State
from claude_sidecar.simulator.stored import StoredFile

_KEPT_BYTES = 8 * 1024 * 1024
_MOST_FILES = 1000
_LIFE_S = (3600, 7_776_000)


async def upload(state: State, call: Call) -> Answer:
    """POST /v1/files: multipart with one part `file`."""
    assert call.caller is not None
    assert call.upload is not None
    splitter = Splitter(call.header("content-type") or "", _KEPT_BYTES)
    async for piece in call.upload:
        splitter.feed(piece)
    if not splitter.finished:
        raise ApiError(400, "multipart: the body ends before its last boundary")
    file = next((part for part in splitter.parts if part.name == "file"), None)
    if file is None:
        raise ApiError(400, "file: Field required")
    life_s = _life(splitter.parts)
    payload: dict[str, Any] = {
        "type": "file",
        "id": token("file_", state.seed, call.n, call.entry.request_sha256),
        "filename": file.filename or "upload",
        "mime_type": file.content_type,
        "size_bytes": file.size,
        "created_at": state.clock.rfc3339(),
        "downloadable": file.kept is not None,
    }
    ends_at = None
    if life_s is not None:
        payload["expires_at"] = state.clock.rfc3339(life_s)
        ends_at = state.clock.now() + life_s
    content = None if file.kept is None else bytes(file.kept)
    state.files[payload["id"]] = StoredFile(call.caller.organization, payload, content, ends_at)
    while len(state.files) > _MOST_FILES:
        state.files.pop(next(iter(state.files)))
    return Body.json(payload)


async def list_files(state: State, call: Call) -> Answer:
    """GET /v1/files: newest first."""
    assert call.caller is not None
    own = call.caller.organization
    listed = [file.payload for file in state.files.values() if file.organization == own]
    shown = page(call, listed[::-1])
    return Body.json({**shown, "next_page": shown["last_id"] if shown["has_more"] else None})


async def get_file(state: State, call: Call, name: str) -> Answer:
    """GET /v1/files/{id}."""
    return Body.json(_find(state, call, name).payload)


async def content(state: State, call: Call, name: str) -> Answer:
    """GET /v1/files/{id}/content: the bytes, where they were kept."""
    file = _find(state, call, name)
    if file.content is None:
        raise ApiError(400, "This file is not downloadable")
    return Body(file.content, file.payload["mime_type"])


async def delete(state: State, call: Call, name: str) -> Answer:
    """DELETE /v1/files/{id}."""
    _find(state, call, name)
    del state.files[name]
    return Body.json({"id": name, "type": "file_deleted"})


def _find(state: State, call: Call, name: str) -> StoredFile:
    assert call.caller is not None
    file = state.files.get(name)
    if file is None or file.organization != call.caller.organization:
        raise ApiError(404, f"File not found: {name}")
    if file.ends_at is not None and file.ends_at <= state.clock.now():
        raise ApiError(404, f"File has expired: {name}", code="file_expired")
    return file


def _life(parts: list[Part]) -> int | None:
    given = next((part for part in parts if part.name == "expires_in_seconds"), None)
    if given is None:
        return None
    text = bytes(given.kept or b"").decode("ascii", "replace")
    least, most = _LIFE_S
    if not text.isdigit() or not least <= int(text) <= most:
        raise ApiError(400, f"expires_in_seconds: Input should be an integer from {least} to {most}")
    return int(text)
