"""Of one endpoint, what costs tokens: a call with a known-good model and one with the wanted one."""

import asyncio
from collections.abc import AsyncIterator

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.probes.api import Api
from claude_sidecar.doctor.probes.far_side import arrival
from claude_sidecar.doctor.subject import Subject
from claude_sidecar.doctor.verdicts.calls import Call, known_good_check, wanted_check
from claude_sidecar.doctor.verdicts.known_good import known_good
from claude_sidecar.doctor.verdicts.routes import serves
from claude_sidecar.doctor.verdicts.stripped_header import stripped_header_check


def models_of(subject: Subject, wanted: str | None) -> tuple[str | None, str | None]:
    """The known-good model and the wanted one, None for those of which no call is made."""
    mine = wanted if wanted is not None and serves(subject.served, wanted) else None
    return known_good(subject.listed, subject.served, wanted), mine


async def paid_checks(api: Api, subject: Subject, wanted: str | None) -> AsyncIterator[Check]:
    """In order; both calls are under way at once."""
    called, names = subject.called, models_of(subject, wanted)
    known, mine = await asyncio.gather(*(_call(api, subject, name) for name in names))
    if known is not None:
        yield known_good_check(called, known, mine)
    if known is None and mine is not None:
        yield wanted_check(called, mine, None)
    elif wanted is not None and mine is None:
        finding = "this route does not serve the wanted model."
        yield Check(CheckId.WANTED_MODEL, called, Result.SKIPPED, finding)
    else:
        yield wanted_check(called, mine, known)
    asked = known or mine
    if asked is not None:
        told = await arrival(api, subject.target.route, subject.admin, asked.answer)
        yield stripped_header_check(called, asked.lines, asked.answer, told)


async def _call(api: Api, subject: Subject, model: str | None) -> Call | None:
    if model is None:
        return None
    sent = await api.message(subject.target, subject.id_of(model))
    whose, listing = subject.target.whose, subject.list_answer
    nowhere = listing is not None and listing.status == 404
    return Call(model, sent.answer, whose, sent.lines, subject.own_credential, subject.listed, nowhere)
