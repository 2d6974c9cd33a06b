"""Makes connections: DNS, an egress proxy where the environment names one, TLS, TCP keep-alive."""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from claude_sidecar.policy.snapshot import Route
from claude_sidecar.upstream.connection import UpstreamConnection
from claude_sidecar.upstream.failure import ConnectFailed, Phase

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S, _KEEPALIVE_PROBES = 60, 15, 4
_PROXY_ANSWER_LIMIT_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class Egress:
    """How the environment wants us to leave: proxy for https upstreams, hosts that go direct, more CAs."""

    https_proxy: str | None = None
    no_proxy: str = ""
    ca_file: str | None = None


def egress_of(environ: Mapping[str, str]) -> Egress:
    """Read HTTPS_PROXY, NO_PROXY (either case, lower wins as in curl) and SSL_CERT_FILE."""
    return Egress(
        https_proxy=environ.get("https_proxy") or environ.get("HTTPS_PROXY") or None,
        no_proxy=environ.get("no_proxy") or environ.get("NO_PROXY") or "",
        ca_file=environ.get("SSL_CERT_FILE") or None,
    )


class Dialer:
    """Opens connections to routes; the TLS context is made once, at the first https route."""

    def __init__(self, egress: Egress) -> None:
        """Raises ValueError when the proxy's URL can't be used."""
        self._egress = egress
        self._tls: ssl.SSLContext | None = None
        self._proxy = _proxy_url(egress.https_proxy) if egress.https_proxy else None

    async def dial(self, route: Route, timeout_s: float) -> UpstreamConnection:
        """A connection to the route within `timeout_s` seconds. Raises ConnectFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connect(route)
        except TimeoutError:
            raise ConnectFailed(
                Phase.CONNECT, f"no connection to {route.authority} within {timeout_s:g} s"
            ) from None
        except socket.gaierror as error:
            raise ConnectFailed(
                Phase.DNS, f"the name {route.host} does not resolve: {error.strerror}"
            ) from None
        except (ssl.SSLError, ssl.CertificateError) as error:
            raise ConnectFailed(
                Phase.TLS, f"TLS with {route.authority} failed: {_tls_reason(error)}"
            ) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConnectFailed(Phase.CONNECT, f"no connection to {route.authority}: {reason}") from None
        _keep_alive(connection.transport)
        return connection

    async def _connect(self, route: Route) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        if route.scheme != "https":
            return await _open(loop, route.host, route.port, None)
        tls = self._tls_context()
        if self._proxy is not None and not proxy_bypass_environment(
            route.authority, {"no": self._egress.no_proxy}
        ):
            return await self._connect_by_proxy(loop, route, self._proxy, tls)
        return await _open(loop, route.host, route.port, tls)

    async def _connect_by_proxy(
        self, loop: asyncio.AbstractEventLoop, route: Route, proxy: SplitResult, tls: ssl.SSLContext
    ) -> UpstreamConnection:
        assert proxy.hostname is not None
        tunnel = await _Tunnel.open(loop, proxy.hostname, proxy.port or 80)
        try:
            await tunnel.connect(f"{_bracketed(route.host)}:{route.port}", _proxy_credential(proxy))
            connection = UpstreamConnection(loop)
            transport = await loop.start_tls(tunnel.transport, connection, tls, server_hostname=route.host)
        except BaseException:
            tunnel.transport.abort()
            raise
        assert transport is not None
        connection.connection_made(transport)
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = tls_context(self._egress.ca_file)
        return self._tls


def tls_context(extra_ca_file: str | None) -> ssl.SSLContext:
    """Verifies against the system's CAs and, beside them, those of `extra_ca_file`.

    OpenSSL takes SSL_CERT_FILE in place of the system's bundle; a private CA for one route must not
    cost the public ones, so both are loaded. A file that is not there (an optional mount) adds nothing.
    Raises OSError or ssl.SSLError when the file is unusable.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if extra_ca_file is not None:
        if Path(extra_ca_file).is_file():
            context.load_verify_locations(extra_ca_file)
        paths = ssl.get_default_verify_paths()
        bundle = next(
            (path for path in (paths.openssl_cafile, *_SYSTEM_BUNDLES) if Path(path).is_file()), None
        )
        if bundle is not None and bundle != extra_ca_file:
            context.load_verify_locations(bundle)
    return context


class _Tunnel(asyncio.Protocol):
    """The CONNECT exchange with an egress proxy."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._answer = b""
        self._done: asyncio.Future[bytes] = loop.create_future()
        self.transport: asyncio.Transport

    @classmethod
    async def open(cls, loop: asyncio.AbstractEventLoop, host: str, port: int) -> "_Tunnel":
        transport, tunnel = await loop.create_connection(lambda: cls(loop), host, port)
        tunnel.transport = transport
        return tunnel

    async def connect(self, authority: str, credential: bytes | None) -> None:
        lines = [f"CONNECT {authority} HTTP/1.1".encode(), f"Host: {authority}".encode()]
        if credential is not None:
            lines.append(b"Proxy-Authorization: Basic " + credential)
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        status = (await self._done).split(b"\r\n", 1)[0].split(b" ")
        if len(status) < 2 or status[1] != b"200":
            said = status[1].decode("ascii", "replace")[:3] if len(status) > 1 else "no HTTP"
            raise ConnectFailed(Phase.PROXY, f"the egress proxy refused CONNECT {authority}: {said}")

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._done.done() and (
            b"\r\n\r\n" in self._answer or len(self._answer) > _PROXY_ANSWER_LIMIT_BYTES
        ):
            self._done.set_result(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectFailed(Phase.PROXY, "the egress proxy closed the connection"))


async def _open(
    loop: asyncio.AbstractEventLoop, host: str, port: int, tls: ssl.SSLContext | None
) -> UpstreamConnection:
    make: Callable[[], UpstreamConnection] = lambda: UpstreamConnection(loop)  # noqa: E731
    name = host if tls is not None else None
    _, connection = await loop.create_connection(make, host, port, ssl=tls, server_hostname=name)
    return connection


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


def _proxy_url(text: str) -> SplitResult:
    url = urlsplit(text if "://" in text else f"http://{text}")
    if url.scheme != "http" or not url.hostname:
        raise ValueError("HTTPS_PROXY must be an http:// URL such as http://proxy.example:3128")
    return url


def _proxy_credential(proxy: SplitResult) -> bytes | None:
    if proxy.username is None:
        return None
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return base64.b64encode(pair.encode())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _tls_reason(error: ssl.SSLError | ssl.CertificateError) -> str:
    return getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
