"""Variables that lead calls through a proxy, or past one, and that name who is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from claude_sidecar.doctor.check import Check, CheckId, Result

_TARGET = "environment"
_READ_BY_BOTH = ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSLKEYLOGFILE")


class Setting(NamedTuple):
    """One variable that does not do what it is set for; trouble: in the words of the sidecar's own start;
    fatal: the sidecar would not start."""

    variable: str
    trouble: str
    fatal: bool


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """What the environment says.

    called: the egress proxy, as errors call it; proxied: hosts that are reached through it; caught_loopback:
    the variable that leads calls to a loopback base URL to a proxy; settings: what is wrong; apps: the
    environment is an app's, whose libraries read more than the sidecar does.
    """

    called: str | None = None
    proxied: Sequence[str] = ()
    caught_loopback: str | None = None
    settings: Sequence[Setting] = ()
    apps: bool = True


def proxy_variables_check(facts: ProxyFacts) -> Check:
    """What will break calls, else how calls leave, with what does no harm beside it."""
    breaking = [one for one in facts.settings if one.fatal or (facts.apps and _breaks_apps(one))]
    if breaking:
        fix = f"correct or unset {', '.join(dict.fromkeys(one.variable for one in breaking))}"
        return _fault(" ".join(one.trouble for one in breaking), fix)
    if facts.caught_loopback is not None:
        return _fault(
            f"{facts.caught_loopback} is set and NO_PROXY does not name the base URL's host: the Python SDK "
            "sends calls for this machine to the proxy.",
            "add 127.0.0.1,localhost to NO_PROXY where the app runs",
        )
    way = (
        f"{', '.join(facts.proxied)} through {facts.called}"
        if facts.proxied
        else "calls leave without a proxy"
    )
    notes = "".join(f" Note: {one.trouble}" for one in facts.settings if _counts(one, facts))
    return Check(CheckId.PROXY_VARIABLES, _TARGET, Result.OK, f"{way}.{notes}")


def _counts(setting: Setting, facts: ProxyFacts) -> bool:
    """What the sidecar does not read may be just right for an app."""
    return not facts.apps or setting.variable.upper() in _READ_BY_BOTH


def _breaks_apps(setting: Setting) -> bool:
    """The sidecar passes over a CA file that is not there; clients that go by it trust nobody, or fail."""
    return setting.variable == "SSL_CERT_FILE"


def _fault(finding: str, fix: str) -> Check:
    return Check(CheckId.PROXY_VARIABLES, _TARGET, Result.FAULT, finding, fix)
