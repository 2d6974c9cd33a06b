"""How the environment wants us to leave: proxy for https upstreams, hosts that go direct, more CAs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from claude_sidecar.config.ca_file import ca_file_fault, ca_folder_fault
from claude_sidecar.config.environment_fault import EnvironmentFault, EnvironmentInvalid
from claude_sidecar.config.no_proxy import NoProxy, read_no_proxy
from claude_sidecar.config.proxy_url import EgressProxy, read_proxy_url, shown_url
from claude_sidecar.config.shown import shown
from claude_sidecar.schema.snapshot import Route

_DIRECT = NoProxy()
_OTHERS = {
    "ALL_PROXY": "HTTPS_PROXY",
    "REQUESTS_CA_BUNDLE": "SSL_CERT_FILE",
    "CURL_CA_BUNDLE": "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS": "SSL_CERT_FILE",
}
"""Variables of other programs, and what is read here in their place."""


@dataclass(frozen=True, slots=True)
class Egress:
    """https_proxy: on the way to https endpoints; no_proxy: hosts that go direct all the same; ca_file:
    trusted beside the system's CAs."""

    https_proxy: EgressProxy | None = None
    no_proxy: NoProxy = _DIRECT
    ca_file: str | None = None

    def proxy_for(self, route: Route) -> EgressProxy | None:
        """The proxy on the way to a route, None where it goes direct."""
        if self.https_proxy is None or route.scheme != "https":
            return None
        return None if self.no_proxy.covers(route.host, route.port) else self.https_proxy


class Judged(NamedTuple):
    """What the environment comes to, and all that is wrong with it, whether or not the sidecar may start."""

    egress: Egress
    faults: tuple[EnvironmentFault, ...]


def judge_environment(environ: Mapping[str, str]) -> Judged:
    """Read HTTPS_PROXY, NO_PROXY (either case, lower wins as in curl), SSL_CERT_FILE and SSL_CERT_DIR.

    The CA file is read; nothing is connected to or resolved. A fault that is not fatal counts as not set.
    """
    faults = [*_unread(environ), *_contradictions(environ), *_revealing(environ)]
    proxy: EgressProxy | EnvironmentFault | None = None
    if (named := _either(environ, "HTTPS_PROXY")) is not None:
        proxy = read_proxy_url(*named)
    no_proxy = _DIRECT
    if (listed := _either(environ, "NO_PROXY")) is not None:
        no_proxy, wrong = read_no_proxy(*listed)
        faults += wrong
    ca_file = environ.get("SSL_CERT_FILE") or None
    folders = environ.get("SSL_CERT_DIR")
    found = (
        proxy if isinstance(proxy, EnvironmentFault) else None,
        ca_file_fault("SSL_CERT_FILE", ca_file) if ca_file else None,
        ca_folder_fault("SSL_CERT_DIR", folders) if folders else None,
    )
    faults += [fault for fault in found if fault is not None]
    usable = proxy if isinstance(proxy, EgressProxy) else None
    return Judged(Egress(usable, no_proxy, ca_file), tuple(faults))


def usable_environment(environ: Mapping[str, str]) -> Judged:
    """The same for a process that is to start: raises EnvironmentInvalid where a fault is fatal."""
    judged = judge_environment(environ)
    fatal = [fault for fault in judged.faults if fault.fatal]
    if fatal:
        raise EnvironmentInvalid(fatal)
    return judged


def _either(environ: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """A variable in the case in which it counts, and its value; None where it is unset or empty."""
    for variable in (name.lower(), name):
        if value := environ.get(variable, "").strip():
            return variable, value
    return None


def _contradictions(environ: Mapping[str, str]) -> Iterator[EnvironmentFault]:
    for name in ("HTTPS_PROXY", "NO_PROXY"):
        lower, upper = (environ.get(each, "").strip() for each in (name.lower(), name))
        if lower and upper and lower != upper:
            yield EnvironmentFault(
                name,
                shown_url(upper),
                f"differs from {name.lower()}, which counts",
                "one of the two, or the same in both",
                "Unset one of them.",
            )


def _revealing(environ: Mapping[str, str]) -> Iterator[EnvironmentFault]:
    """What Python's `ssl` reads by itself, and nobody should leave set."""
    if path := environ.get("SSLKEYLOGFILE"):
        yield EnvironmentFault(
            "SSLKEYLOGFILE",
            shown(path),
            "has the keys of all TLS connections written down",
            "unset, but for debugging",
            "Unset it: who reads that file and the network reads all calls.",
        )


def _unread(environ: Mapping[str, str]) -> Iterator[EnvironmentFault]:
    """Variables that somebody may have set for us, though they are not read here."""
    for name, instead in _OTHERS.items():
        value = _either(environ, name)
        if value is not None and _either(environ, instead) is None:
            text = shown_url(value[1]) if name == "ALL_PROXY" else shown(value[1])
            yield EnvironmentFault(
                value[0], text, "is not read by the sidecar", instead, f"Set {instead} if it is meant for it."
            )
