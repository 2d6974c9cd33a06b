"""The caller's credential among the header lines as received: where it is, of what kind, its alias, and what
tells it from others without being one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from claude_sidecar.schema.telemetry import KeyAlias

PLACEHOLDER = b"provided-by-claude-sidecar"
"""What an injected container has as its key where every route has its own; never sent upstream."""

CREDENTIAL_HEADERS = ("x-api-key", "authorization")

STRAY_HEADERS = frozenset(
    {
        b"api-key",
        b"api_key",
        b"apikey",
        b"x-apikey",
        b"x_api_key",
        b"anthropic-api-key",
        b"anthropic_api_key",
        b"x-anthropic-api-key",
        b"x-auth-token",
        b"proxy-authorization",
    }
)
"""Headers in which keys of other APIs travel, so in which a Claude key may have been put."""

ALIAS_NONE = "none"
ALIAS_OAUTH = "oauth"
ALIAS_HIDDEN = "hidden"

INVISIBLE = re.compile(
    rb"\xe2\x80[\x8b-\x8f\xaa-\xaf]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|\xc2[\xa0\xad]|\xe1\xa0\x8e|\xe3\x80\x80"
)
"""UTF-8 of zero-width, direction, joiner, BOM, soft-hyphen and wide space characters."""

QUOTES = re.compile(rb"[\"'`]|\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb]")
"""ASCII quotes, and the UTF-8 of the curly and angled ones."""

SCHEME = re.compile(rb"(?i)\A\s*(?:bearer(?:[\s:]+|\Z))*")
"""The scheme in front of a token, doubled ones too."""

_PLAIN = re.compile(rb"[A-Za-z0-9_-]*")
_SPACE = re.compile(rb"\s+")


class CredentialKind(StrEnum):
    """What a key's shape says of it (docs/claude-api-notes.md, "Credentials")."""

    API_KEY = "api-key"
    OAUTH_TOKEN = "oauth-token"  # noqa: S105 - the name of a kind
    ADMIN_KEY = "admin-key"
    PLACEHOLDER = "placeholder"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential line.

    header: its name in lower case; value: as received; bare: the key alone, without scheme, spaces,
    quotes or invisible characters. Neither of the two ever shows in a repr.
    """

    header: str
    kind: CredentialKind
    value: bytes = field(repr=False)
    bare: bytes = field(repr=False)


def bare_key(value: bytes) -> bytes:
    """The key inside a header value, without anything that people put round it."""
    # Nearly every value ends at one of these two, on the hot path.
    if value.startswith(b"sk-ant-") and _PLAIN.fullmatch(value):
        return value
    if value.startswith(b"Bearer sk-ant-") and _PLAIN.fullmatch(value, 7):
        return value[7:]
    cleaned = QUOTES.sub(b"", INVISIBLE.sub(b"", value))
    return _SPACE.sub(b"", SCHEME.sub(b"", cleaned, count=1))


def kind_of_key(bare: bytes) -> CredentialKind:
    """The kind of a bare key, by its prefix."""
    if bare.startswith(b"sk-ant-"):
        if bare.startswith(b"sk-ant-oat"):
            return CredentialKind.OAUTH_TOKEN
        if bare.startswith(b"sk-ant-admin"):
            return CredentialKind.ADMIN_KEY
        return CredentialKind.API_KEY
    if bare == PLACEHOLDER:
        return CredentialKind.PLACEHOLDER
    return CredentialKind.UNKNOWN if bare else CredentialKind.EMPTY


def find_credentials(lines: Iterable[tuple[bytes, bytes]]) -> tuple[Credential, ...]:
    """Every credential line among raw (name, value) header lines, in their order."""
    found = []
    for name, value in lines:
        # Two lengths are all that may match: the other lines cost one comparison.
        size = len(name)
        if size not in (9, 13):
            continue
        lowered = name.lower()
        if lowered == b"x-api-key" or lowered == b"authorization":
            bare = bare_key(value)
            found.append(Credential(lowered.decode("ascii"), kind_of_key(bare), value, bare))
    return tuple(found)


def alias_of_key(bare: bytes, mode: KeyAlias) -> str:
    """How a bare key is named in what we emit.

    The first 8 hex digits of its SHA-256; `oauth` for any OAuth token, since those change by the hour;
    `none` for no key or the placeholder; `hidden` for every key in Hidden mode.
    """
    kind = kind_of_key(bare)
    if kind is CredentialKind.EMPTY or kind is CredentialKind.PLACEHOLDER:
        return ALIAS_NONE
    if mode is KeyAlias.HIDDEN:
        return ALIAS_HIDDEN
    if kind is CredentialKind.OAUTH_TOKEN:
        return ALIAS_OAUTH
    return fingerprint_of(bare)


def fingerprint_of(bare: bytes) -> str:
    """The first 8 hex digits of a key's SHA-256, the only trace of it that may be told."""
    return sha256(bare).hexdigest()[:8]


def alias_of(credentials: Sequence[Credential], mode: KeyAlias) -> str:
    """The alias of a call with these credentials: of the `x-api-key` line, where both headers came."""
    chosen = ALIAS_NONE
    for credential in credentials:
        alias = alias_of_key(credential.bare, mode)
        if alias == ALIAS_NONE:
            continue
        if credential.header == "x-api-key":
            return alias
        if chosen == ALIAS_NONE:
            chosen = alias
    return chosen


def account_of(callers: Iterable[Credential], own: bytes | None) -> bytes:
    """A digest of what is sent: a route's own credential, else all that the caller sent, in its order.

    A digest, because idle connections outlive their calls and no key should.
    """
    if own is not None:
        return sha256(own).digest()
    sent = [b"%b %d %b" % (found.header.encode("ascii"), len(found.value), found.value) for found in callers]
    return sha256(b"".join(sent)).digest()
