"""The URL of an egress proxy, as HTTPS_PROXY names it."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from claude_sidecar.config.environment_fault import EnvironmentFault
from claude_sidecar.config.shown import shown

_ALLOWED = "http://HOST:PORT of a proxy that knows CONNECT, with USER:PASSWORD@ before the host if need be"
_QUOTES = "\"'`"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
"""RFC 3986, 3.1: what stands before another `://` may be a password that has one in it."""


@dataclass(frozen=True, slots=True)
class EgressProxy:
    """An http:// proxy that knows CONNECT; credential: as Basic authentication wants it."""

    host: str
    port: int
    credential: bytes | None = field(repr=False)

    @property
    def called(self) -> str:
        """How errors call it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"the egress proxy {host}:{self.port}"


def read_proxy_url(variable: str, text: str) -> EgressProxy | EnvironmentFault:
    """The proxy that a variable names, or what is wrong with its value; a bare HOST:PORT will do."""
    text = text.strip()

    def fault(wrong: str, fix: str) -> EnvironmentFault:
        return EnvironmentFault(variable, shown_url(text), wrong, _ALLOWED, fix, fatal=True)

    if any(mark in text for mark in _QUOTES):
        return fault("has quotes in it", "Remove them where the variable is set.")
    full = text if _SCHEME.match(text) else f"http://{text}"
    if any(mark in full.partition("://")[2].rpartition("@")[0] for mark in "/?#"):
        return fault(
            "has a character in its user or password that ends the host part",
            "Percent-encode them: %23 for #, %2F for /, %3F for ?, %40 for @.",
        )
    try:
        url = urlsplit(full)
        host, port = url.hostname, url.port
    except ValueError:
        fix = "Write the port as a number, an IPv6 address in brackets."
        return fault("has no port between 1 and 65535, or a host that is none", fix)
    if url.scheme != "http":
        return fault(
            f"has the scheme {shown(url.scheme)}, which is not spoken here",
            "Write http://: so the proxy itself is spoken to, and calls inside stay TLS to the upstream.",
        )
    if not host:
        return fault("names no host", "Name the proxy, or unset the variable to go direct.")
    if port == 0:
        return fault("has the port 0", "Give the port that the proxy listens on.")
    return EgressProxy(host, port or 80, _credential(url))


def shown_url(text: str) -> str:
    """A URL as messages may show it: what stands before its last `@` may be a password."""
    before, at, after = text.rpartition("@")
    if not at:
        return shown(text)
    scheme = _SCHEME.match(before)
    return shown(f"{scheme[0] if scheme else ''}***@{after}")


def _credential(url: SplitResult) -> bytes | None:
    if url.username is None:
        return None
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return base64.b64encode(pair.encode())
