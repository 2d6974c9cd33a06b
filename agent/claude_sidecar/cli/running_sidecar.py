"""A running sidecar, asked on its admin port."""

import asyncio

import click

from claude_sidecar.config.egress import Egress
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


def facts_of(url: str) -> AdminFacts:
    """What the sidecar at a URL tells of itself, within ten seconds.

    Raises a usage error for what is no URL, and ClickException (exit code 1) where no sidecar answers.
    """
    try:
        endpoint = parse_endpoint(url)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--sidecar") from None
    admin = route_to("sidecar", Endpoint(endpoint.scheme, endpoint.host, endpoint.port, ""))
    facts = asyncio.run(_asked(admin))
    if facts.status is None:
        check = not_a_sidecar(admin.origin, facts.answer)
        raise click.ClickException(f"{admin.origin}: {check.finding.rstrip('.')}; {check.fix}")
    return facts


async def _asked(admin: Route) -> AdminFacts:
    dialer = Dialer(Egress(), Names(SystemResolver()))
    try:
        return await admin_facts(Api(HttpTransport(dialer)), admin)
    finally:
        dialer.close()
