"""A key's shape, before anybody is asked: everything a header shows of it, and nothing of the key itself."""

from collections.abc import Sequence

from claude_sidecar.doctor.check import Check, CheckId, Result
from claude_sidecar.hints.authentication import credential_defects
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.wire.credential import CredentialKind, find_credentials, fingerprint_of
from claude_sidecar.wire.headers import HeaderLines

_KINDS = {
    CredentialKind.API_KEY: "an API key",
    CredentialKind.OAUTH_TOKEN: "an OAuth token",
    CredentialKind.ADMIN_KEY: "an admin key",
}


def key_check(called: str, lines: HeaderLines, *, broken: bool, foreign: bool, used: str) -> Check:
    """Judge the header lines that an SDK makes of a key.

    called: where the key comes from; broken: it holds what no header may carry, such as a line break inside;
    foreign: it is for a gateway, whose keys may be of another kind; used: in which form it is sent below.
    """
    facts = HintFacts(401, request_headers=lines)
    defects = [defect.text for defect in credential_defects(facts, foreign=foreign)]
    if broken:
        defects.insert(0, "The value holds a line break or control character, which no header may carry.")
    if defects:
        fix = f"set {called} anew, to the key alone as the Console shows it; the calls below use {used}"
        return Check(CheckId.KEY, called, Result.FAULT, _once(defects), fix)
    credential = find_credentials(lines)[0]
    kind = _KINDS.get(credential.kind, "no key of the Claude API (it lacks sk-ant-), as gateways have them,")
    finding = (
        f"{kind} of the right form, sent as {credential.header}, fingerprint "
        f"{fingerprint_of(credential.bare)}."
    )
    return Check(CheckId.KEY, called, Result.OK, finding)


def no_key_check(*, injected: bool, policy: bool, needed: bool, why: str | None) -> Check:
    """For a caller's key that is not there.

    needed: a route forwards it; why: what went wrong with the source that was named.
    """
    called = "the app's key"
    if why is not None:
        fix = "name a file, variable or standard input that holds the key"
        return Check(CheckId.KEY, called, Result.FAULT, f"{why}.", fix)
    if not needed:
        finding = "not looked at: every route has a credential of its own."
        return Check(CheckId.KEY, called, Result.SKIPPED, finding)
    finding = "none is given, and ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are not set or empty here"
    fix = "name its variable by --key-env, its file by --key-file, or pipe it into --key-file -"
    if injected:
        finding = "the app's key is in the app's container, not in this one"
        fix = "pipe it in: kubectl exec POD -c APP -- printenv ANTHROPIC_API_KEY | kubectl exec -i POD -c "
        fix += "claude-sidecar -- claude-sidecar doctor --key-file -"
    result = Result.UNKNOWN if injected or policy else Result.FAULT
    return Check(CheckId.KEY, called, result, f"{finding}.", fix)


def placeholder_check(called: str) -> Check:
    """For what an injected app has as its key, before something that may be a sidecar."""
    finding = "the sidecar's placeholder: right if every route of the sidecar there has a key of its own."
    return Check(CheckId.KEY, called, Result.OK, finding)


def unusable_check(target: str, why: str) -> Check:
    """For a route's own credential that is not there or can't be sent; why: as the sidecar says it."""
    finding = f"{why}."
    fix = "put the key where the policy's `credential` says; until then the sidecar passes this route over"
    return Check(CheckId.KEY, target, Result.FAULT, finding, fix)


def _once(defects: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(defects))
