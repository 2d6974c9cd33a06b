"""Two sidecars in a row: no call runs in a circle, no inner header passes for ours."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support.fakes.raw_client import ask, request_bytes
from support.fakes.scripted_upstream import Close, Pause, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_events,
)
from tests.agent.proxy.conftest import Bench, policy_text

from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.proxy.sidecar import Settings, Sidecar
from claude_sidecar.schema.endpoint import is_private

pytestmark = pytest.mark.looptime

INSTANCE = b"x-claude-sidecar-instance"
HERE = [
    "127.0.0.1",
    "localhost",
    "127.9.9.9",
    "[::1]",
    "0.0.0.0",
    "[::]",
    "[::ffff:127.0.0.1]",
    "app.localhost",
]


def route(host: str, port: int) -> dict[str, Any]:
    return {"name": "round", "endpoint": f"http://{host}:{port}", "insecure": "Allow"}


def lead(bench: Bench, to: dict[str, Any]) -> None:
    """Give the sidecar a new policy with this one route."""
    bench.policy_file.write_text(policy_text({"routes": [to]}))


@pytest.mark.parametrize("host", HERE)
@pytest.mark.parametrize("which", ["port", "admin_port"])
async def test_new_policy_that_leads_back_here_is_refused_and_the_old_one_stays(host, which, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        before = await bench.admin_json("/status")
        lead(bench, route(host, getattr(bench.sidecar, which)))
        await asyncio.sleep(1.1)
        status = await bench.admin_json("/status")
        assert status["hash"] == before["hash"]
        assert "spec.routes[0].endpoint" in status["lastError"]
        assert "leads back to this sidecar" in status["lastError"]
        assert (await bench.message()).status == 200
        assert len(bench.first.requests) == 1


def test_first_policy_that_leads_back_here_is_refused(tmp_path: Path, free_port: int) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text({"routes": [route("localhost", free_port)]}))
    with pytest.raises(PolicyInvalid, match=f"leads back to this sidecar, which listens on port {free_port}"):
        Sidecar(Settings(file, free_port, 0), {})


async def test_another_port_of_this_machine_is_fine(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        lead(bench, route("localhost", bench.first.port))
        await asyncio.sleep(1.1)
        assert (await bench.admin_json("/status"))["lastError"] is None


async def test_call_that_comes_back_is_refused_at_once(started) -> None:
    """The upstream stands for whatever leads round: it hands each request to the sidecar again."""
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench:
        await bench.message()
        (instance,) = [value for name, value in upstream.requests[0].lines if name == INSTANCE]
        got = await bench.message([(INSTANCE, b"of another sidecar"), (INSTANCE, instance)])
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (400, "gateway_bad_request")
        assert "has come back to the sidecar that sent it: an endpoint of policy test" in told["message"]
        assert got.header("x-should-retry") == "false"
        assert len(upstream.requests) == 1


async def test_id_is_random_and_no_other_sidecars_goes_on(started, tmp_path) -> None:
    ids = []
    for _ in range(2):
        async with started(ScriptedUpstream(otherwise=answer())) as bench:
            await bench.message([(INSTANCE, b"of another sidecar")])
            ids += [value for name, value in bench.first.requests[0].lines if name == INSTANCE]
    assert len(ids) == len(set(ids)) == 2
    assert all(len(value) == 32 for value in ids)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.1.1",
            "100.64.0.1",
        ),
        *(
            "fd00::1",
            "fe80::1",
            "gateway",
            "gateway.shop.svc",
            "gateway.shop.svc.cluster.local",
            "a.internal",
        ),
        *("printer.local", "a.home.arpa", "Gateway.LAN", "a.localhost."),
    ],
)
def test_private_endpoints_are_told_the_id(host) -> None:
    assert is_private(host)


@pytest.mark.parametrize("host", ["api.anthropic.com", "160.79.104.10", "2607:6bc0::10", "a.example.com"])
def test_public_endpoints_are_not(host) -> None:
    assert not is_private(host)


async def test_of_two_sidecars_in_a_row_the_outer_ones_words_are_delivered(started, tmp_path) -> None:
    inner_policy = tmp_path / "inner.yaml"
    async with started(ScriptedUpstream([answer(), error(404)], otherwise=[Close()])) as bench:
        inner_policy.write_text(policy_text({"routes": [route("127.0.0.1", bench.port)]}))
        outer = Sidecar(Settings(inner_policy, 0, 0), {})
        async with outer.running():
            for status, cause in ((200, None), (404, "NotFound"), (502, "ServerError")):
                got = await ask(outer.port, request_bytes(body=message_body()))
                names = [name.lower() for name, _ in got.lines]
                assert got.status == status
                assert got.header("x-claude-sidecar-route") == "round"
                assert got.header("x-claude-sidecar-cause") == cause
                assert all(names.count(name) == 1 for name in names if name.startswith(b"x-claude-sidecar-"))


async def test_head_that_opens_a_silent_stream_has_the_outer_ones_words_alone(started) -> None:
    head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nX-Claude-Sidecar-Route: inner\r\n\r\n")
    events = [chunk(event) for event in stream_events()]
    script = [head, events[0], Pause(40), *events[1:], LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        got = await bench.message(stream=True)
        assert got.body.startswith(b"event: ping")
        assert [value for name, value in got.lines if name.lower() == b"x-claude-sidecar-route"] == [b"first"]


async def test_inner_words_that_ours_do_not_replace_go_too(started) -> None:
    inner = [("X-Claude-Sidecar-Hint", "inner"), ("x-claude-sidecar-model", "inner"), ("x-other", "stays")]
    async with started(ScriptedUpstream(otherwise=answer(lines=inner))) as bench:
        got = await bench.message()
        assert got.header("x-other") == "stays"
        added = [name for name, _ in got.lines if name.lower().startswith(b"x-claude-sidecar-")]
        assert added == [b"x-claude-sidecar-route", b"x-claude-sidecar-attempts"]
