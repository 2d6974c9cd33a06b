"""Credentials: which key goes where, and what never leaves."""

import asyncio
import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime

OWN = b"sk-ant-api03-routes-own"
OAUTH = b"Bearer sk-ant-oat01-callers"
PLACEHOLDER = b"provided-by-claude-sidecar"
CREDENTIALS = {b"x-api-key", b"authorization"}


def own_key(tmp_path, value: bytes = OWN) -> list[dict]:
    key = tmp_path / "key"
    key.write_bytes(value)
    return [{"credential": {"file": str(key)}}]


def sent_credentials(request) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in request.lines if name.lower() in CREDENTIALS]


async def asked(bench, *lines: tuple[bytes, bytes], key: bytes | None = None):
    got = await bench.ask(request_bytes(lines=lines, body=message_body(), key=key))
    return got, bench.first.requests[-1] if bench.first.requests else None


@pytest.mark.parametrize(
    "lines",
    [
        [(b"x-api-key", b"sk-ant-api03-a")],
        [(b"Authorization", b"Bearer sk-ant-api03-a")],
        [(b"Authorization", OAUTH)],
        [(b"x-api-key", b"a"), (b"authorization", b"Bearer b")],
        [(b"X-API-KEY", b'"quoted"')],
        [],
    ],
)
async def test_callers_own_credential_is_forwarded_as_it_is(lines, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        _, request = await asked(bench, *lines)
        assert [line for line in request.lines if line[0].lower() in CREDENTIALS] == lines


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ((b"x-api-key", b"sk-ant-api03-callers"), (b"x-api-key", OWN)),
        ((b"Authorization", b"Bearer sk-ant-api03-callers"), (b"authorization", b"Bearer " + OWN)),
        ((b"Authorization", OAUTH), (b"x-api-key", OWN)),
        ((b"x-api-key", PLACEHOLDER), (b"x-api-key", OWN)),
        ((b"x-nothing", b""), (b"x-api-key", OWN)),
    ],
)
async def test_routes_own_credential_takes_the_place_of_the_callers(
    line, expected, started, tmp_path
) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), routes=own_key(tmp_path)) as bench:
        _, request = await asked(bench, line)
        assert sent_credentials(request) == [expected]
        assert b"callers" not in request.head


async def test_both_headers_of_the_caller_are_dropped(started, tmp_path) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), routes=own_key(tmp_path)) as bench:
        _, request = await asked(
            bench, (b"X-Api-Key", b"sk-ant-api03-callers"), (b"AUTHORIZATION", OAUTH), (b"x-api-key", b"more")
        )
        assert sent_credentials(request) == [(b"x-api-key", OWN)]


async def test_oauth_betas_go_with_the_callers_token_and_others_stay(started, tmp_path) -> None:
    lines = [
        (b"authorization", OAUTH),
        (b"anthropic-beta", b"oauth-2025-04-20"),
        (b"anthropic-beta", b"one-2026,oauth-2025-04-20,two-2026"),
        (b"anthropic-beta", b"three-2026, four-2026"),
    ]
    async with started(ScriptedUpstream(otherwise=answer()), routes=own_key(tmp_path)) as bench:
        _, request = await asked(bench, *lines)
        betas = [value for name, value in request.lines if name == b"anthropic-beta"]
        assert betas == [b"one-2026,two-2026", b"three-2026, four-2026"]


async def test_oauth_betas_stay_with_the_callers_own_token(started) -> None:
    lines = [(b"authorization", OAUTH), (b"anthropic-beta", b"oauth-2025-04-20,x-1")]
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        _, request = await asked(bench, *lines)
        assert request.header(b"anthropic-beta") == b"oauth-2025-04-20,x-1"


async def test_callers_key_goes_to_no_route_with_its_own(started, tmp_path) -> None:
    routes = [{}, *own_key(tmp_path)]
    first = ScriptedUpstream(otherwise=error(529))
    async with started(first, ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        await asked(bench, key=b"sk-ant-api03-callers")
        assert sent_credentials(first.requests[0]) == [(b"x-api-key", b"sk-ant-api03-callers")]
        assert sent_credentials(bench.upstreams[1].requests[0]) == [(b"x-api-key", OWN)]


async def test_host_is_the_routes(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        _, request = await asked(bench, (b"Host", b"evil.example"))
        assert request.header(b"host") == b"127.0.0.1:%d" % bench.first.port


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_delivered_and_not_followed(status, started) -> None:
    elsewhere = ScriptedUpstream(otherwise=answer())
    async with elsewhere.running():
        moved = answer(status, b"", [("location", f"http://127.0.0.1:{elsewhere.port}/v1/messages")])
        async with started(ScriptedUpstream(otherwise=moved)) as bench:
            assert (await bench.message()).status == status
        assert elsewhere.connections == 0


async def test_there_is_no_cookie_jar(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer(lines=[("set-cookie", "a=b")]))) as bench:
        await bench.message()
        await bench.message()
        assert bench.first.requests[1].header(b"cookie") is None


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
async def test_credential_file_loses_one_trailing_newline(ending, started, tmp_path) -> None:
    routes = own_key(tmp_path, OWN + ending)
    async with started(ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        _, request = await asked(bench)
        assert sent_credentials(request) == [(b"x-api-key", OWN)]


async def test_changed_credential_file_is_seen_without_restart(started, tmp_path) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), routes=own_key(tmp_path)) as bench:
        await asked(bench)
        (tmp_path / "key").write_bytes(b"sk-ant-api03-rotated\n")
        await asyncio.sleep(1.1)
        _, request = await asked(bench)
        assert sent_credentials(request) == [(b"x-api-key", b"sk-ant-api03-rotated")]


async def test_credential_from_the_environment(started) -> None:
    routes = [{"credential": {"env": "SECOND_KEY"}}]
    async with started(
        ScriptedUpstream(otherwise=answer()), routes=routes, environ={"SECOND_KEY": OWN.decode()}
    ) as bench:
        _, request = await asked(bench)
        assert sent_credentials(request) == [(b"x-api-key", OWN)]


@pytest.mark.parametrize("header", [b"x-api-key", b"authorization"])
async def test_placeholder_is_never_sent_upstream(header, started) -> None:
    value = PLACEHOLDER if header == b"x-api-key" else b"Bearer " + PLACEHOLDER
    async with started(ScriptedUpstream()) as bench:
        got, request = await asked(bench, (header, value))
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (503, "gateway_credential_missing")
        assert "placeholder" in told["message"]
        assert (request, got.header("x-claude-sidecar-attempts")) == (None, "0")


async def test_route_that_lost_its_credential_is_not_eligible(started, tmp_path) -> None:
    second = ScriptedUpstream(otherwise=answer())
    async with started(ScriptedUpstream(), second, routes=[*own_key(tmp_path), {}]) as bench:
        (tmp_path / "key").unlink()
        await asyncio.sleep(1.1)
        assert (await bench.message()).header("x-claude-sidecar-route") == "second"
        assert (await bench.admin_json("/status"))["credentialsMissing"] == ["first"]
        assert (await bench.admin_json("/routes"))[0]["credential"] == "missing"


async def test_call_without_any_credential_left_says_why(started, tmp_path) -> None:
    async with started(ScriptedUpstream(), routes=own_key(tmp_path)) as bench:
        (tmp_path / "key").write_text("")
        await asyncio.sleep(1.1)
        got = await bench.message()
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (503, "gateway_credential_missing")
        assert "first" in told["message"]
        assert "empty" in told["message"]
        assert bench.first.requests == []
