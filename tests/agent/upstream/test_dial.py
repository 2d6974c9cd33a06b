"""One dial: how it ends, what its failure says, and what is learnt of the addresses."""

import asyncio
import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme
from support.fakes.connect_proxy import ConnectProxy
from support.fakes.dead_address import dead_address
from support.fakes.scripted_resolver import FAILS, NO_ADDRESS, Late, ScriptedResolver, Silent

from claude_sidecar import clock
from claude_sidecar.config.egress import Egress, usable_environment
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.failure import ConnectFailed, Phase
from claude_sidecar.upstream.names import Names

pytestmark = pytest.mark.looptime

API = "api.example.com"
DEAD, LIVE = "127.0.0.2", "127.0.0.3"


@pytest.fixture
def port() -> Iterator[int]:
    """One port: DEAD swallows, LIVE takes connections and says nothing, other addresses refuse."""
    with dead_address(DEAD) as port, socket.socket() as live:
        live.bind((LIVE, port))
        live.listen()
        yield port


def route(port: int, scheme: str = "http", host: str = API) -> Route:
    return Route("first", scheme, host, port, "", None, None, ProviderName.ANTHROPIC)


async def peer(dialer: Dialer, to: Route) -> tuple[str, float]:
    """Who took us, and after how many seconds."""
    before = clock.now()
    connection = await dialer.dial(to, 5.0)
    assert connection.transport is not None
    ip: str = connection.transport.get_extra_info("peername")[0]
    connection.abort()
    await asyncio.sleep(0)
    return ip, round(clock.now() - before, 2)


async def failure(resolver: ScriptedResolver, to: Route, egress: Egress | None = None) -> ConnectFailed:
    names = Names(resolver)
    with pytest.raises(ConnectFailed) as failed:
        await Dialer(egress or Egress(), names).dial(to, 5.0)
    names.close()
    return failed.value


async def test_dead_first_address_costs_a_quarter_of_a_second_once(port) -> None:
    dialer = Dialer(Egress(), Names(ScriptedResolver({API: [DEAD, LIVE]})))
    assert await peer(dialer, route(port)) == (LIVE, 0.25)
    assert await peer(dialer, route(port)) == (LIVE, 0)


async def test_fifty_addresses_of_which_one_lives_are_come_through_dial_by_dial(port) -> None:
    resolver = ScriptedResolver({API: [f"127.0.1.{number}" for number in range(1, 50)] + [LIVE]})
    dialer = Dialer(Egress(), Names(resolver))
    for _ in range(6):
        with pytest.raises(ConnectFailed):
            await peer(dialer, route(port))
    assert await peer(dialer, route(port)) == (LIVE, 0)
    assert await peer(dialer, route(port)) == (LIVE, 0)
    assert len(resolver.asked) == 2 * 7


async def test_address_is_not_to_blame_where_files_are_spent(port, monkeypatch) -> None:
    resolver = ScriptedResolver({API: [LIVE, "127.0.0.4"]})
    dialer = Dialer(Egress(), Names(resolver))
    with monkeypatch.context() as full:
        full.setattr("claude_sidecar.upstream.dial.files_are_spent", lambda: True)
        full.setattr(asyncio.get_running_loop(), "sock_connect", _without_files, raising=False)
        with pytest.raises(ConnectFailed, match="Too many open files"):
            await peer(dialer, route(port))
    assert await peer(dialer, route(port)) == (LIVE, 0)
    assert len(resolver.asked) == 2


async def _without_files(*_: object) -> None:
    raise OSError(24, "Too many open files")


async def test_dial_opens_no_more_than_eight_sockets(port, monkeypatch) -> None:
    opened = []
    plain = asyncio.get_running_loop().sock_connect

    async def count(sock: socket.socket, there: tuple[str, int]) -> None:
        opened.append(there)
        await plain(sock, there)

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", count, raising=False)
    await failure(ScriptedResolver({API: [f"127.0.1.{number}" for number in range(1, 51)]}), route(port))
    assert len(opened) == 8


@pytest.mark.parametrize(
    ("resolver", "phase", "words"),
    [
        (
            ScriptedResolver(),
            Phase.DNS,
            f"the name {API} does not resolve: Name or service not known; check the route's endpoint",
        ),
        (
            ScriptedResolver({API: NO_ADDRESS}),
            Phase.DNS,
            (
                f"the name {API} does not resolve: No address associated with hostname; "
                "check the route's endpoint"
            ),
        ),
        (
            ScriptedResolver({API: FAILS}),
            Phase.DNS,
            f"the name {API} does not resolve: Temporary failure in name resolution; check the name server",
        ),
        (
            ScriptedResolver({API: Silent()}),
            Phase.DNS,
            f"the name {API} was not resolved within 5 s; check the name server",
        ),
        (
            ScriptedResolver({API: [DEAD]}),
            Phase.CONNECT,
            f"no connection to {API}:PORT at {DEAD} within 5 s",
        ),
        (
            ScriptedResolver({API: ["127.0.0.4", "127.0.0.5"]}),
            Phase.CONNECT,
            f"no connection to {API}:PORT at 127.0.0.4, 127.0.0.5: Connection refused",
        ),
        (
            ScriptedResolver({API: [f"127.0.0.{number}" for number in range(4, 20)]}),
            Phase.CONNECT,
            (
                f"no connection to {API}:PORT at 127.0.0.4, 127.0.0.5, 127.0.0.6, 127.0.0.7 and 4 more: "
                "Connection refused"
            ),
        ),
    ],
)
async def test_failure_tells_name_addresses_and_what_to_look_at(resolver, phase, words, port) -> None:
    failed = await failure(resolver, route(port))
    assert (failed.phase, str(failed)) == (phase, words.replace("PORT", str(port)))


async def test_silence_in_tls_is_told_as_such(port) -> None:
    failed = await failure(ScriptedResolver({API: [LIVE]}), route(port, "https"))
    assert (failed.phase, str(failed)) == (Phase.TLS, f"TLS with {API}:{port} was not set up within 5 s")


@pytest.mark.parametrize(
    ("resolver", "words"),
    [
        (
            ScriptedResolver(),
            (
                "the name proxy.example.com of the egress proxy proxy.example.com:PORT does not resolve: "
                "Name or service not known; check HTTPS_PROXY"
            ),
        ),
        (
            ScriptedResolver({"proxy.example.com": ["127.0.0.4"]}),
            (
                "no connection to the egress proxy proxy.example.com:PORT at 127.0.0.4: Connection refused; "
                "check HTTPS_PROXY"
            ),
        ),
        (
            ScriptedResolver({"proxy.example.com": [LIVE]}),
            f"the egress proxy proxy.example.com:PORT gave no way to {API} within 5 s",
        ),
    ],
)
async def test_trouble_with_the_egress_proxy_blames_the_proxy(resolver, words, port) -> None:
    egress = usable_environment({"HTTPS_PROXY": f"http://proxy.example.com:{port}"}).egress
    failed = await failure(resolver, route(443, "https"), egress)
    assert str(failed) == words.replace("PORT", str(port))
    assert not [question for question in resolver.asked if API in question]


async def test_name_behind_an_egress_proxy_is_for_the_proxy_to_look_up() -> None:
    async with ConnectProxy(refusal=b"HTTP/1.1 403 Forbidden\r\n\r\n").running() as proxy:
        resolver = ScriptedResolver(hosts={"localhost": ["127.0.0.1"]})
        egress = usable_environment({"HTTPS_PROXY": f"http://localhost:{proxy.port}"}).egress
        failed = await failure(resolver, route(443, "https"), egress)
        assert str(failed) == (
            f"the egress proxy localhost:{proxy.port} refused CONNECT {API}:443: it answered 403 Forbidden; "
            "have the host allowed there, or list it in NO_PROXY if it may be reached directly"
        )
        assert resolver.asked == []


async def test_upstream_never_sees_the_dot_by_which_its_name_is_asked_for(tmp_path) -> None:
    authority, told = trustme.CA(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(API).configure_cert(context)
    context.sni_callback = lambda _, name, __: told.append(name)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        resolver = ScriptedResolver({API: ["127.0.0.1"]})
        dialer = Dialer(Egress(ca_file=str(tmp_path / "ca.pem")), Names(resolver))
        await peer(dialer, route(server.sockets[0].getsockname()[1], "https"))
    assert told == [API]


@pytest.mark.parametrize(
    "resolver",
    [
        ScriptedResolver({API: Silent()}),
        ScriptedResolver({API: [DEAD] * 3}),
        ScriptedResolver({API: [DEAD], f"AAAA {API}": Silent()}),
        ScriptedResolver({API: Late(0.4, [LIVE])}),
        ScriptedResolver({API: [LIVE]}),
    ],
)
@pytest.mark.parametrize("after", [0.0, 0.04, 0.2, 0.6])
async def test_dial_that_is_left_leaves_nothing(resolver, after, port) -> None:
    names = Names(resolver)
    dialing = asyncio.ensure_future(Dialer(Egress(), names).dial(route(port, "https"), 5.0))
    await asyncio.sleep(after)
    dialing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialing
    names.close()
    await asyncio.sleep(0.1)
    assert asyncio.all_tasks() == {asyncio.current_task()}
