"""How the sidecar leaves the machine: TLS with own CAs, HTTPS_PROXY, NO_PROXY, TCP keep-alive."""

import asyncio
import json
import socket
import ssl
from asyncio.trsock import TransportSocket

import pytest
import trustme
from support.fakes.connect_proxy import ConnectProxy
from support.fakes.scripted_resolver import ScriptedResolver
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime

ONCE = {"maxAttempts": 1}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secure(authority: trustme.CA, *names: str, **more) -> ScriptedUpstream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return ScriptedUpstream(otherwise=answer(), tls=context, **more)


def trusting(authority: trustme.CA, tmp_path, **environ: str) -> dict[str, str]:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return {"SSL_CERT_FILE": str(path)} | environ


async def message_to(started, upstream, environ, *, host: str = "127.0.0.1"):
    """The answer to one call by TLS; `upstream` runs by then, so that its port is known."""
    # The system's resolver has threads, for which the virtual clock does not wait.
    resolver = ScriptedResolver(hosts={"localhost": ["127.0.0.1"]})
    async with upstream.running():
        routes = [{"endpoint": f"https://{host}:{upstream.port}"}]
        async with started(
            ScriptedUpstream(), routes=routes, environ=environ, resolver=resolver, retry=ONCE
        ) as bench:
            return await bench.message()


def told(got) -> str:
    document = json.loads(got.body)
    assert document["error"]["type"] == "gateway_unreachable"
    return document["error"]["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_own_ca_is_trusted_by_ssl_cert_file(host, started, authority, tmp_path) -> None:
    upstream = secure(authority, "localhost", "127.0.0.1")
    got = await message_to(started, upstream, trusting(authority, tmp_path), host=host)
    assert got.status == 200
    assert upstream.requests[0].header(b"host") == f"{host}:{upstream.port}".encode()


async def test_unknown_ca_is_refused_and_nothing_is_sent(started, authority) -> None:
    upstream = secure(authority, "127.0.0.1")
    got = await message_to(started, upstream, {})
    assert "TLS" in told(got)
    assert upstream.requests == []


async def test_certificate_of_another_name_is_refused(started, authority, tmp_path) -> None:
    upstream = secure(authority, "other.example")
    got = await message_to(started, upstream, trusting(authority, tmp_path))
    assert "TLS" in told(got)
    assert upstream.requests == []


async def test_upstream_that_speaks_no_tls_is_a_tls_failure(started, tmp_path, authority) -> None:
    upstream = ScriptedUpstream(greeting=[b"HTTP/1.1 400 Bad Request\r\n\r\n", Hang()])
    got = await message_to(started, upstream, trusting(authority, tmp_path))
    assert (got.status, "TLS" in told(got)) == (502, True)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
async def test_https_proxy_is_asked_for_a_tunnel(variable, started, authority, tmp_path) -> None:
    upstream = secure(authority, "127.0.0.1")
    async with ConnectProxy().running() as proxy:
        environ = trusting(authority, tmp_path, **{variable: f"http://127.0.0.1:{proxy.port}"})
        assert (await message_to(started, upstream, environ)).status == 200
        authority_form = b"127.0.0.1:%d" % upstream.port
        assert proxy.heads == [b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (authority_form, authority_form)]


async def test_proxys_user_and_password_go_to_the_proxy_alone(started, authority, tmp_path) -> None:
    upstream = secure(authority, "127.0.0.1")
    async with ConnectProxy().running() as proxy:
        environ = trusting(authority, tmp_path, HTTPS_PROXY=f"http://us%40er:pass@127.0.0.1:{proxy.port}")
        assert (await message_to(started, upstream, environ)).status == 200
        assert b"\r\nProxy-Authorization: Basic dXNAZXI6cGFzcw==\r\n" in proxy.heads[0]
        assert b"sk-ant" not in proxy.heads[0]
        assert upstream.requests[0].header(b"proxy-authorization") is None


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "example.com,127.0.0.1", "127.0.0.1:{port}"])
async def test_no_proxy_goes_direct(no_proxy, started, authority, tmp_path) -> None:
    upstream = secure(authority, "127.0.0.1")
    async with ConnectProxy().running() as proxy, upstream.running():
        environ = trusting(
            authority,
            tmp_path,
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
            NO_PROXY=no_proxy.format(port=upstream.port),
        )
        routes = [{"endpoint": f"https://127.0.0.1:{upstream.port}"}]
        async with started(ScriptedUpstream(), routes=routes, environ=environ, retry=ONCE) as bench:
            assert (await bench.message()).status == 200
        assert proxy.heads == []


async def test_no_proxy_for_another_host_changes_nothing(started, authority, tmp_path) -> None:
    upstream = secure(authority, "127.0.0.1")
    async with ConnectProxy().running() as proxy:
        environ = trusting(
            authority, tmp_path, HTTPS_PROXY=f"127.0.0.1:{proxy.port}", NO_PROXY="27.0.0.1,example.com"
        )
        assert (await message_to(started, upstream, environ)).status == 200
        assert len(proxy.heads) == 1


@pytest.mark.parametrize(
    "refusal", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"SSH-2.0\r\n\r\n", b"", b"x" * 20_000]
)
async def test_refusing_proxy_is_a_connection_failure_that_says_so(
    refusal, started, authority, tmp_path
) -> None:
    upstream = secure(authority, "127.0.0.1")
    async with ConnectProxy(refusal=refusal).running() as proxy:
        environ = trusting(authority, tmp_path, HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        got = await message_to(started, upstream, environ)
        assert (got.status, "proxy" in told(got)) == (502, True)
        assert upstream.connections == 0


async def test_silent_proxy_is_left_after_the_connect_timeout(started, authority, tmp_path) -> None:
    silent = ScriptedUpstream()
    async with silent.running():
        environ = trusting(authority, tmp_path, HTTPS_PROXY=f"http://127.0.0.1:{silent.port}")
        got = await message_to(started, secure(authority, "127.0.0.1"), environ)
        assert (got.status, "within 5 s" in told(got)) == (502, True)
        await asyncio.sleep(0.1)
        assert silent.open == 0


async def test_plain_http_upstream_on_loopback_needs_no_proxy(started) -> None:
    async with ConnectProxy().running() as proxy:
        environ = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{proxy.port}")
        async with started(ScriptedUpstream(otherwise=answer()), environ=environ) as bench:
            assert (await bench.message()).status == 200
        assert proxy.heads == []


async def test_name_that_does_not_resolve_is_a_connection_failure(started) -> None:
    routes = [{"endpoint": "https://no-such-host.example"}]
    async with started(ScriptedUpstream(), routes=routes, retry=ONCE, resolver=ScriptedResolver()) as bench:
        assert "no-such-host.example does not resolve" in told(await bench.message())


async def test_tcp_keep_alive_is_on_towards_both_sides(started, monkeypatch) -> None:
    kept_alive: set[int] = set()
    plain = TransportSocket.setsockopt

    def count(self: TransportSocket, *told: int) -> None:
        if told[:2] == (socket.SOL_SOCKET, socket.SO_KEEPALIVE):
            kept_alive.add(self.fileno())
        plain(self, *told)

    monkeypatch.setattr(TransportSocket, "setsockopt", count)
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        assert (await bench.message()).status == 200
    assert len(kept_alive) == 2
