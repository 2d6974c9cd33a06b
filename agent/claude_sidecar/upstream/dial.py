"""Makes connections: names, the race for an address, an egress proxy where the environment names one, TLS."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Iterable

from claude_sidecar.config.egress import Egress
from claude_sidecar.config.proxy_url import EgressProxy
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.address import Address, AddressInfo, numeric_address
from claude_sidecar.upstream.connection import UpstreamConnection
from claude_sidecar.upstream.dial_target import DialTarget
from claude_sidecar.upstream.egress_tunnel import EgressTunnel
from claude_sidecar.upstream.failure import ConnectFailed, Phase
from claude_sidecar.upstream.names import Names, NameUnknown
from claude_sidecar.upstream.out_of_files import files_are_spent
from claude_sidecar.upstream.race import race
from claude_sidecar.upstream.tls import tls_context, tls_reason

_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S, _KEEPALIVE_PROBES = 60, 15, 4


class Dialer:
    """Opens connections to routes; the TLS context is made once, at the first https route."""

    def __init__(self, egress: Egress, names: Names) -> None:
        self._egress = egress
        self._names = names
        self._tls: ssl.SSLContext | None = None

    async def dial(self, route: Route, timeout_s: float) -> UpstreamConnection:
        """A connection to the route within `timeout_s` seconds. Raises ConnectFailed.

        A failure makes the next dial look the name up again and begin with other addresses.
        """
        proxy = self._egress.proxy_for(route)
        target = DialTarget.of(route, proxy)
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connect(route, proxy, target)
        except TimeoutError:
            failed = ConnectFailed(target.phase, target.too_late(timeout_s))
        except NameUnknown as unknown:
            failed = ConnectFailed(Phase.DNS, target.unknown(unknown.told))
        except (ssl.SSLError, ssl.CertificateError) as error:
            failed = ConnectFailed(Phase.TLS, target.untrusted(tls_reason(error)))
        except OSError as error:
            failed = ConnectFailed(target.phase, target.broken(_reason(error)))
        else:
            _keep_alive(connection.transport)
            return connection
        # Without a descriptor no address had its chance.
        if not files_are_spent():
            self._names.failed(target.host, target.blamed)
        raise failed

    def close(self) -> None:
        """Wait for no name server any more."""
        self._names.close()

    async def _connect(
        self, route: Route, proxy: EgressProxy | None, target: DialTarget
    ) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        sock = await self._take_socket(target)
        if proxy is not None:
            connection = await self._through(proxy, sock, route, target)
        else:
            tls, name = None, None
            if route.scheme == "https":
                target.phase = Phase.TLS
                tls, name = self._tls_context(), route.host
            connection = UpstreamConnection(loop)
            await loop.create_connection(lambda: connection, sock=sock, ssl=tls, server_hostname=name)
        if target.connected is not None:
            self._names.worked(target.host, target.connected)
        return connection

    async def _take_socket(self, target: DialTarget) -> socket.socket:
        """A socket that is connected to the target's best address."""
        known = await self._names.find(target.host)
        target.phase = Phase.CONNECT
        target.tried = known.addresses

        def late() -> list[AddressInfo]:
            new = [one for one in self._names.known(target.host).addresses if one not in target.tried]
            target.tried += tuple(new)
            return [address.info(target.port) for address in new]

        sock = await race([address.info(target.port) for address in known.addresses], known.more, late)
        target.connected = _peer(sock, target.tried)
        return sock

    async def _through(
        self, proxy: EgressProxy, sock: socket.socket, route: Route, target: DialTarget
    ) -> UpstreamConnection:
        """Have the egress proxy lead a connection to it on to the route."""
        loop = asyncio.get_running_loop()
        target.phase = Phase.PROXY
        transport, tunnel = await loop.create_connection(lambda: EgressTunnel(loop, proxy.called), sock=sock)
        try:
            await tunnel.connect(f"{_bracketed(route.host)}:{route.port}", proxy.credential)
            target.phase = Phase.TLS
            connection = UpstreamConnection(loop)
            tls = await loop.start_tls(transport, connection, self._tls_context(), server_hostname=route.host)
        except BaseException:
            transport.abort()
            raise
        assert tls is not None
        connection.connection_made(tls)
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._egress.ca_file)
        return self._tls


def _peer(sock: socket.socket, tried: Iterable[Address]) -> Address | None:
    """Which of the addresses a socket is connected to; None if it has been reset already."""
    with contextlib.suppress(OSError):
        there = numeric_address(sock.getpeername()[0])
        return next((address for address in tried if address == there), None)
    return None


def _keep_alive(transport: asyncio.Transport | None) -> None:
    """Long silent answers must not be forgotten by a NAT between us and the upstream."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _reason(error: OSError) -> str:
    """In the system's words where all addresses failed alike: loops add the address, which is told anyway."""
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
