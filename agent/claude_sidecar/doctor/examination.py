"""One examination from its first check to its last."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from claude_sidecar.config.egress import Egress
from claude_sidecar.config.own_address import ADMIN_PORT, DATA_PORT
from claude_sidecar.config.surroundings import surroundings_of
from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.credential_lines import VERSION_LINE
from claude_sidecar.doctor.free_checks import Way, free_checks
from claude_sidecar.doctor.in_order import tell_in_order
from claude_sidecar.doctor.keys import Keys
from claude_sidecar.doctor.paid_checks import models_of, paid_checks
from claude_sidecar.doctor.policy_file import examined_policy
from claude_sidecar.doctor.probes.admin_port import admin_facts
from claude_sidecar.doctor.probes.api import Api, Target
from claude_sidecar.doctor.probes.environment import egress_facts, resolv_conf
from claude_sidecar.doctor.subject import OFFICIAL, Subject, route_to
from claude_sidecar.doctor.surroundings import Asked, Surroundings
from claude_sidecar.doctor.verdicts.base_url import base_url
from claude_sidecar.doctor.verdicts.proxy_variables import proxy_variables_check
from claude_sidecar.doctor.verdicts.routes import served_checks
from claude_sidecar.doctor.verdicts.sidecar import (
    loopback_only_check,
    not_a_sidecar,
    policy_check,
    route_checks,
)
from claude_sidecar.doctor.withheld import withheld
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.schema.endpoint import Endpoint, is_loopback, parse_endpoint
from claude_sidecar.schema.snapshot import Route, Snapshot
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.names import Names
from claude_sidecar.upstream.transport import HttpTransport

_BASE_URL_VARIABLE = "ANTHROPIC_BASE_URL"


class Examination:
    """Made for one use.

    checks: all that were made, in the order in which they were told.
    """

    def __init__(self, asked: Asked, surroundings: Surroundings) -> None:
        self._asked = asked
        self._around = surroundings
        self._injected = surroundings_of(surroundings.environ).injected
        self._keys = Keys(asked, surroundings)
        self.checks: list[Check] = []

    async def run(self) -> Sequence[Check]:
        """Make every check."""
        admin_url = self._admin_url()
        if admin_url is not None:
            await self._sidecar(parse_endpoint(admin_url))
        elif self._asked.policy is not None:
            await self._policy(self._asked.policy)
        else:
            await self._base_url()
        return self.checks

    def _admin_url(self) -> str | None:
        """In an injected container, whose policy its sidecar knows, nothing need be named."""
        if self._asked.sidecar is not None:
            return self._asked.sidecar
        named = self._asked.policy is not None or self._asked.base_url is not None
        return f"http://127.0.0.1:{ADMIN_PORT}" if self._injected and not named else None

    def _tell(self, check: Check) -> None:
        secrets = self._keys.secrets
        clean = replace(
            check,
            target=withheld(check.target, secrets),
            finding=withheld(check.finding, secrets),
            fix=withheld(check.fix, secrets),
        )
        self.checks.append(clean)
        self._around.tell(clean)

    def _say(self, text: str) -> None:
        self._around.say(withheld(text, self._keys.secrets))

    async def _base_url(self) -> None:
        text, called = self._named_base_url()
        judged = base_url(text, called)
        foreign = judged.endpoint is None or judged.endpoint.host != OFFICIAL
        self._tell(await self._keys.look(foreign=foreign, injected=False, needed=True))
        self._tell(judged.check)
        if judged.endpoint is None:
            return
        route = route_to("base-url", judged.endpoint)
        await self._examine([self._keys.callers_subject(route.authority, route)])

    def _named_base_url(self) -> tuple[str, str]:
        if self._asked.base_url is not None:
            return self._asked.base_url, "--base-url"
        named = self._around.environ.get(_BASE_URL_VARIABLE)
        return (named, _BASE_URL_VARIABLE) if named else (f"https://{OFFICIAL}", "the default base URL")

    async def _policy(self, path: Path) -> None:
        check, snapshot = await examined_policy(path, dict(self._around.environ), self._around.readers)
        self._tell(check)
        if snapshot is None:
            return
        self._tell(await self._look_at_key(snapshot.routes))
        subjects = await self._subjects(snapshot.routes)
        for check in served_checks(snapshot.routes, self._asked.model, self._shown_wanted):
            self._tell(check)
        await self._examine(subjects)

    async def _subjects(self, routes: Sequence[Route]) -> list[Subject]:
        """Each route of a policy with the key that it takes; tells of the routes' own."""
        examined = await asyncio.gather(*(self._keys.subject_of(route.name, route) for route in routes))
        for _, check in examined:
            if check is not None:
                self._tell(check)
        return [subject for subject, _ in examined]

    async def _look_at_key(self, routes: Sequence[Route]) -> Check:
        forwarding = [route for route in routes if route.credential is None]
        foreign = all(route.host != OFFICIAL for route in forwarding)
        return await self._keys.look(foreign=foreign, injected=self._injected, needed=bool(forwarding))

    @property
    def _shown_wanted(self) -> str:
        return _shown(self._asked.model or "")

    async def _sidecar(self, endpoint: Endpoint) -> None:
        admin = route_to("sidecar", replace(endpoint, base_path=""))
        way = self._way(Egress())
        facts = await admin_facts(way.api, admin)
        way.dialer.close()
        if facts.status is None:
            self._tell(not_a_sidecar(admin.origin, facts.answer))
            return
        self._tell(policy_check(admin.origin, facts.status))
        routes = facts.snapshot.routes if facts.snapshot is not None else ()
        self._tell(await self._look_at_key(routes or [admin]))
        for check in route_checks(facts.routes, self._asked.model, self._shown_wanted):
            self._tell(check)
        if self._asked.base_url is None and not is_loopback(admin.host):
            self._tell(loopback_only_check(admin.origin))
            return
        subjects = [self._data_port(admin, facts.snapshot)]
        if (
            self._injected
        ):  # the way to its routes is ours only in its own container, and its Secrets are there
            subjects += await self._subjects(routes)
        await self._examine(subjects)

    def _data_port(self, admin: Route, snapshot: Snapshot | None) -> Subject:
        """Where its app calls."""
        text = self._asked.base_url
        endpoint = Endpoint(admin.scheme, admin.host, DATA_PORT, "")
        if text is not None:
            judged = base_url(text, "--base-url")
            self._tell(judged.check)
            endpoint = judged.endpoint or endpoint
        route = route_to("sidecar", endpoint)
        subject = self._keys.callers_subject("sidecar", route)
        subject.admin = admin
        subject.port_guessed = text is None
        subject.served = _served(snapshot)
        needs_none = snapshot is not None and all(route.credential is not None for route in snapshot.routes)
        if self._keys.caller is None and needs_none:
            subject.target = Target("sidecar", route, (VERSION_LINE,), whose="the key of its route")
            subject.keyless, subject.own_credential = "", True
        return subject

    def _way(self, egress: Egress) -> Way:
        around = self._around
        dialer = Dialer(egress, Names(around.resolver))
        ndots, search = resolv_conf(around.resolv_conf)
        return Way(around.resolver, dialer, egress, Api(HttpTransport(dialer)), ndots, search)

    async def _examine(self, subjects: Sequence[Subject]) -> None:
        routes = [subject.target.route for subject in subjects]
        egress, facts = egress_facts(self._around.environ, routes, apps=not self._injected)
        self._tell(proxy_variables_check(facts))
        way = self._way(egress)
        await tell_in_order((free_checks(way, subject) for subject in subjects), self._tell)
        asking = [subject for subject in subjects if subject.asks]
        for subject in subjects:
            if not subject.asks:
                finding = subject.keyless or "not asked: it was not reached."
                self._tell(Check(CheckId.KNOWN_GOOD_CALL, subject.called, Result.SKIPPED, finding))
        if asking:
            self._announce(asking)
            await tell_in_order(self._paid(way, asking), self._tell)
        way.dialer.close()

    def _paid(self, way: Way, asking: Sequence[Subject]) -> Iterator[AsyncIterator[Check]]:
        return (paid_checks(way.api, subject, self._asked.model) for subject in asking)

    def _announce(self, asking: Sequence[Subject]) -> None:
        """What is about to cost tokens."""
        calls = [
            f"{_shown(model)} at {subject.called}"
            for subject in asking
            for model in models_of(subject, self._asked.model)
            if model is not None
        ]
        number = "1 call" if len(calls) == 1 else f"{len(calls)} calls"
        self._say(f"Next: {number} of one output token and some ten input tokens each: {', '.join(calls)}.")


def _shown(model: str) -> str:
    return HintFacts(404, model=model).printable_model or "the wanted model"


def _served(snapshot: Snapshot | None) -> dict[str, str] | None:
    """The models that a policy serves, by callers' names; None for all, and where that is not known."""
    lists = [route.models for route in snapshot.routes] if snapshot is not None else [None]
    return None if None in lists else {name: name for models in lists if models for name in models}
