"""`/v1/messages/batches`: made at once or after a while, with results at an absolute address."""

import re
from collections.abc import Iterator
from typing import Any

from claude_sidecar.simulator import validate
from claude_sidecar.simulator.answer import Answer, Body, Lines
from claude_sidecar.simulator.body import json_object
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import token
from claude_sidecar.simulator.errors import ApiError, compact
from claude_sidecar.simulator.listings import page
from claude_sidecar.simulator.messages import model_for, shape_for
from claude_sidecar.simulator.prompt import Input, count_tokens
from claude_sidecar.simulator.reply import compose
from claude_sidecar.simulator.state import State
from claude_sidecar.simulator.stored import Batch

_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_REQUESTS = 100_000
_MOST_BATCHES = 100
_DAY_S = 86_400


async def create(state: State, call: Call) -> Answer:
    """POST /v1/messages/batches."""
    assert call.caller is not None
    requests = json_object(call).get("requests")
    if not isinstance(requests, list) or not requests:
        raise ApiError(400, "requests: a list with at least one request is required")
    if len(requests) > _MOST_REQUESTS:
        raise ApiError(400, f"requests: at most {_MOST_REQUESTS} requests")
    names = set()
    for index, item in enumerate(requests):
        name = item.get("custom_id") if isinstance(item, dict) else None
        if not isinstance(name, str) or not _CUSTOM_ID.fullmatch(name):
            raise ApiError(400, f"requests.{index}.custom_id: 1 to 64 of A-Z a-z 0-9 _ -")
        if name in names:
            raise ApiError(400, f"requests.{index}.custom_id: must be unique within the batch")
        if not isinstance(item.get("params"), dict):
            raise ApiError(400, f"requests.{index}.params: Field required")
        names.add(name)
    batch_id = token("msgbatch_", state.seed, call.n, call.entry.request_sha256)
    batch = Batch(batch_id, call.caller.organization, requests, state.clock.now())
    state.batches[batch_id] = batch
    while len(state.batches) > _MOST_BATCHES:
        state.batches.pop(next(iter(state.batches)))
    return Body.json(_payload(state, batch, ended=False))


async def list_batches(state: State, call: Call) -> Answer:
    """GET /v1/messages/batches: newest first."""
    assert call.caller is not None
    own = call.caller.organization
    listed = [_payload(state, batch) for batch in state.batches.values() if batch.organization == own]
    return Body.json(page(call, listed[::-1]))


async def get_batch(state: State, call: Call, name: str) -> Answer:
    """GET /v1/messages/batches/{id}."""
    return Body.json(_payload(state, _find(state, call, name)))


async def cancel(state: State, call: Call, name: str) -> Answer:
    """POST /v1/messages/batches/{id}/cancel."""
    batch = _find(state, call, name)
    if _ended(state, batch):
        raise ApiError(400, f"Batch {name} has already ended")
    batch.canceled = True
    return Body.json({**_payload(state, batch, ended=False), "processing_status": "canceling"})


async def delete(state: State, call: Call, name: str) -> Answer:
    """DELETE /v1/messages/batches/{id}."""
    if not _ended(state, _find(state, call, name)):
        raise ApiError(400, f"Batch {name} is still in progress: cancel it first")
    del state.batches[name]
    return Body.json({"id": name, "type": "message_batch_deleted"})


async def results(state: State, call: Call, name: str) -> Answer:
    """GET /v1/messages/batches/{id}/results: JSONL, a line a request."""
    batch = _find(state, call, name)
    if not _ended(state, batch):
        raise ApiError(400, f"Batch {name} has no results yet: it is in progress")
    return Lines(_result_lines(state, call, batch), "application/binary")


def _find(state: State, call: Call, name: str) -> Batch:
    assert call.caller is not None
    batch = state.batches.get(name)
    if batch is None or batch.organization != call.caller.organization:
        raise ApiError(404, f"Batch not found: {name}")
    return batch


def _ended(state: State, batch: Batch) -> bool:
    return batch.canceled or state.clock.now() >= batch.created_at + state.scenario.timing.batch


def _payload(state: State, batch: Batch, *, ended: bool | None = None) -> dict[str, Any]:
    ended = _ended(state, batch) if ended is None else ended
    ago = batch.created_at - state.clock.now()
    count = len(batch.requests)
    counts = {"processing": 0 if ended else count, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    if ended:
        counts["canceled" if batch.canceled else "succeeded"] = count
    origin = state.scenario.results_origin or state.origin
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": state.clock.rfc3339(ago),
        "expires_at": state.clock.rfc3339(ago + _DAY_S),
        "ended_at": state.clock.rfc3339(ago + state.scenario.timing.batch) if ended else None,
        "archived_at": None,
        "cancel_initiated_at": state.clock.rfc3339() if batch.canceled else None,
        "results_url": f"{origin}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def _result_lines(state: State, call: Call, batch: Batch) -> Iterator[bytes]:
    for item in batch.requests:
        result = {"type": "canceled"} if batch.canceled else _result(state, call, item["params"])
        yield compact({"custom_id": item["custom_id"], "result": result}) + b"\n"


def _result(state: State, call: Call, params: dict[str, Any]) -> dict[str, Any]:
    try:
        validate.messages(params, call.header("anthropic-version") or "")
        model = model_for(state, call, params["model"])
    except ApiError as error:
        inner = {"type": error.error_type, "message": error.message}
        return {"type": "errored", "error": {"type": "error", "error": inner}}
    given = Input(count_tokens(params))
    reply = compose(params, model.id, given, shape_for(state, call, params), state.seed)
    return {"type": "succeeded", "message": reply.message()}
