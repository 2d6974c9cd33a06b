"""Errors name the hop that failed: the egress proxy and its answer, TLS on the way, the upstream."""

import json
import logging
import ssl
from collections.abc import Callable, Coroutine

import pytest
import trustme
from support.fakes.connect_proxy import ConnectProxy
from support.fakes.scripted_resolver import ScriptedResolver
from support.fakes.scripted_upstream import Close, Hang, Reset, ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime

Told = Callable[..., Coroutine[None, None, str]]


def secure(*names: str) -> ScriptedUpstream:
    """An upstream whose certificate nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*names).configure_cert(context)
    return ScriptedUpstream(otherwise=answer(), tls=context)


@pytest.fixture
def told(started) -> Told:
    """What the app is told of one call to an https upstream."""

    async def tell(upstream: ScriptedUpstream, proxy: ConnectProxy | None = None, **environ: str) -> str:
        resolver = ScriptedResolver(hosts={"localhost": ["127.0.0.1"]})
        async with upstream.running():
            if proxy is not None:
                environ = {"HTTPS_PROXY": f"http://user:secret@127.0.0.1:{proxy.port}"} | environ
            routes = [{"name": "first", "endpoint": f"https://127.0.0.1:{upstream.port}"}]
            async with started(
                routes=routes, environ=environ, resolver=resolver, retry={"maxAttempts": 1}
            ) as bench:
                got = await bench.message()
        error = json.loads(got.body)["error"]
        assert error["type"] == "gateway_unreachable"
        assert "error.message names the hop" in (got.header("x-claude-sidecar-hint") or "")
        assert "secret" not in error["message"]
        return error["message"].replace(f":{upstream.port}", ":PORT")

    return tell


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it answered 403 Forbidden; have the host allowed there"),
        (b"HTTP/1.1 407 No\r\n\r\n", "407 Proxy Authentication Required; check user and password in HTTPS"),
        (b"HTTP/1.0 502 Bad\r\n\r\n", "it answered 502 Bad Gateway; the proxy itself does not reach that"),
        (b"HTTP/1.1 405 No\r\n\r\n", "it answered 405 Method Not Allowed; it knows no CONNECT"),
        (b"HTTP/1.1 799 Odd\r\n\r\n", "it answered 799"),
        (b"SSH-2.0 200 OK\r\n\r\n", "its answer is no HTTP; check HTTPS_PROXY"),
    ],
)
async def test_a_proxy_that_refuses_is_named_with_its_answer(reply: bytes, words: str, told: Told) -> None:
    async with ConnectProxy(refusal=reply).running() as proxy:
        message = await told(secure("127.0.0.1"), proxy)
        assert f"the egress proxy 127.0.0.1:{proxy.port} refused CONNECT 127.0.0.1:PORT: " in message
        assert words in message


async def test_an_unknown_ca_points_to_interception_and_to_the_variable(told: Told) -> None:
    message = await told(secure("127.0.0.1"))
    assert "TLS with 127.0.0.1:PORT failed: " in message
    assert "something on the way may open TLS with a CA of its own" in message
    assert "SSL_CERT_FILE" in message


async def test_tls_that_fails_behind_a_proxy_names_both(told: Told) -> None:
    async with ConnectProxy().running() as proxy:
        message = await told(secure("127.0.0.1"), proxy)
        through = f"TLS with 127.0.0.1:PORT through the egress proxy 127.0.0.1:{proxy.port} failed: "
        assert through in message


async def test_another_hosts_certificate_is_told_as_such(told: Told, tmp_path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("portal.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    upstream = ScriptedUpstream(otherwise=answer(), tls=context)
    message = await told(upstream, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
    assert "the certificate is another host's: check the endpoint" in message


async def test_an_endpoint_without_tls_is_told_as_such(told: Told) -> None:
    message = await told(ScriptedUpstream(greeting=[b"HTTP/1.1 400 Bad Request\r\n\r\n", Hang()]))
    assert "what answers there speaks no TLS: check scheme and port" in message


@pytest.mark.parametrize("end", [Reset(), Close()])
async def test_a_connection_cut_in_tls_behind_a_proxy_names_the_way(end: Reset | Close, told: Told) -> None:
    async with ConnectProxy().running() as proxy:
        message = await told(ScriptedUpstream(greeting=[end]), proxy)
        assert "TLS with 127.0.0.1:PORT" in message
        assert f"through the egress proxy 127.0.0.1:{proxy.port}" in message


async def test_what_is_wrong_but_not_fatal_is_in_the_log_at_start(started, caplog) -> None:
    environ = {"NO_PROXY": "10.0.0.0/99", "SSL_CERT_FILE": "/no/such/ca.pem"}
    with caplog.at_level(logging.WARNING):
        async with started(ScriptedUpstream(otherwise=answer()), environ=environ) as bench:
            assert (await bench.message()).status == 200
    logged = [record for record in caplog.records if record.getMessage() == "environment"]
    assert len(logged) == 2
