"""401: what is wrong with the credential as it was received, without ever showing it."""

import re
from collections.abc import Iterator, Sequence

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.line import MAX_CHARS, room_for
from claude_sidecar.hints.middlebox import form_of
from claude_sidecar.hints.wordings import what_it_says
from claude_sidecar.wire.credential import (
    CREDENTIAL_HEADERS,
    INVISIBLE,
    QUOTES,
    STRAY_HEADERS,
    Credential,
    CredentialKind,
)

_SCHEME = re.compile(rb"(?i)\A\s*(bearer)(:?)(\s*)((?:bearer[\s:]+)*)")
_KEY_CHARACTERS = re.compile(rb"[A-Za-z0-9_-]*")
_ADMIN_PATH = "/v1/organizations"
_BROWSER_ACCESS = b"anthropic-dangerous-direct-browser-access"


def authentication_hint(facts: HintFacts) -> Finding:
    """The defects found, as many as fit, then the names of the headers received and sent on.

    Its kind is that of the first.
    """
    came = _names([credential.header for credential in facts.credentials])
    end = f" Credential headers received: {came}; sent on: {_names(facts.credentials_sent)}."
    room = MAX_CHARS - len(end) - room_for("401")
    first, *others = _findings(facts)
    text = first.text
    for finding in others:
        longer = f"{text} {finding.text}"
        if len(longer) > room:
            break
        text = longer
    return Finding(first.kind, text + end)


def _names(headers: Sequence[str]) -> str:
    """The credential headers among these names; nothing else gets into the hint here."""
    return ", ".join(name for name in CREDENTIAL_HEADERS if name in headers) or "none"


def _findings(facts: HintFacts) -> Iterator[Finding]:
    """Defects in the order in which they are likely to be the cause; one sentence at least."""
    if (spoken := what_it_says(401, facts.message)) is not None:
        yield spoken
        return
    if facts.route_has_credential:
        yield Finding(
            "route-key",
            "The key refused is the route's own, not the caller's: look in its Secret, file or variable "
            "for quotes, spaces and a key that is revoked, rotated or of another workspace.",
        )
        return
    defects = credential_defects(facts)
    yield from defects
    if not facts.credentials:
        return
    if not facts.credentials_sent:
        yield Finding("not-sent-on", "The credential came but was not sent on: see the route's policy.")
    elif not defects:
        yield _good_looking(facts.credentials[0], facts)


def credential_defects(facts: HintFacts, *, foreign: bool = False) -> tuple[Finding, ...]:
    """All that is wrong with the caller's credential lines as they stand, in the order in which it is likely
    to be the cause; nothing where they look right.

    foreign: they are for a gateway, whose keys may be of another kind.
    """
    credentials = facts.credentials
    if not credentials:
        return (_nothing_came(facts),)
    defects = []
    if len({credential.header for credential in credentials}) > 1:
        defects.append(
            Finding(
                "both-headers",
                "Both x-api-key and authorization came; the API refuses that: unset one of ANTHROPIC_API_KEY "
                "and ANTHROPIC_AUTH_TOKEN.",
            )
        )
    elif len(credentials) > 1:
        twice = f"{credentials[0].header} came more than once: send it once."
        defects.append(Finding("header-twice", twice))
    for credential in credentials:
        defects += _defects(credential, facts, foreign=foreign)
    return tuple(defects)


def _nothing_came(facts: HintFacts) -> Finding:
    stray = next((name for name, _ in facts.request_headers if name.lower() in STRAY_HEADERS), None)
    if stray is not None:
        return Finding(
            "another-header",
            f"No x-api-key or authorization came, but {stray.lower().decode('ascii')} did: "
            "the Claude API does not read that header; send the key as x-api-key.",
        )
    return Finding(
        "no-credential",
        "No credential came: set ANTHROPIC_API_KEY in the app; if it is set, a proxy or gateway before the "
        "sidecar has removed the header.",
    )


def _good_looking(credential: Credential, facts: HintFacts) -> Finding:
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 401 has no error body of the Claude API{form_of(facts)}, and the credential is well "
            "formed: a gateway or proxy on the way wants a credential of its own.",
        )
    if facts.values_of(b"origin") and not facts.values_of(_BROWSER_ACCESS):
        return Finding(
            "web-page",
            "The key is well formed, and the call comes from a web page without "
            f"{_BROWSER_ACCESS.decode()}: the API refuses such calls too; which of key and page it is, the "
            "answer does not tell.",
        )
    if credential.kind is CredentialKind.OAUTH_TOKEN:
        return Finding(
            "oauth-token-refused",
            "The OAuth token is well formed but refused: expired or revoked. Log in again or refresh it.",
        )
    return Finding(
        "key-refused",
        "The key is well formed but refused: revoked, rotated, cut off when copied, or of a deleted or other "
        "workspace. Compare it with the Console, and restart what still holds an old one.",
    )


def _defects(credential: Credential, facts: HintFacts, *, foreign: bool) -> Iterator[Finding]:
    header = credential.header
    if credential.kind is CredentialKind.EMPTY:
        yield Finding("empty", f"{header} is empty: the variable behind it is unset or was not expanded.")
        return
    if credential.kind is CredentialKind.PLACEHOLDER:
        yield Finding(
            "placeholder",
            "The key is the sidecar's placeholder, and this route has no credential of its own: give it one.",
        )
        return
    yield from _defects_of_text(credential)
    yield from _defects_of_scheme(credential)
    yield from _defects_of_kind(credential, facts, foreign=foreign)


def _defects_of_text(credential: Credential) -> Iterator[Finding]:
    """Quotes, invisible characters and spaces, whatever the header."""
    header, value = credential.header, credential.value
    if QUOTES.search(value):
        yield Finding(
            "quotes",
            f"The value of {header} has quotes in it: remove them where it is set (env file, YAML, Secret).",
        )
    if INVISIBLE.search(value):
        yield Finding(
            "invisible-characters",
            f"The value of {header} has zero-width or non-breaking characters: copy the key again as "
            "plain text.",
        )
    unquoted = QUOTES.sub(b"", INVISIBLE.sub(b"", value))
    if unquoted != unquoted.strip():
        yield Finding(
            "outer-spaces", f"The value of {header} has spaces or a line end around it: remove them."
        )
    scheme = _SCHEME.match(unquoted)
    key = unquoted[scheme.end() :] if scheme else unquoted
    if not _other_scheme(credential) and len(key.split()) > 1:
        yield Finding(
            "inner-space", f"The key in {header} has a space or tab inside: it is one unbroken word."
        )


def _other_scheme(credential: Credential) -> bool:
    """Whether the value of `authorization` is a scheme and its parameters, but not Bearer."""
    unquoted = QUOTES.sub(b"", INVISIBLE.sub(b"", credential.value))
    return (
        credential.header == "authorization" and _SCHEME.match(unquoted) is None and len(unquoted.split()) > 1
    )


def _defects_of_scheme(credential: Credential) -> Iterator[Finding]:
    unquoted = QUOTES.sub(b"", INVISIBLE.sub(b"", credential.value)).strip()
    scheme = _SCHEME.match(unquoted)
    if credential.header == "x-api-key":
        if scheme is not None:
            yield Finding(
                "bearer-in-x-api-key",
                "x-api-key holds the word Bearer: it takes the key alone; Bearer belongs in authorization.",
            )
        return
    if scheme is None:
        if _other_scheme(credential):
            yield Finding(
                "another-scheme",
                "authorization has another scheme than Bearer: send 'Authorization: Bearer KEY', or "
                "x-api-key.",
            )
        else:
            yield Finding(
                "no-scheme",
                "authorization holds the key without its scheme: send 'Authorization: Bearer KEY', or "
                "x-api-key.",
            )
        return
    word, colon, gap, more = scheme.groups()
    if word != b"Bearer":
        yield Finding(
            "bearer-spelling", "The scheme must be spelt 'Bearer', with a capital B and the rest lower case."
        )
    if colon:
        yield Finding("bearer-colon", "There is a colon after Bearer: 'Bearer KEY' has none.")
    elif gap != b" ":
        yield Finding("bearer-spaces", "Between Bearer and the key stands exactly one space.")
    if more:
        yield Finding(
            "bearer-doubled",
            "The word Bearer is doubled: the client adds it itself, set the variable to the key alone.",
        )


def _defects_of_kind(credential: Credential, facts: HintFacts, *, foreign: bool) -> Iterator[Finding]:
    header, kind = credential.header, credential.kind
    admin_path = facts.path.startswith(_ADMIN_PATH)
    if kind is CredentialKind.OAUTH_TOKEN:
        if header == "x-api-key":
            yield Finding(
                "oauth-in-x-api-key",
                "An OAuth token came as API key: send it as 'Authorization: Bearer', that is set "
                "ANTHROPIC_AUTH_TOKEN, with anthropic-beta: oauth-2025-04-20.",
            )
        elif not any(b"oauth-" in value.lower() for value in facts.values_of(b"anthropic-beta")):
            yield Finding(
                "oauth-beta",
                "An OAuth token needs the header anthropic-beta: oauth-2025-04-20, which did not come.",
            )
    elif kind is CredentialKind.ADMIN_KEY:
        if not admin_path:
            yield Finding(
                "admin-key", f"This is an admin key: it works for {_ADMIN_PATH} only; use an API key."
            )
    elif kind is CredentialKind.UNKNOWN:
        if not foreign and not _other_scheme(credential):
            yield _unknown_prefix(credential)
    elif admin_path:
        yield Finding("no-admin-key", f"{_ADMIN_PATH} wants an admin key, and this is an API key.")
    elif not foreign and header == "authorization" and facts.version == "2023-06-01":
        yield Finding(
            "api-key-as-bearer",
            "With anthropic-version 2023-06-01 an API key belongs in x-api-key: set ANTHROPIC_API_KEY.",
        )
    if kind is not CredentialKind.UNKNOWN and not _KEY_CHARACTERS.fullmatch(credential.bare):
        yield Finding(
            "odd-characters",
            "The key holds characters that no key has (only letters, digits, - and _): was it masked or cut?",
        )


def _unknown_prefix(credential: Credential) -> Finding:
    # The prefix is named only where the key holds nothing of it, so that no part of a key is ever shown.
    if b"k-ant" in credential.bare:
        return Finding(
            "before-its-beginning",
            f"The key in {credential.header} has something before its beginning, or lacks its first "
            "letter: paste it anew.",
        )
    return Finding(
        "wrong-prefix",
        f"The key in {credential.header} does not begin with sk-ant-: is it another provider's, or a "
        "variable left unexpanded?",
    )
