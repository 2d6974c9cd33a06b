"""What `GET /v1/models` and `/routes` tell of models: the upstream's own list, and what calls can reach."""

import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime

LIST = b"""\
{"data": [
  {"type": "model", "id": "claude-opus-4-8", "display_name": "Op\\u00fcs <b>", "new_field": [1,  2.50]},
  {"type": "model", "id": "claude-haiku-4-5"}], "has_more" : true , "last_id":"claude-haiku-4-5"}
"""
MAPPED = {"models": [{"name": "claude-opus-4-8", "id": "our-opus"}, {"name": "claude-only-here"}]}
SWAP = {"substitutions": [{"model": "claude-opus-4-8", "with": ["claude-only-here"]}]}


@pytest.mark.parametrize("target", ["/v1/models", "/v1/models?limit=1000", "/v1/models/claude-opus-4-8"])
async def test_the_upstreams_models_are_delivered_byte_for_byte_whatever_the_policy_maps(
    target, started
) -> None:
    lines = [("request-id", "req_9"), ("etag", '"a"')]
    upstream = ScriptedUpstream(otherwise=answer(200, LIST, lines))
    async with started(upstream, routes=[MAPPED], fallback=SWAP) as bench:
        got = await bench.ask(request_bytes("GET", target))
        assert (got.status, got.body) == (200, LIST)
        assert [(name, got.header(name)) for name, _ in lines] == lines
        assert bench.first.requests[0].start_line == f"GET {target} HTTP/1.1".encode()


async def test_routes_tells_what_each_may_be_asked_for_and_how_that_is_known(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer(200, LIST))
    async with started(upstream, ScriptedUpstream(), routes=[{}, MAPPED], fallback=SWAP) as bench:
        await bench.ask(request_bytes("GET", "/v1/models"))
        first, second = await bench.admin_json("/routes")
        policy, seen = {"source": "policy"}, {"source": "models-api"}
        swapped = {"id": "claude-only-here", "source": "policy", "substitute": "claude-only-here"}
        assert first["models"] == [
            {"model": "claude-haiku-4-5", "id": "claude-haiku-4-5"} | seen,
            {"model": "claude-only-here", "id": "claude-only-here"} | policy,
            {"model": "claude-opus-4-8", "id": "claude-opus-4-8"} | seen,
            {"model": "claude-opus-4-8"} | swapped,
            {"model": "*", "id": "*"} | policy,
        ]
        assert second["models"] == [
            {"model": "claude-only-here", "id": "claude-only-here"} | policy,
            {"model": "claude-opus-4-8", "id": "our-opus"} | policy,
            {"model": "claude-opus-4-8"} | swapped,
        ]


async def test_what_is_no_name_in_a_list_is_told_nowhere(started) -> None:
    names = ["<script>", "\u202eclaude", "a b", "sk-ant-api03-0123", "", "m" * 129, "claude-opus-4-8"]
    body = json.dumps({"data": [{"id": name} for name in names]}).encode()
    async with started(ScriptedUpstream(otherwise=answer(200, body))) as bench:
        assert (await bench.ask(request_bytes("GET", "/v1/models"))).body == body
        (route,) = await bench.admin_json("/routes")
        assert route["modelsSeen"] == ["claude-opus-4-8"]
        assert [each["model"] for each in route["models"]] == ["claude-opus-4-8", "*"]
