"""`/v1/messages` and its like: what a call costs, whether it is admitted, what it is answered."""

from typing import Any

from claude_sidecar.simulator import stream, validate
from claude_sidecar.simulator.answer import Answer, Body, Event, EventStream, event
from claude_sidecar.simulator.body import json_object
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.clockwork import pick
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.models import Model
from claude_sidecar.simulator.prompt import Input, count_tokens
from claude_sidecar.simulator.reply import Reply, Shape, compose
from claude_sidecar.simulator.state import State


async def create(state: State, call: Call) -> Answer:
    """POST /v1/messages."""
    body = json_object(call)
    validate.messages(body, call.header("anthropic-version") or "")
    model = model_for(state, call, body["model"])
    _bounded(model, int(body["max_tokens"]))
    reply = _admitted(state, call, model, body)
    wait_s, token_s = pace(state, call)
    assert call.account is not None
    headers = call.account.headers(state.clock)
    if body.get("stream") is True:
        timing = state.scenario.timing
        return EventStream(stream.events(reply), headers, wait_s, token_s, timing.ping_every)
    answer = Body.json(reply.message())
    answer.headers = headers
    answer.wait_s = wait_s + token_s * reply.output_tokens
    answer.usage = stream.usage(reply, reply.output_tokens)
    return answer


async def count(state: State, call: Call) -> Answer:
    """POST /v1/messages/count_tokens: free, with a request limit of its own."""
    body = json_object(call)
    validate.messages(body, call.header("anthropic-version") or "", counting=True)
    model_for(state, call, body["model"])
    assert call.caller is not None
    account = state.accounts.of(call.caller, "count_tokens")
    account.admit(0, state.clock)
    answer = Body.json({"input_tokens": count_tokens(body)})
    answer.headers = account.requests.headers("requests", state.clock)
    return answer


async def complete(state: State, call: Call) -> Answer:
    """POST /v1/complete: the legacy text completions."""
    body = json_object(call)
    validate.completion(body)
    model = model_for(state, call, body["model"])
    asked = {
        "model": body["model"],
        "max_tokens": body["max_tokens_to_sample"],
        "messages": [{"role": "user", "content": body["prompt"]}],
    }
    reply = _admitted(state, call, model, asked)
    wait_s, token_s = pace(state, call)
    payload = {"type": "completion", "id": reply.id.replace("msg_", "compl_"), "model": reply.model}
    stop = "max_tokens" if reply.stop_reason == "max_tokens" else "stop_sequence"
    texts = [(delta["text"], tokens) for block in reply.blocks for delta, tokens in block.pieces]
    if body.get("stream") is True:
        events = [_completion_event({**payload, "completion": t, "stop_reason": None}, n) for t, n in texts]
        events.append(_completion_event({**payload, "completion": "", "stop_reason": stop}, 0))
        return EventStream(events, [], wait_s, token_s, state.scenario.timing.ping_every)
    whole = "".join(text for text, _ in texts)
    answer = Body.json({**payload, "completion": whole, "stop_reason": stop})
    answer.wait_s = wait_s + token_s * reply.output_tokens
    return answer


def model_for(state: State, call: Call, name: str) -> Model:
    """The model called *name*; raises `ApiError` 404, or what the caller's key says for models it lacks."""
    model = state.models.find(name)
    if model is None:
        raise ApiError(404, f"model: {name[:256]}")
    caller = call.caller
    if caller is not None and not caller.may_use(name, model.id, model.alias):
        if caller.missing_model_status == 403:
            raise ApiError(403, f"Your API key does not have permission to use the model {name}")
        raise ApiError(404, f"model: {name}")
    return model


def shape_for(state: State, call: Call, body: dict[str, Any]) -> Shape:
    """What the completion looks like: the scenario's word, over it the rule's."""
    scenario, rule = state.scenario.answer, call.rule
    least, most = scenario.bounds
    content = call.entry.request_sha256 or repr(body)
    tokens = pick(state.seed, least, most, "length", content)
    if rule is None:
        return Shape(tokens, scenario.tokens_per_event, scenario.text)
    return Shape(
        output_tokens=rule.output_tokens or tokens,
        tokens_per_event=rule.tokens_per_event or scenario.tokens_per_event,
        text=scenario.text if rule.text is None else rule.text,
        stop_reason=rule.stop_reason,
        model=rule.answer_model,
    )


def pace(state: State, call: Call) -> tuple[float, float]:
    """(seconds before the first token, seconds for each token)."""
    timing, rule = state.scenario.timing, call.rule
    first, rate = timing.first_token, timing.tokens_per_second
    if rule is not None and rule.first_token is not None:
        first = rule.first_token
    if rule is not None and rule.tokens_per_second is not None:
        rate = rule.tokens_per_second
    return first, 1 / rate if rate else 0.0


def _admitted(state: State, call: Call, model: Model, body: dict[str, Any]) -> Reply:
    """The reply, once the rate limits have let the call in."""
    assert call.caller is not None
    account = state.accounts.of(call.caller, model.pool)
    tokens = count_tokens(body)
    if tokens > model.max_input_tokens:
        raise ApiError(400, f"prompt is too long: {tokens} tokens > {model.max_input_tokens} maximum")
    scope = f"{call.caller.organization}\0{model.id}"
    given: Input = state.cache.split(body, scope, state.clock.now())
    account.admit(given.limited, state.clock)
    call.account = account
    return compose(body, model.id, given, shape_for(state, call, body), state.seed)


def _bounded(model: Model, max_tokens: int) -> None:
    if max_tokens > model.max_tokens:
        raise ApiError(
            400,
            f"max_tokens: {max_tokens} > {model.max_tokens}, which is the maximum allowed number of output "
            f"tokens for {model.id}",
        )


def _completion_event(data: dict[str, Any], tokens: int) -> Event:
    return Event(event("completion", data), tokens)
