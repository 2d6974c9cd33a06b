"""How the environment wants us to leave: proxy for https upstreams, hosts that go direct, more CAs."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from claude_sidecar.schema.snapshot import Route


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


@dataclass(frozen=True, slots=True)
class Egress:
    """no_proxy: hosts that go direct, as curl reads them; ca_file: trusted beside the system's CAs."""

    https_proxy: EgressProxy | None = None
    no_proxy: str = ""
    ca_file: str | None = None

    def proxy_for(self, route: Route) -> EgressProxy | None:
        """The proxy on the way to a route, None where it goes direct."""
        if self.https_proxy is None or route.scheme != "https":
            return None
        direct = proxy_bypass_environment(route.authority, {"no": self.no_proxy})
        return None if direct else self.https_proxy


def egress_of(environ: Mapping[str, str]) -> Egress:
    """Read HTTPS_PROXY, NO_PROXY (either case, lower wins as in curl) and SSL_CERT_FILE.

    Raises ValueError when the proxy's URL can't be used.
    """
    https_proxy = environ.get("https_proxy") or environ.get("HTTPS_PROXY")
    return Egress(
        https_proxy=_proxy_of(https_proxy) if https_proxy else None,
        no_proxy=environ.get("no_proxy") or environ.get("NO_PROXY") or "",
        ca_file=environ.get("SSL_CERT_FILE") or None,
    )


def _proxy_of(text: str) -> EgressProxy:
    url = urlsplit(text if "://" in text else f"http://{text}")
    if url.scheme != "http" or not url.hostname:
        raise ValueError("HTTPS_PROXY must be an http:// URL such as http://proxy.example:3128")
    return EgressProxy(url.hostname, url.port or 80, _credential(url))


def _credential(url: SplitResult) -> bytes | None:
    if url.username is None:
        return None
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
    return base64.b64encode(pair.encode())
