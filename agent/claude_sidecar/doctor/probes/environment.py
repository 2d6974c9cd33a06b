"""What the process's surroundings say of the way out: variables, resolv.conf."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from claude_sidecar.config.egress import Egress, judge_environment
from claude_sidecar.doctor.verdicts.proxy_variables import ProxyFacts, Setting
from claude_sidecar.schema.endpoint import is_loopback
from claude_sidecar.schema.snapshot import Route

RESOLV_CONF = Path("/etc/resolv.conf")
_MOST_BYTES = 1 << 20


def egress_facts(
    environ: Mapping[str, str], routes: Iterable[Route], *, apps: bool
) -> tuple[Egress, ProxyFacts]:
    """How calls to these routes leave; without what can't be used.

    apps: the environment is an app's or a person's, not an injected sidecar's own.
    """
    known = list(routes)
    egress, faults = judge_environment(environ)
    if any(fault.variable == "SSL_CERT_FILE" for fault in faults):
        egress = replace(egress, ca_file=None)
    proxied = [route.authority for route in known if egress.proxy_for(route) is not None]
    proxy = egress.https_proxy
    return egress, ProxyFacts(
        called=proxy.called if proxy is not None else None,
        proxied=list(dict.fromkeys(proxied)),
        caught_loopback=_caught(environ, known),
        settings=[Setting(fault.variable, str(fault), fault.fatal) for fault in faults],
        apps=apps,
    )


def resolv_conf(path: Path = RESOLV_CONF) -> tuple[int, tuple[str, ...]]:
    """ndots and the search list (resolv.conf(5)); the usual ones where there is no such file."""
    ndots = 1
    search: tuple[str, ...] = ()
    try:
        with path.open(encoding="utf-8", errors="replace") as handle:
            lines = handle.read(_MOST_BYTES).splitlines()
    except OSError:
        return ndots, search
    for line in lines:
        word, *rest = line.split() or [""]
        if word in ("search", "domain"):
            search = tuple(name for name in rest if name != ".")
        elif word == "options":
            said = [option.removeprefix("ndots:") for option in rest if option.startswith("ndots:")]
            ndots = int(said[-1]) if said and said[-1].isdecimal() and len(said[-1]) < 4 else ndots
    return ndots, search


def _caught(environ: Mapping[str, str], routes: list[Route]) -> str | None:
    """Python's SDK heeds these even for loopback hosts, and knows no ranges in NO_PROXY, which the sidecar
    does; curl's and Go's rules differ."""
    names = [name for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY") if environ.get(name)]
    listed = {"no": environ.get("no_proxy") or environ.get("NO_PROXY") or ""}
    here = [route for route in routes if route.scheme == "http" and is_loopback(route.host)]
    if not names or all(proxy_bypass_environment(route.authority, listed) for route in here):
        return None
    return names[0]
