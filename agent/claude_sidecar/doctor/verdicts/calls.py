"""Two calls of one output token: a model that the key surely has, then the one that is wanted.

Together they tell the key from the model, the model from the workspace, and all of these from the client.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.verdicts.answers import (
    Words,
    no_answer,
    not_the_api,
    other_refusal,
    refused_key,
    server_trouble,
)
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.not_found import not_found_hint
from claude_sidecar.hints.wordings import what_it_says
from claude_sidecar.wire.headers import HeaderLines


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    model: as asked for; whose: the key; lines: of the request; listed: models that this key reaches, as it
    was told; nowhere: asking for these ended in a 404 too.
    """

    model: str
    answer: Exchange
    whose: str
    lines: HeaderLines
    own_credential: bool
    listed: Sequence[str] = ()
    nowhere: bool = False

    @property
    def answered(self) -> bool:
        """Whether a message of the API came."""
        return self.answer.status == 200 and answering_model(self.answer) is not None

    @property
    def facts(self) -> HintFacts:
        """As the sidecar would have them of a failed call."""
        answer, error = self.answer, self.answer.error
        return HintFacts(
            status=answer.status or 0,
            error_type=error.type if error is not None else None,
            error_code=error.code if error is not None else None,
            error_message=error.message if error is not None else None,
            model=self.model,
            request_headers=self.lines,
            route_has_credential=self.own_credential,
            request_has_max_tokens=True,
            known_models=self.listed,
            response_headers=answer.lines,
            page=answer.body if error is None else b"",
        )

    @property
    def shown_model(self) -> str:
        """The model's name, if it may be told."""
        return self.facts.printable_model or "the model asked for"


class _Message(msgspec.Struct):
    type: str
    model: str


_decoder = msgspec.json.Decoder(_Message)


def answering_model(answer: Exchange) -> str | None:
    """The model of a message, None where the body is none."""
    try:
        message = _decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return message.model if message.type == "message" else None


def known_good_check(target: str, call: Call, wanted: Call | None) -> Check:
    """Whether key, base URL and network are right; wanted: the other call."""
    if call.answered:
        finding = (
            f"{call.shown_model} answered: {call.whose}, the base URL and the way there are fine. If your "
            "app fails with the same, the bug is in the client: its header, base URL or body."
        )
        return Check(CheckId.KNOWN_GOOD_CALL, target, Result.OK, finding)
    if wanted is not None and wanted.answered:
        finding = f"{call.shown_model} did not answer, but the wanted model did: the key is fine."
        return Check(CheckId.KNOWN_GOOD_CALL, target, Result.SKIPPED, finding)
    result = Result.UNKNOWN if call.answer.timed_out else Result.FAULT
    return Check(CheckId.KNOWN_GOOD_CALL, target, result, *_failure(call, alone=True))


def wanted_check(target: str, wanted: Call | None, known: Call | None) -> Check:
    """Whether the model is at fault; known: the call with a model that the key surely has."""
    if wanted is None:
        return Check(CheckId.WANTED_MODEL, target, Result.SKIPPED, "no other model was named by --model.")
    if wanted.answered:
        return _answered(target, wanted)
    if known is not None and not known.answered:
        if known.answer.status == wanted.answer.status:
            finding = f"{wanted.shown_model} fails as the known-good model does: it is not the model."
            return Check(CheckId.WANTED_MODEL, target, Result.SKIPPED, finding)
        return Check(CheckId.WANTED_MODEL, target, _result(wanted), *_failure(wanted, alone=True))
    words = _failure(wanted, alone=known is None)
    if known is not None and (wanted.answer.status or 0) >= 500:
        finding = f"only {wanted.shown_model} fails ({wanted.answer.status}), {known.shown_model} answers: "
        words = Words(finding + "the provider's trouble is this model's.", words.fix)
    return Check(CheckId.WANTED_MODEL, target, _result(wanted), *words)


def _result(call: Call) -> Result:
    return Result.UNKNOWN if call.answer.timed_out else Result.FAULT


def _answered(target: str, call: Call) -> Check:
    model = answering_model(call.answer) or ""
    if _is_another(call.model, model):
        finding = f"{call.shown_model} was asked for and another model answered: a gateway swaps models."
        return Check(CheckId.WANTED_MODEL, target, Result.FAULT, finding, "take the swap out of the gateway")
    return Check(CheckId.WANTED_MODEL, target, Result.OK, f"{call.shown_model} answered.")


def _is_another(asked: str, told: str) -> bool:
    """Whether two names can't be one model's: dated and plain names, and other providers' forms, can."""
    families = ("opus", "sonnet", "haiku", "fable", "mythos")
    named = [{family for family in families if family in name.lower()} for name in (asked, told)]
    return all(named) and named[0] != named[1]


def _failure(call: Call, *, alone: bool) -> Words:
    """What a failed call means; alone: no other call of this key was answered."""
    answer, status = call.answer, call.answer.status
    if status is None:
        return no_answer(answer)
    if status < 400:
        return not_the_api(answer)
    if status == 401:
        return refused_key(answer, call.whose)
    if status >= 500:
        return server_trouble(answer)
    if status == 403 and answer.error_type:
        return _forbidden(call, alone=alone)
    if status == 404 and call.nowhere and alone:
        return Words(
            "404 for the call as for the list of models: the path of the base URL leads past the API.",
            "take the path out of the base URL, or correct it: SDKs add /v1/messages to it",
        )
    if status == 404 and answer.error_type == "not_found_error":
        return Words(f"{call.shown_model} is not found for {call.whose}.", not_found_hint(call.facts).text)
    if status == 429:
        words = other_refusal(answer, call.facts)
        return Words(f"{call.whose} is accepted, but a limit is reached (429).", words.fix)
    return other_refusal(answer, call.facts)


def _forbidden(call: Call, *, alone: bool) -> Words:
    if not alone:
        return Words(
            f"the workspace of {call.whose} lacks {call.shown_model}: it is not entitled to it; the key "
            "itself is fine.",
            "enable the model for the workspace in the Console, or use one that it has",
        )
    spoken = what_it_says(403, call.answer.message)
    reason = (
        spoken.text
        if spoken is not None
        else "API access is disabled for the workspace, or the key's scope does not cover the call."
    )
    return Words(
        f"{call.whose} is valid but may not call even {call.shown_model}: the workspace or key is "
        f"restricted. {reason}",
        "ask a workspace admin; the Console shows the key's workspace and scope",
    )
