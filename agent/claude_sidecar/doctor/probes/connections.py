"""Connections to a route, made by the sidecar's own dialer, and the certificate that the other side shows."""

import asyncio
import contextlib
import os
import ssl

from claude_sidecar.config.egress import Egress
from claude_sidecar.config.proxy_url import EgressProxy
from claude_sidecar.doctor.observed import Certificate, DialFacts, FamilyFacts, NameFacts
from claude_sidecar.doctor.verdicts.certificate import read_certificate
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.egress_tunnel import EgressTunnel
from claude_sidecar.upstream.failure import ConnectFailed, Phase

FAMILY_BOUND_S = 3.0
DIAL_BOUND_S = 6.0
CERTIFICATE_BOUND_S = 3.0


async def family_facts(names: NameFacts, port: int) -> list[FamilyFacts]:
    """One try at the first address of each family, both at once."""
    addresses = [("IPv4", *names.ipv4[:1]), ("IPv6", *names.ipv6[:1])]
    tries = [_try(family, ip[0], port) for family, *ip in addresses if ip]
    return [*await asyncio.gather(*tries)]


async def dial_facts(dialer: Dialer, egress: Egress, route: Route, names: NameFacts) -> DialFacts:
    """One connection, TLS included; names: of the route's host, or of the egress proxy's."""
    proxy = egress.proxy_for(route)
    called = proxy.called if proxy is not None else None
    secure = route.scheme == "https"
    try:
        connection = await dialer.dial(route, DIAL_BOUND_S)
    except ConnectFailed as failed:
        shown = await _unverified(route, proxy, names) if failed.phase is Phase.TLS else None
        return DialFacts(failed.phase.value, str(failed), shown, called, secure)
    tls = connection.transport.get_extra_info("ssl_object") if connection.transport is not None else None
    shown = read_certificate(tls.getpeercert(True) or b"") if tls is not None else None
    connection.abort()
    return DialFacts(None, "", shown, called, secure)


async def _try(family: str, ip: str, port: int) -> FamilyFacts:
    try:
        async with asyncio.timeout(FAMILY_BOUND_S):
            _, writer = await asyncio.open_connection(ip, port)
    except TimeoutError:
        return FamilyFacts(family, ip, f"nothing within {FAMILY_BOUND_S:g} s")
    except OSError as error:
        return FamilyFacts(family, ip, os.strerror(error.errno) if error.errno else type(error).__name__)
    writer.transport.abort()
    return FamilyFacts(family, ip)


async def _unverified(route: Route, proxy: EgressProxy | None, names: NameFacts) -> Certificate | None:
    """The certificate of whoever answers, trusted or not; nothing is sent over this connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(TimeoutError, OSError, ConnectFailed):
        async with asyncio.timeout(CERTIFICATE_BOUND_S):
            ip = next(iter((*names.ipv4, *names.ipv6)), names.host)
            transport = await _tls_transport(ip, route, proxy, context)
            der = transport.get_extra_info("ssl_object").getpeercert(True)
            transport.abort()
            return read_certificate(der or b"")
    return None


async def _tls_transport(
    ip: str, route: Route, proxy: EgressProxy | None, context: ssl.SSLContext
) -> asyncio.WriteTransport:
    loop = asyncio.get_running_loop()
    if proxy is None:
        transport, _ = await loop.create_connection(
            asyncio.Protocol, ip, route.port, ssl=context, server_hostname=route.host
        )
        return transport
    plain, tunnel = await loop.create_connection(lambda: EgressTunnel(loop, proxy.called), ip, proxy.port)
    try:
        host = f"[{route.host}]" if ":" in route.host else route.host
        await tunnel.connect(f"{host}:{route.port}", proxy.credential)
        secured = await loop.start_tls(plain, asyncio.Protocol(), context, server_hostname=route.host)
    except BaseException:
        plain.abort()
        raise
    assert secured is not None
    return secured
