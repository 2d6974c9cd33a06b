"""A route's endpoint taken apart, and what may not be in one."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_PRIVATE_SUFFIXES = frozenset({"localhost", "local", "internal", "svc", "lan"})
"""Names of RFC 6761, RFC 6762, ICANN's `internal`, and those that Kubernetes and home routers use."""
_VERSIONED = ("/v1", "/v1/messages", "/v1/complete")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a route's requests go; `base_path` is empty or starts, but does not end, with a slash."""

    scheme: str
    host: str
    port: int
    base_path: str


def parse_endpoint(text: str) -> Endpoint:
    """Take an endpoint apart.

    text: `https://host[:port][/base/path]`. Raises ValueError that says what is wrong and what is allowed.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be plain ASCII without spaces; write an international host in its xn-- form")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"is no URL ({error}); allowed: https://HOST[:PORT][/BASE/PATH]") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("must start with https:// (or http:// for a loopback host)")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or password; a key belongs in `credential`")
    if "?" in text or "#" in text:
        raise ValueError("must not hold a query or a fragment; allowed: https://HOST[:PORT][/BASE/PATH]")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("has no usable port after the colon; allowed: 1 to 65535")
    _check_host(host)
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise ValueError(f"host {parts.netloc[:80]!r} is neither a DNS name nor an IP address")
    return Endpoint(
        parts.scheme, host, port or (443 if parts.scheme == "https" else 80), _base_path(parts.path)
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=64)
def is_private(host: str) -> bool:
    """Whether a host can be reached from here only: an address that is not global, or a name that no public
    DNS server knows, such as one label alone or one below `.local`, `.internal` or `.svc`.

    By its look alone: nothing is resolved. Where it errs, it takes a private host for a public one.
    """
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        labels = host.lower().rstrip(".").split(".")
        return len(labels) == 1 or labels[-1] in _PRIVATE_SUFFIXES or labels[-2:] == ["home", "arpa"]


def _check_host(host: str) -> None:
    if not host:
        raise ValueError("names no host; allowed: https://HOST[:PORT][/BASE/PATH]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
            raise ValueError(f"host {host[:80]!r} is neither a DNS name nor an IP address") from None
    else:
        if getattr(address, "scope_id", None):
            raise ValueError("must not hold an IPv6 zone") from None


def _base_path(path: str) -> str:
    trimmed = path.rstrip("/")
    if trimmed.endswith(_VERSIONED):
        raise ValueError("must not end in /v1: SDKs add it themselves; leave it off")
    for segment in trimmed.split("/")[1:]:
        if not segment or segment in (".", "..") or _SEGMENT.sub("", segment):
            raise ValueError("has a base path with an empty, dotted or badly escaped segment")
    return trimmed
