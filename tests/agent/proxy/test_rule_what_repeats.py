"""What repeats, rounds, the repeats of an SDK, from socket to socket."""

import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, Reset, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime

WIDE = {"maxAttempts": 4, "budget": {"percent": 100, "minPerSecond": 1000}}
NEVER = {"minRequests": 1_000_000}


def overloaded() -> ScriptedUpstream:
    return ScriptedUpstream(otherwise=error(529, "overloaded_error"))


def routes_tried(bench) -> list[int]:
    """Positions of the upstreams in the order of their requests."""
    order = [(r.at, i) for i, u in enumerate(bench.upstreams) for r in u.requests]
    return [index for _, index in sorted(order)]


@pytest.mark.parametrize(
    ("method", "path", "sends"),
    [
        ("POST", "/v1/messages", 4),
        ("HEAD", "/api/hello", 4),
        ("POST", "/v1/messages/batches", 1),
    ],
)
async def test_what_repeats(method, path, sends, started) -> None:
    async with started(overloaded(), retry=WIDE) as bench:
        got = await bench.ask(request_bytes(method, path, body=b"{}"), bodiless=method == "HEAD")
        assert got.status == 529
        assert len(bench.first.requests) == sends
        assert got.header("x-claude-sidecar-attempts") == str(sends)


@pytest.mark.parametrize(("status", "sends"), [(204, 1), (307, 1), (400, 1), (529, 4)])
async def test_status_repeats_as_the_table_of_causes_says(status, sends, started) -> None:
    upstream = ScriptedUpstream(otherwise=answer(status, b"" if status == 204 else b"{}", reason="x"))
    async with started(upstream, retry=WIDE) as bench:
        assert (await bench.message()).status == status
        assert len(upstream.requests) == sends


async def test_spend_limit_is_delivered_at_once(started) -> None:
    limit = error(429, "rate_limit_error", code="enforced_spend_limit_reached")
    async with started(ScriptedUpstream(otherwise=limit), retry=WIDE) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-cause")) == (429, "SpendLimit")
        assert got.header("x-claude-sidecar-limit") == "spend"
        assert len(bench.first.requests) == 1


@pytest.mark.parametrize("repeats", [0, 1, 2, 3, 9])
async def test_sdk_repeats_are_counted_in(repeats, started) -> None:
    async with started(overloaded(), retry=WIDE) as bench:
        await bench.message([(b"X-Stainless-Retry-Count", b"%d" % repeats)])
        assert len(bench.first.requests) == max(1, 4 - repeats)


async def test_unparsable_sdk_repeats_count_as_none(started) -> None:
    async with started(overloaded(), retry=WIDE) as bench:
        await bench.message([(b"x-stainless-retry-count", b"NOT_GIVEN")])
        assert len(bench.first.requests) == 4


async def test_rounds_try_each_route_once_without_waiting_then_back_off(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.5)
    retry = WIDE | {"maxAttempts": 6, "backoff": {"initial": "2s", "max": "30s"}}
    async with started(overloaded(), overloaded(), overloaded(), retry=retry) as bench:
        assert (await bench.message()).status == 529
        assert [round(request.at, 2) for request in bench.sends] == [0, 0, 0, 1.5, 1.5, 1.5]
        assert routes_tried(bench)[:3] == [0, 1, 2]
        assert [len(upstream.requests) for upstream in bench.upstreams] == [2, 2, 2]


async def test_fallback_goes_to_the_next_route_at_once(started) -> None:
    async with started(overloaded(), ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-route")) == (200, "second")
        assert got.header("x-claude-sidecar-attempts") == "2"
        assert bench.sends[-1].at == 0


async def test_other_causes_fall_back_only_where_the_policy_asks(started) -> None:
    refusing = ScriptedUpstream(otherwise=error(401))
    served = ScriptedUpstream(otherwise=answer())
    async with started(refusing, served, fallback={"causes": ["Authentication"]}) as bench:
        assert (await bench.message()).header("x-claude-sidecar-route") == "second"
    refusing.requests.clear()
    served.requests.clear()
    async with started(refusing, served, retry={"maxAttempts": 1}) as bench:
        assert (await bench.message()).status == 401
        assert served.requests == []


async def test_route_is_eligible_only_if_it_serves_the_model(started) -> None:
    routes = [{"models": [{"name": "claude-other"}]}, {"models": [{"name": "claude-opus-4-8", "id": "opus"}]}]
    async with started(overloaded(), ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "1")
        sent = json.loads(bench.upstreams[1].requests[0].body)
        assert (sent["model"], bench.first.requests) == ("opus", [])


async def test_only_the_models_bytes_change_where_a_route_calls_it_otherwise(started) -> None:
    body = b'{ "messages" : [{"content":"\\u0041 model"}],\n "model" :  "claude-opus-4-8" , "x":1.0}'
    routes = [{"models": [{"name": "claude-opus-4-8", "id": "opus"}]}]
    async with started(ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        await bench.ask(request_bytes(body=body))
        assert bench.first.requests[0].body == body.replace(b'"claude-opus-4-8"', b'"opus"')


async def test_never_another_model_unless_the_policy_names_it(started) -> None:
    routes = [{"models": [{"name": "claude-opus-4-8"}]}, {"models": [{"name": "claude-sonnet-4-6"}]}]
    async with started(overloaded(), ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        assert (await bench.message()).status == 529
        assert bench.upstreams[1].requests == []
    fallback = {"substitutions": [{"model": "claude-opus-4-8", "with": ["claude-sonnet-4-6"]}]}
    served = ScriptedUpstream(otherwise=answer())
    async with started(overloaded(), served, routes=routes, fallback=fallback) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-route")) == (200, "second")
        assert json.loads(served.requests[0].body)["model"] == "claude-sonnet-4-6"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/messages/batches", b"{}"),
        ("POST", "/v1/messages", message_body(container="container_1")),
    ],
)
async def test_calls_of_one_account_use_the_first_route_and_never_another(
    method, path, body, started
) -> None:
    async with started(overloaded(), ScriptedUpstream(otherwise=answer()), retry=WIDE) as bench:
        assert (await bench.ask(request_bytes(method, path, body=body))).status == 529
        assert bench.upstreams[1].requests == []


async def test_models_may_come_from_any_route(started) -> None:
    async with started(overloaded(), ScriptedUpstream(otherwise=answer())) as bench:
        assert (await bench.ask(request_bytes("GET", "/v1/models"))).status == 200


async def test_failed_connect_counts_as_a_send(started, free_port) -> None:
    routes = [{"endpoint": f"http://127.0.0.1:{free_port}"}, {}]
    async with started(
        ScriptedUpstream(), overloaded(), routes=routes, retry=WIDE | {"maxAttempts": 3}
    ) as bench:
        got = await bench.message()
        assert got.header("x-claude-sidecar-attempts") == "3"
        assert len(bench.upstreams[1].requests) == 1


@pytest.mark.parametrize("end", [Reset(), Close()])
async def test_connection_that_ends_before_the_answer_is_repeated(end, started) -> None:
    async with started(ScriptedUpstream([[end], answer()])) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
