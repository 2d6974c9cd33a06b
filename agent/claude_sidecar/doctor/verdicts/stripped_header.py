"""What was sent against what arrived, where the far side can tell."""

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.doctor.observed import Arrival, Exchange
from claude_sidecar.wire.credential import CREDENTIAL_HEADERS, find_credentials, fingerprint_of
from claude_sidecar.wire.headers import HeaderLines, lowered_names

_WATCHED = ("x-api-key", "authorization", "anthropic-version", "anthropic-beta")
_NO_WORD = frozenset({"none", "hidden", "oauth"})
_FIX = (
    "have the proxy or gateway on the way pass x-api-key, authorization and all anthropic-* headers on; take "
    "it out of the way to be sure"
)


def stripped_header_check(
    target: str, sent: HeaderLines, answer: Exchange | None, arrival: Arrival | None
) -> Check:
    """sent: the request's lines; answer: to it, None where none was sent; arrival: as the far side tells."""
    if answer is None or answer.status is None:
        return _check(target, Result.SKIPPED, "no answer to go by.")
    credential = _credential_names(sent)
    if arrival is not None:
        lost = _lost(sent, arrival)
        if lost:
            finding = f"{', '.join(lost)} went out and did not arrive, as {arrival.where} tells"
            return _check(target, Result.FAULT, f"{finding}: something on the way strips it.", _FIX)
        if _is_replaced(sent, arrival):
            finding = f"another key arrived than was sent, as {arrival.where} tells"
            return _check(target, Result.FAULT, f"{finding}: something on the way puts its own there.", _FIX)
        return _check(target, Result.OK, f"what was sent arrived, as {arrival.where} tells.")
    if answer.status == 200:
        return _check(target, Result.OK, "the call was answered, so its headers arrived.")
    lost = _told_by_message(answer, credential)
    if lost:
        finding = f"{' and '.join(lost)} went out, and the message says that it did not come"
        return _check(target, Result.FAULT, f"{finding}: something on the way strips it.", _FIX)
    if answer.status == 401 and not answer.error_type:
        return _check(target, Result.SKIPPED, "whoever answered the 401 does not tell what arrived.")
    return _check(target, Result.SKIPPED, "the far side does not tell what arrived.")


def _check(target: str, result: Result, finding: str, fix: str = "") -> Check:
    return Check(CheckId.STRIPPED_HEADER, target, result, finding, fix)


def _credential_names(lines: HeaderLines) -> list[str]:
    names = {name.decode("latin-1") for name in lowered_names(lines)}
    return [name for name in CREDENTIAL_HEADERS if name in names]


def _lost(sent: HeaderLines, arrival: Arrival) -> list[str]:
    went = {name.decode("latin-1") for name in lowered_names(sent)}
    if arrival.header_names is not None:
        return [name for name in _WATCHED if name in went and name not in arrival.header_names]
    return _credential_names(sent) if arrival.key_alias == "none" else []


def _is_replaced(sent: HeaderLines, arrival: Arrival) -> bool:
    alias, credentials = arrival.key_alias, find_credentials(sent)
    if alias is None or alias in _NO_WORD or not credentials:
        return False
    return alias not in {fingerprint_of(credential.bare) for credential in credentials}


def _told_by_message(answer: Exchange, credential: list[str]) -> list[str]:
    """As the API worded it on 2026-11-30; another wording tells nothing."""
    message = answer.message
    if answer.status == 401 and credential and "header is required" in message:
        return credential
    if answer.status == 400 and "anthropic-version" in message and "required" in message:
        return ["anthropic-version"]
    return []
