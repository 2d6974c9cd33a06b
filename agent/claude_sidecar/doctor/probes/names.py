"""A host's name, asked of the sidecar's own resolver."""

import asyncio
import socket

from claude_sidecar.doctor.observed import NameFacts
from claude_sidecar.upstream.address import numeric_address
from claude_sidecar.upstream.resolver import Resolver, Told, Verdict

BOUND_S = 5.0

_SILENT = Told(Verdict.NO_ANSWER, reason="no answer in time")


async def name_facts(resolver: Resolver, host: str, ndots: int, search: tuple[str, ...]) -> NameFacts:
    """Both families at once, as written; the search list only where that finds nothing."""
    if numeric_address(host) is not None:
        return NameFacts(host, figures=True)
    questions = (
        resolver.in_hosts_file(host),
        resolver.absolute(host, socket.AF_INET),
        resolver.absolute(host, socket.AF_INET6),
        resolver.as_configured(host),
    )
    asked = [asyncio.ensure_future(question) for question in questions]
    await asyncio.wait(asked, timeout=BOUND_S)
    told = [each.result() if each.done() else _SILENT for each in asked]
    for each in asked:
        each.cancel()
    return _facts(host, told, ndots, search)


def _facts(host: str, told: list[Told], ndots: int, search: tuple[str, ...]) -> NameFacts:
    in_file, four, six, configured = told
    exact = [address for each in (in_file, four, six) for address in each.addresses]
    found = exact or list(configured.addresses)
    reasons = [each.reason for each in (four, six, configured) if each.reason]
    return NameFacts(
        host,
        in_hosts_file=bool(in_file.addresses),
        ipv4=[one.ip for one in found if one.family == socket.AF_INET],
        ipv6=[one.ip for one in found if one.family == socket.AF_INET6],
        silent=all(each.verdict is Verdict.NO_ANSWER for each in (four, six, configured)),
        reason=reasons[0] if reasons else "",
        by_search_only=not exact and bool(configured.addresses),
        ndots=ndots,
        search=search,
    )
