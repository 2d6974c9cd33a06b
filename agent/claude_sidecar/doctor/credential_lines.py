"""The header lines that an SDK makes of a key, by the variable in which it finds it."""

import re
from dataclasses import dataclass, field

from claude_sidecar.wire.credential import (
    CREDENTIAL_HEADERS,
    STRAY_HEADERS,
    CredentialKind,
    bare_key,
    kind_of_key,
)
from claude_sidecar.wire.headers import HeaderLines

TOKEN_VARIABLE = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - the name of a variable
KEY_VARIABLE = "ANTHROPIC_API_KEY"
CUSTOM_VARIABLE = "ANTHROPIC_CUSTOM_HEADERS"
VERSION_LINE = (b"anthropic-version", b"2023-06-01")

_OAUTH_LINE = (b"anthropic-beta", b"oauth-2025-04-20")
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_|~-]+")
_OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
)
_UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A key as it was given.

    called: where it comes from, as findings call it; raw: header lines as an SDK would make them of it;
    sent: the same, cleaned of what people put round a key; broken: what no header may carry is inside.
    """

    called: str
    raw: HeaderLines = field(repr=False)
    sent: HeaderLines = field(repr=False)
    bare: bytes = field(repr=False)
    broken: bool = False

    @property
    def sendable(self) -> bool:
        """Whether the cleaned key can go into a header."""
        return bool(self.bare) and self.bare.isascii() and not _UNSENDABLE.search(self.bare)


def given_key(called: str, text: bytes, header: str | None = None) -> GivenKey:
    """A key found as text.

    header: the one that an SDK is sure to take, None to go by the key's kind.
    """
    bare = bare_key(text)
    is_token = kind_of_key(bare) is CredentialKind.OAUTH_TOKEN
    taken = header or ("authorization" if is_token else "x-api-key")
    beta = (_OAUTH_LINE,) if is_token else ()
    name = taken.encode()
    scheme = b"Bearer " if taken == "authorization" else b""
    # A token goes where it belongs, wherever it was found: what is wrong with the place is told by `raw`.
    sent = (b"authorization", b"Bearer " + bare) if is_token else (name, scheme + bare)
    return GivenKey(
        called,
        ((name, scheme + text), VERSION_LINE, *(beta if taken == "authorization" else ())),
        (sent, VERSION_LINE, *beta),
        bare,
        broken=_UNSENDABLE.search(text.strip()) is not None,
    )


def header_of_variable(name: str) -> str | None:
    """The header in which SDKs send what a variable holds, None for one that they do not read."""
    return {KEY_VARIABLE: "x-api-key", TOKEN_VARIABLE: "authorization"}.get(name)


def custom_lines(text: str) -> HeaderLines:
    """The header lines that SDKs add for ANTHROPIC_CUSTOM_HEADERS, which holds `Name: Value` lines; without
    what no header may carry, or what is ours to say."""
    pairs = (line.partition(":") for line in text.splitlines())
    lines = [(name.strip().lower(), value.strip()) for name, colon, value in pairs if colon]
    return [
        (name.encode(), value.encode())
        for name, value in lines
        if _TOKEN.fullmatch(name) and name not in _OURS and value.isascii() and value.isprintable()
    ]


def is_credential(name: bytes) -> bool:
    """Whether a header, by its lower-case name, is one in which keys travel."""
    return name.decode("latin-1") in CREDENTIAL_HEADERS or name in STRAY_HEADERS
