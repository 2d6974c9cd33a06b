"""What probes observe, as values; None or empty means not known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from claude_sidecar.wire.error_body import ErrorBody, read_error
from claude_sidecar.wire.headers import HeaderLines, first


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    trouble: why there is none, in words that hold no content; timed_out: whether time ran out; body: as far
    as it was read, without content coding.
    """

    status: int | None = None
    lines: HeaderLines = ()
    body: bytes = field(default=b"", repr=False)
    trouble: str = ""
    timed_out: bool = False

    @property
    def error(self) -> ErrorBody | None:
        """What an error's body says."""
        return read_error(self.body)

    @property
    def error_type(self) -> str:
        """`error.type` of the API's envelope, empty for any other body."""
        error = self.error
        return (error.type or "") if error is not None else ""

    @property
    def message(self) -> str:
        """The error's message in lower case: for matching, never to be told."""
        error = self.error
        return ((error.message or "") if error is not None else "").lower()

    @property
    def is_page(self) -> bool:
        """Whether it is a web page."""
        kind = (self.header(b"content-type") or b"").lower()
        return kind.startswith(b"text/html") or self.body.lstrip()[:1] == b"<"

    @property
    def document(self) -> Any:
        """The body of a 200 as JSON, None for anything else."""
        if self.status != 200:
            return None
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def header(self, name: bytes) -> bytes | None:
        """A header's first value, by its lower-case name."""
        return first(self.lines, name)


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What name servers say of a host; figures: it is an address already.

    silent: who was asked has not answered in time; reason: in the resolver's words, where there is no
    address; by_search_only: found with the search list, not as written; ndots, search: of resolv.conf.
    """

    host: str
    figures: bool = False
    in_hosts_file: bool = False
    ipv4: Sequence[str] = ()
    ipv6: Sequence[str] = ()
    silent: bool = False
    reason: str = ""
    by_search_only: bool = False
    ndots: int = 1
    search: Sequence[str] = ()

    @property
    def found(self) -> bool:
        """Whether there is any address."""
        return self.figures or bool(self.ipv4 or self.ipv6)


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """One try to connect to an address; trouble: why it failed, empty where it did not."""

    family: str
    ip: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of a certificate as it was shown, whether or not it is trusted.

    subject, issuer: empty where it names none; times are seconds since 1970.
    """

    subject: str
    issuer: str
    not_before_s: float
    not_after_s: float


@dataclass(frozen=True, slots=True)
class DialFacts:
    """One whole way to a route, TLS included.

    failed_at: `dns`, `connect`, `proxy` or `tls`, None where it stands; told: why, in the sidecar's words;
    certificate: what the other side showed; proxy: the egress proxy on the way, as errors call it.
    """

    failed_at: str | None = None
    told: str = ""
    certificate: Certificate | None = None
    proxy: str | None = None
    secure: bool = True


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the far side tells of a request's head.

    where: who tells; header_names: all that came, None where only the credential is told of; key_alias: the
    fingerprint of the key that came, or a word for it, None where that is not told.
    """

    where: str
    header_names: frozenset[str] | None = None
    key_alias: str | None = None
