"""Of one endpoint, all that costs nothing: its name, the connection, TLS, the clock, its list of models."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from claude_sidecar import clock
from claude_sidecar.config.egress import Egress
from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.probes.api import Api
from claude_sidecar.doctor.probes.connections import dial_facts, family_facts
from claude_sidecar.doctor.probes.names import name_facts
from claude_sidecar.doctor.subject import Subject
from claude_sidecar.doctor.verdicts.clock_skew import clock_check
from claude_sidecar.doctor.verdicts.connections import connect_check, tls_check
from claude_sidecar.doctor.verdicts.models import models_check
from claude_sidecar.doctor.verdicts.names import names_check
from claude_sidecar.doctor.verdicts.sidecar import no_data_port_check
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.resolver import Resolver
from claude_sidecar.wire.model_name import read_model_list

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """How this process leaves: the sidecar's own parts."""

    resolver: Resolver
    dialer: Dialer
    egress: Egress
    api: Api
    ndots: int
    search: tuple[str, ...]


async def free_checks(way: Way, subject: Subject) -> AsyncIterator[Check]:
    """In order; the first fault on the way there ends them."""
    called, route = subject.called, subject.target.route
    proxy = way.egress.proxy_for(route)
    host, port = (proxy.host, proxy.port) if proxy is not None else (route.host, route.port)
    names = await name_facts(way.resolver, host, way.ndots, way.search)
    yield (check := names_check(called, names, of_proxy=proxy is not None))
    if check.result is Result.FAULT:
        return
    families = await family_facts(names, port)
    dial = await dial_facts(way.dialer, way.egress, route, names)
    if dial.failed_at == "connect" and subject.port_guessed:
        yield no_data_port_check(called, dial.told)
        return
    yield connect_check(called, families, dial)
    if dial.failed_at not in (None, "tls"):
        return
    yield tls_check(called, dial, clock.unix_ns() / _NS)
    if dial.failed_at is not None:
        return
    subject.reached = True
    async for check in _asked(way, subject):
        yield check


async def _asked(way: Way, subject: Subject) -> AsyncIterator[Check]:
    called, target = subject.called, subject.target
    if subject.keyless:
        yield Check(CheckId.MODELS, called, Result.SKIPPED, subject.keyless)
        return
    answer = (await way.api.models(target)).answer
    subject.list_answer = answer
    yield clock_check(called, (answer,), clock.unix_ns() / _NS)
    subject.listed = read_model_list(answer.body) if answer.status == 200 else ()
    yield models_check(called, answer, subject.listed, target.whose)
