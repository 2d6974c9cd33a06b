"""`GET /v1/models`: which models a key reaches; costs nothing."""

import re
from collections.abc import Sequence

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.verdicts.answers import no_answer, refused_key, server_trouble
from claude_sidecar.hints.facts import MODEL_NAME

_SHOWN = 6
_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def models_check(target: str, answer: Exchange, listed: Sequence[str], whose: str) -> Check:
    """A gateway may have no list: that alone is no fault, the calls decide.

    listed: the names in the answer; whose: the key.
    """
    status = answer.status
    if status is None:
        return _check(target, Result.UNKNOWN, *no_answer(answer))
    if status == 200 and listed:
        shown = [name for name in listed if MODEL_NAME.fullmatch(name)][:_SHOWN]
        more = f" and {len(listed) - len(shown)} more" if len(listed) > len(shown) else ""
        number = "1 model" if len(listed) == 1 else f"{len(listed)} models"
        finding = f"{whose} reaches {number}: {', '.join(shown)}{more}{_account(answer)}."
        return _check(target, Result.OK, finding)
    if status == 401:
        return _check(target, Result.FAULT, *refused_key(answer, whose))
    if status >= 500 and answer.error_type not in ("", "not_found_error"):
        return _check(target, Result.UNKNOWN, *server_trouble(answer))
    finding = f"no list of models is to be had here (status {status}); the calls tell more."
    return _check(target, Result.SKIPPED, finding)


def _account(answer: Exchange) -> str:
    """Whose the key is, as the API tells it: a model of another workspace is not found."""
    told = [
        f"{name} {value.decode('ascii')}"
        for name in ("organization", "workspace")
        if _ID.fullmatch(value := answer.header(f"anthropic-{name}-id".encode()) or b"")
    ]
    return f"; {', '.join(told)}" if told else ""


def _check(target: str, result: Result, finding: str, fix: str = "") -> Check:
    return Check(CheckId.MODELS, target, result, finding, fix)
