"""A running sidecar, asked on its admin port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from claude_sidecar.config.egress import Egress
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.probes.admin_port import AdminFacts, admin_facts
from claude_sidecar.doctor.probes.api import Api
from claude_sidecar.doctor.subject import route_to
from claude_sidecar.doctor.verdicts.sidecar import not_a_sidecar
from claude_sidecar.schema.endpoint import Endpoint, parse_endpoint
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.names import Names
from claude_sidecar.upstream.system_resolver import SystemResolver
from claude_sidecar.upstream.transport import HttpTransport

_T = TypeVar("_T")


def facts_of(url: str) -> AdminFacts:
    """What the sidecar at a URL tells of itself, within ten seconds.

    Raises a usage error for what is no URL, and ClickException (exit code 1) where no sidecar answers.
    """
    admin = _admin(url)
    facts = asyncio.run(_asked(lambda api: admin_facts(api, admin)))
    if facts.status is None:
        check = not_a_sidecar(admin.origin, facts.answer)
        raise click.ClickException(f"{admin.origin}: {check.finding.rstrip('.')}; {check.fix}")
    return facts


def answer_of(url: str, path: str, bound_s: float, most_bytes: int) -> Exchange:
    """What it answers to one GET. Raises a usage error for what is no URL."""
    admin = _admin(url)
    return asyncio.run(_asked(lambda api: api.plain(admin, path, bound_s, most_bytes)))


def _admin(url: str) -> Route:
    try:
        endpoint = parse_endpoint(url)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--sidecar") from None
    return route_to("sidecar", Endpoint(endpoint.scheme, endpoint.host, endpoint.port, ""))


async def _asked(ask: Callable[[Api], Awaitable[_T]]) -> _T:
    dialer = Dialer(Egress(), Names(SystemResolver()))
    try:
        return await ask(Api(HttpTransport(dialer)))
    finally:
        dialer.close()
