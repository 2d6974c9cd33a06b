"""`/v1/models`, and the paging that it shares with other lists."""

from typing import Any

from claude_sidecar.simulator.answer import Answer, Body
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.messages import model_for
from claude_sidecar.simulator.state import State


async def list_models(state: State, call: Call) -> Answer:
    """GET /v1/models: those that the caller may use."""
    caller = call.caller
    assert caller is not None
    visible = [model.payload() for model in state.models.all if caller.may_use(model.id, model.alias)]
    return Body.json(page(call, visible))


async def get_model(state: State, call: Call, name: str) -> Answer:
    """GET /v1/models/{id}."""
    return Body.json(model_for(state, call, name).payload())


def page(call: Call, items: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of *items* as `limit`, `after_id` and `before_id` ask for it; raises `ApiError` 400."""
    text = call.query("limit") or "20"
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ApiError(400, "limit: Input should be an integer from 1 to 1000")
    limit = int(text)
    names = [str(item["id"]) for item in items]
    after, before = call.query("after_id"), call.query("before_id")
    first, end = 0, len(items)
    if after is not None:
        first = _place(names, after, "after_id") + 1
    if before is not None:
        end = _place(names, before, "before_id")
        first = max(first, end - limit)
    shown = items[first:end][:limit]
    more = first > 0 if before is not None else first + len(shown) < end
    return {
        "data": shown,
        "has_more": more,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }


def _place(names: list[str], name: str, field: str) -> int:
    if name not in names:
        raise ApiError(400, f"{field}: no such id")
    return names.index(name)
