"""Web pages: where a route has its own key, no page in a browser may spend it."""

import json
from typing import Any

import pytest
from support.fakes.raw_client import Lines, RawAnswer, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, message_body
from support.own_address import own_interface_address

pytestmark = pytest.mark.looptime

OWN_KEY = {"routes": [{"credential": {"env": "OWN"}}]}
FOREIGN: dict[str, Lines] = {
    "foreign origin": [(b"Origin", b"http://evil.example")],
    "origin of a sandboxed page": [(b"Origin", b"null")],
    "origin of another server of this machine": [(b"Origin", b"http://localhost:3000")],
    "origin of another scheme": [(b"Origin", b"https://localhost")],
    "no origin but cross-site": [(b"Sec-Fetch-Site", b"cross-site")],
    "rebound name": [(b"Host", b"evil.example:8787")],
    "rebound name with its own origin": [
        (b"Host", b"evil.example"),
        (b"Origin", b"http://evil.example"),
        (b"Sec-Fetch-Site", b"same-origin"),
    ],
    "rebound name that begins like ours": [(b"Host", b"localhost.evil.example")],
    "address of another machine": [(b"Host", b"192.0.2.1")],
    "address that is none": [(b"Host", b"0.0.0.0:8787")],
}
OURS: dict[str, Lines] = {
    "loopback name": [(b"Host", b"localhost:8787")],
    "name below it": [(b"Host", b"app.localhost")],
    "loopback address": [(b"Host", b"127.0.0.1:8787")],
    "other loopback address": [(b"Host", b"[::1]")],
    "address of an interface": [(b"Host", own_interface_address().encode())],
    "page of our own": [(b"Origin", b"HTTP://localhost"), (b"Sec-Fetch-Site", b"same-origin")],
    "typed into the address bar": [(b"Sec-Fetch-Site", b"none")],
}


async def asked(started: Any, lines: Lines, env: dict[str, str], **spec: Any) -> tuple[RawAnswer, int]:
    """The answer to a page's simple POST, and how often the upstream was asked."""
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream, environ={"OWN": "sk-ant-api03-own"} | env, **spec) as bench:
        simple = [*lines, (b"Content-Type", b"text/plain")]
        got = await bench.ask(request_bytes(lines=simple, body=message_body(), key=None))
        return got, len(upstream.requests)


@pytest.mark.parametrize("page", FOREIGN)
async def test_page_may_not_spend_a_routes_own_key(page, started) -> None:
    got, sends = await asked(started, FOREIGN[page], {}, **OWN_KEY)
    assert (got.status, sends, got.closed) == (403, 0, True)
    assert json.loads(got.body)["error"]["type"] == "gateway_bad_request"
    assert got.start_line == b"HTTP/1.1 403 Forbidden"
    assert got.header("x-should-retry") == "false"
    assert got.header("access-control-allow-origin") is None


@pytest.mark.parametrize("page", OURS)
async def test_callers_of_this_machine_may(page, started) -> None:
    got, sends = await asked(started, OURS[page], {}, **OWN_KEY)
    assert (got.status, sends) == (200, 1)


@pytest.mark.parametrize("page", FOREIGN)
async def test_callers_own_key_is_the_callers_to_spend(page, started) -> None:
    got, sends = await asked(started, [*FOREIGN[page], (b"x-api-key", b"sk-ant-api03-callers")], {})
    assert (got.status, sends) == (200, 1)


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://other.example, HTTP://LocalHost:3000/ ,", 200),
        ("http://localhost", 403),
        ("", 403),
        ("*", 403),
    ],
)
async def test_listed_origins_may_whatever_their_site(listed, status, started) -> None:
    page = [(b"Origin", b"http://localhost:3000"), (b"Sec-Fetch-Site", b"cross-site")]
    got, _ = await asked(started, page, {"CLAUDE_SIDECAR_ALLOWED_ORIGINS": listed}, **OWN_KEY)
    assert got.status == status


async def test_listed_origin_opens_no_rebound_name(started) -> None:
    page = [(b"Host", b"app.example"), (b"Origin", b"http://app.example")]
    env = {"CLAUDE_SIDECAR_ALLOWED_ORIGINS": "http://app.example"}
    assert (await asked(started, page, env, **OWN_KEY))[0].status == 403


async def test_one_route_with_its_own_key_is_enough(started) -> None:
    first, second = ScriptedUpstream(otherwise=answer()), ScriptedUpstream()
    routes: list[dict[str, Any]] = [{}, {"credential": {"env": "OWN"}}]
    async with started(first, second, routes=routes, environ={"OWN": "k"}) as bench:
        assert (await bench.message([(b"Origin", b"http://evil.example")])).status == 403
        assert first.requests == []


async def test_http_1_0_without_host_is_no_page(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), environ={"OWN": "k"}, **OWN_KEY) as bench:
        got = await bench.ask(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert got.status == 200


async def test_foreign_preflight_is_refused(started) -> None:
    lines = [(b"Origin", b"http://evil.example"), (b"Access-Control-Request-Method", b"POST")]
    async with started(ScriptedUpstream(otherwise=answer()), environ={"OWN": "k"}, **OWN_KEY) as bench:
        assert (await bench.ask(request_bytes("OPTIONS", lines=lines))).status == 403
        assert bench.first.requests == []
