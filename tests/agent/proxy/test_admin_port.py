"""The admin port: who may see what, what it tells, and the policy that is swapped while calls run."""

import asyncio
import json
import socket

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Pause, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

from claude_sidecar.proxy.admin_port import AdminPort
from claude_sidecar.proxy.sidecar import PortUnusable, Settings, Sidecar

pytestmark = pytest.mark.looptime

OPEN = ("/livez", "/readyz", "/metrics", "/status")
LOCAL = ("/policy", "/routes", "/requests", "/overview", "/", "/page/main.js", "/page/page.css")


@pytest.mark.parametrize("path", OPEN + LOCAL)
@pytest.mark.parametrize(
    "host", [b"localhost", b"localhost:8788", b"127.0.0.1", b"LOCALHOST:1", b"127.0.0.1:80"]
)
async def test_loopback_callers_see_everything(path, host, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        assert (await bench.admin(path, [(b"Host", host)])).status == 200


@pytest.mark.parametrize(
    "host", [b"evil.example", b"localhost.evil.example", b"127.0.0.1.nip.example:8788", b""]
)
async def test_other_names_of_this_machine_see_no_details(host, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        for path in LOCAL:
            got = await bench.admin(path, [(b"Host", host)])
            assert (got.status, b"sk-ant" in got.body) == (403, False)
        for path in OPEN:
            assert (await bench.admin(path, [(b"Host", host)])).status == 200


class ToldEnds(asyncio.Transport):
    """A connection between addresses that tests do not have: they keep to loopback."""

    def __init__(self, peer: str, own: str) -> None:
        super().__init__({"peername": (peer, 40_000), "sockname": (own, 8788)})
        self.written = b""
        self.closed = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()


async def status_between(peer: str, own: str, path: str, bench) -> int:
    """What the admin port answers on a connection with these ends."""
    port, transport = AdminPort(bench.sidecar.admin, connections=1), ToldEnds(peer, own)
    protocol = port()
    protocol.connection_made(transport)
    lines = [(b"Host", b"localhost"), (b"Connection", b"close")]
    protocol.data_received(request_bytes("GET", path, lines, key=None))
    await transport.closed.wait()
    await port.shutdown()
    return int(transport.written.split(b" ")[1])


@pytest.mark.parametrize(
    ("peer", "own", "details"),
    [
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.8.9.10", "127.0.0.1", 200),
        ("::1", "::1", 200),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", 200),
        ("10.1.2.3", "10.1.2.4", 403),
        ("10.1.2.3", "127.0.0.1", 403),
        ("127.0.0.1", "10.1.2.4", 403),
        ("::ffff:10.1.2.3", "::ffff:127.0.0.1", 403),
        ("fe80::1%eth0", "::1", 403),
        ("2001:db8::1", "2001:db8::2", 403),
    ],
)
async def test_callers_from_the_network_see_no_details(peer, own, details, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        for path in LOCAL:
            assert await status_between(peer, own, path, bench) == details
        for path in OPEN:
            assert await status_between(peer, own, path, bench) == 200


async def test_data_port_listens_on_one_address_and_the_admin_port_on_all(started) -> None:
    """127.0.0.2 is another address of this machine, as the pod's own would be."""
    async with started(ScriptedUpstream()) as bench:
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.2", bench.port)
        _, writer = await asyncio.open_connection("127.0.0.2", bench.sidecar.admin_port)
        writer.transport.abort()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_admin_port_only_tells(method, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as app:
        await app.send(request_bytes(method, "/policy", [(b"Host", b"localhost")], key=None))
        assert (await app.receive()).status == 405


async def test_status_tells_policy_hash_source_and_version(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        status = await bench.admin_json("/status")
        assert set(status) == {
            *("policy", "generation", "hash", "source", "version"),
            *("lastError", "credentialsMissing", "restartRequired"),
        }
        assert (status["policy"], status["source"]) == ("test", str(bench.policy_file))
        assert (status["lastError"], status["credentialsMissing"]) == (None, [])
        assert status["restartRequired"] is False


async def test_policy_shows_every_default_filled_in(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        spec = (await bench.admin_json("/policy"))["spec"]
        assert (spec["timeouts"]["idle"], spec["stream"]["hold"]) == ("5m", "FirstDelta")
        assert spec["circuitBreaker"]["minRequests"] == 10
        assert {"routes", "retry", "fallback", "limits", "pacing", "telemetry", "prices"} <= set(spec)


async def test_requests_lists_the_last_500_calls_newest_first_and_no_content(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        for number in range(505):
            model = f"claude-opus-4-{number % 9}"
            await app.send(request_bytes(body=message_body(model=model, system="CONTENT-MARKER")))
            await app.receive()
        got = await bench.admin("/requests")
        calls = json.loads(got.body)
        assert (len(calls), calls[0]["model"]) == (500, "claude-opus-4-0")
        assert b"CONTENT-MARKER" not in got.body
        assert b"sk-ant" not in got.body


async def test_routes_tells_limits_models_and_last_error(started) -> None:
    allowance = [
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
    ]
    models = b'{"data":[{"id":"claude-opus-4-8","type":"model"}],"has_more":false}'
    upstream = ScriptedUpstream([answer(200, models), error(429, "rate_limit_error", allowance)])
    async with started(upstream, retry={"maxAttempts": 1}) as bench:
        await bench.ask(request_bytes("GET", "/v1/models"))
        await bench.message()
        route = (await bench.admin_json("/routes"))[0]
        assert (route["name"], route["modelsSeen"], route["breaker"]) == (
            "first",
            ["claude-opus-4-8"],
            "closed",
        )
        assert (route["lastError"]["cause"], route["lastError"]["status"]) == ("RateLimit", 429)
        assert "claude-opus-4-8" in route["limits"]
        assert route["credential"] == "caller"


async def test_readyz_does_not_depend_on_the_upstream(started, free_port) -> None:
    routes = [{"endpoint": f"http://127.0.0.1:{free_port}"}]
    async with started(ScriptedUpstream(), routes=routes, retry={"maxAttempts": 1}) as bench:
        for _ in range(20):
            await bench.message()
        assert (await bench.admin("/readyz")).status == 200


def change(bench, **spec) -> None:
    policy = json.loads(bench.policy_file.read_text())
    policy["spec"] |= spec
    bench.policy_file.write_text(json.dumps(policy))


async def test_changed_policy_is_in_force_within_seconds_without_restart(started) -> None:
    async with started(ScriptedUpstream(otherwise=error(529))) as bench:
        before = await bench.admin_json("/status")
        change(bench, retry={"maxAttempts": 1})
        await asyncio.sleep(1.1)
        assert (await bench.message()).header("x-claude-sidecar-attempts") == "1"
        assert (await bench.admin_json("/status"))["hash"] != before["hash"]


@pytest.mark.parametrize("text", ["retry: [", "{}", "", "\x00", '{"spec": {"retry": {"maxAttempts": 99}}}'])
async def test_bad_policy_is_told_and_the_last_good_one_stays(text, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        good, before = bench.policy_file.read_text(), await bench.admin_json("/status")
        bench.policy_file.write_text(text)
        await asyncio.sleep(1.1)
        status = await bench.admin_json("/status")
        assert (status["hash"], str(bench.policy_file) in status["lastError"]) == (before["hash"], True)
        assert (await bench.message()).status == 200
        told = (await bench.admin("/metrics")).body
        assert b"claude_sidecar_policy_errors_total 1" in told
        assert b"claude_sidecar_policy_refused 1" in told
        bench.policy_file.write_text(good)
        await asyncio.sleep(1.1)
        assert (await bench.admin_json("/status"))["lastError"] is None
        assert b"claude_sidecar_policy_refused 0" in (await bench.admin("/metrics")).body


async def test_policy_file_that_goes_away_leaves_the_last_good_one(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        bench.policy_file.unlink()
        await asyncio.sleep(3)
        assert (await bench.admin_json("/status"))["lastError"]
        assert (await bench.message()).status == 200


async def test_policy_that_would_leave_a_model_without_a_credential_is_not_put_in_force(
    started, tmp_path
) -> None:
    environ = {"CLAUDE_SIDECAR_SECRETS_DIR": str(tmp_path)}
    async with started(ScriptedUpstream(otherwise=answer()), environ=environ) as bench:
        before = await bench.admin_json("/status")
        route = json.loads(bench.policy_file.read_text())["spec"]["routes"][0]
        change(bench, routes=[route | {"credential": {"secretKeyRef": {"name": "later", "key": "first"}}}])
        await asyncio.sleep(1.1)
        status = await bench.admin_json("/status")
        assert (status["hash"], status["restartRequired"]) == (before["hash"], True)
        assert "first" in status["lastError"]
        assert status["credentialsMissing"] == ["first"]
        assert (await bench.message()).status == 200
        bench.policy_file.write_text("spec: {routes: [")
        await asyncio.sleep(1.1)
        status = await bench.admin_json("/status")
        assert (status["hash"], status["restartRequired"]) == (before["hash"], False)


async def test_running_call_keeps_the_policy_with_which_it_began(started) -> None:
    first = ScriptedUpstream([[Pause(5), error(529)], answer()])
    async with started(first) as bench, connected(bench.port) as app:
        await app.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.1)
        change(bench, retry={"maxAttempts": 1})
        assert (await app.receive()).header("x-claude-sidecar-attempts") == "2"


async def test_taken_port_is_told_with_the_option_that_changes_it(free_port) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        with pytest.raises(PortUnusable) as told:
            async with Sidecar(Settings(None, free_port, 0), {}).running():
                pass
        assert (told.value.port, told.value.option) == (free_port, "--port")
