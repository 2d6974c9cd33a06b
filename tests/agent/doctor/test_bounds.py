"""Whatever hangs, an examination ends within a minute, and what it can't tell it says."""

import asyncio
import socket
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from support.fakes.dead_address import dead_address
from support.fakes.inline_executor import InlineExecutor
from support.fakes.scripted_resolver import Late, Silent
from support.fakes.scripted_upstream import Hang, Pause, ScriptedUpstream
from tests.agent.doctor.conftest import KEY, Stage

from claude_sidecar.doctor import examination
from claude_sidecar.doctor.check import CheckId, Result, Verdict, verdict_of

pytestmark = pytest.mark.looptime

MOST_S = 60.0


def posts(upstream: ScriptedUpstream) -> int:
    return sum(request.start_line.startswith(b"POST ") for request in upstream.requests)


async def took(stage: Stage) -> tuple[Verdict, float]:
    before = asyncio.get_running_loop().time()
    examined = await stage.examine()
    return verdict_of(examined.checks), asyncio.get_running_loop().time() - before


async def test_an_endpoint_that_never_answers_is_unknown_not_wrong(stage: Stage) -> None:
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=[Hang()]).running())
    stage.base_url(upstream.port)
    verdict, seconds = await took(stage)
    assert verdict is Verdict.UNKNOWN
    assert 15 < seconds <= MOST_S


async def test_eight_routes_that_hang_take_no_longer_than_one(stage: Stage) -> None:
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=[Hang()]).running())
    endpoint = f"http://127.0.0.1:{upstream.port}"
    routes = [{"name": f"route-{number}", "endpoint": endpoint} for number in range(8)]
    stage.asked["policy"] = stage.policy(*routes)
    verdict, seconds = await took(stage)
    assert (verdict, seconds <= MOST_S) == (Verdict.UNKNOWN, True)


async def test_an_answer_that_trickles_is_bounded(stage: Stage) -> None:
    trickle = [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", *[Pause(1), b"x"] * 98]
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=trickle).running())
    stage.base_url(upstream.port)
    verdict, seconds = await took(stage)
    assert (verdict, seconds <= MOST_S) == (Verdict.UNKNOWN, True)


async def test_an_address_that_swallows_everything_is_a_fault_within_seconds(stage: Stage) -> None:
    stage.base_url(stage.stack.enter_context(dead_address("127.0.0.1")))
    verdict, seconds = await took(stage)
    assert verdict is Verdict.FAULT
    assert seconds < 15


async def test_a_name_server_that_swallows_one_family_costs_its_bound_once(stage: Stage) -> None:
    stage.resolver.records |= {"A gateway.local": ["127.0.0.1"], "AAAA gateway.local": Silent()}
    stage.resolver.search["gateway.local"] = ["127.0.0.1"]
    stage.base_url(await stage.simulator(), host="gateway.local")
    verdict, seconds = await took(stage)
    assert verdict is Verdict.HEALTHY
    assert 5 <= seconds < 10


async def test_everything_slow_at_once_stays_within_the_minute(stage: Stage) -> None:
    late = Late(4.9, ["127.0.0.1"])
    stage.resolver.records |= {"slow.local": late}
    stage.resolver.search |= {"slow.local": late}
    slow = [Pause(2.9), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nrequest-id: req_1\r\n\r\n{}"]
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=slow).running())
    stage.base_url(upstream.port, host="slow.local")
    _, seconds = await took(stage)
    assert seconds <= MOST_S


async def test_a_route_that_hangs_holds_back_no_other_checks_verdict(stage: Stage) -> None:
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=[Hang()]).running())
    hangs = {"name": "hangs", "endpoint": f"http://127.0.0.1:{upstream.port}"}
    answers = {"name": "answers", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    stage.asked["policy"] = stage.policy(hangs, answers)
    examined = await stage.examine()
    calls = {check.target: check.result for check in examined.checks if check.id is CheckId.KNOWN_GOOD_CALL}
    assert calls == {"hangs": Result.UNKNOWN, "answers": Result.OK}


class NeverReads(Executor):
    """A volume that is away."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        return Future()


async def test_a_policy_on_a_volume_that_is_away_is_unknown(stage: Stage) -> None:
    stage.asked["policy"] = stage.policy({"name": "first"})
    stage.readers = NeverReads()
    verdict, seconds = await took(stage)
    assert (verdict, seconds) == (Verdict.UNKNOWN, pytest.approx(5, abs=0.1))


async def test_a_key_that_nobody_pipes_in_is_waited_for_in_bounds(stage: Stage) -> None:
    stage.base_url(await stage.simulator())
    stage.asked["key_file"] = "-"
    stage.readers = NeverReads()
    before = asyncio.get_running_loop().time()
    checks = (await stage.examine()).checks
    assert asyncio.get_running_loop().time() - before <= MOST_S
    assert checks[0].finding == "standard input: nothing could be read within 20 s."


async def test_credentials_of_eight_routes_that_hang_take_no_longer_than_one(stage: Stage) -> None:
    class OnlyThePolicy(NeverReads):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.reads = getattr(self, "reads", 0) + 1
            return InlineExecutor().submit(fn, *args, **kwargs) if self.reads == 1 else Future()

    key = {"credential": {"file": "key.txt"}}
    stage.file("key.txt", KEY)
    stage.asked["policy"] = stage.policy(*({"name": f"route-{number}"} | key for number in range(8)))
    stage.readers = OnlyThePolicy()
    _, seconds = await took(stage)
    assert seconds < 10


async def test_without_the_apps_key_an_injected_container_cannot_tell(stage: Stage) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    await stage.sidecar(stage.policy(route))
    stage.environ = {"CLAUDE_SIDECAR_INJECTED": "true"}
    examined = await stage.examine()
    assert verdict_of(examined.checks) is Verdict.UNKNOWN
    assert any("kubectl exec -i" in check.fix for check in examined.checks)
    assert examined.said == []


async def test_a_sidecar_whose_data_port_is_another_than_the_usual_one_is_no_fault(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = {"name": "first", "endpoint": f"http://127.0.0.1:{await stage.simulator()}"}
    await stage.sidecar(stage.policy(route))
    del stage.asked["base_url"]
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setattr(examination, "DATA_PORT", bound.getsockname()[1])
        checks = (await stage.examine()).checks
    assert verdict_of(checks) is Verdict.UNKNOWN
    assert "--base-url" in next(check for check in checks if check.id is CheckId.CONNECT).fix


async def test_no_tokens_are_spent_before_it_was_said(stage: Stage) -> None:
    """When the words are said, the API has seen no call."""
    upstream = ScriptedUpstream(otherwise=b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
    await stage.stack.enter_async_context(upstream.running())
    stage.base_url(upstream.port)
    stage.asked["model"] = "claude-opus-4-8"
    seen_when_said: list[int] = []
    stage.on_say = lambda: seen_when_said.append(posts(upstream))
    examined = await stage.examine()
    assert (seen_when_said, posts(upstream)) == ([0], 2)
    where = f"127.0.0.1:{upstream.port}"
    calls = f"claude-haiku-4-5 at {where}, claude-opus-4-8 at {where}"
    assert examined.said == [
        f"Next: 2 calls of one output token and some ten input tokens each: {calls}.",
    ]


async def test_each_request_goes_out_once_with_the_key_in_one_header(stage: Stage) -> None:
    broken = b"HTTP/1.1 529 Overloaded\r\ncontent-length: 0\r\n\r\n"
    upstream = await stage.stack.enter_async_context(ScriptedUpstream(otherwise=broken).running())
    stage.base_url(upstream.port)
    await stage.examine()
    v1 = [request for request in upstream.requests if b" /v1/" in request.start_line]
    assert [request.start_line.split(b" ")[1] for request in v1] == [
        b"/v1/models?limit=1000",
        b"/v1/messages",
    ]
    assert all(request.header(b"x-api-key") == KEY.encode() for request in v1)
    assert all(request.header(b"authorization") is None for request in upstream.requests)


async def test_headers_that_an_app_is_told_to_add_go_along(stage: Stage) -> None:
    upstream = ScriptedUpstream(otherwise=b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
    await stage.stack.enter_async_context(upstream.running())
    stage.base_url(upstream.port)
    custom = "x-team: blue\nAuthorization: Bearer for-the-gateway\nhost: elsewhere\nno header"
    stage.environ["ANTHROPIC_CUSTOM_HEADERS"] = custom
    examined = await stage.examine()
    asked = upstream.requests[0]
    assert [asked.header(name) for name in (b"x-team", b"authorization", b"x-api-key")] == [
        b"blue",
        b"Bearer for-the-gateway",
        KEY.encode(),
    ]
    assert asked.header(b"host") == f"127.0.0.1:{upstream.port}".encode()
    assert "for-the-gateway" not in examined.printed
    assert next(check for check in examined.checks if check.id is CheckId.KEY).result is Result.OK


async def test_an_injected_container_asks_its_own_sidecar_where_nothing_is_named(stage: Stage) -> None:
    stage.environ = {"CLAUDE_SIDECAR_INJECTED": "true"}
    first = (await stage.examine()).checks[0]
    assert first.target == "http://127.0.0.1:8788"
