"""The rule "Web pages": a page in a browser on this machine may not spend a route's own key."""

from collections.abc import Mapping

from claude_sidecar.config.own_address import is_own_address
from claude_sidecar.proxy.call import Call
from claude_sidecar.proxy.own_error import OwnError, Refused
from claude_sidecar.schema.snapshot import Snapshot

_ALLOW = "list its origin in CLAUDE_SIDECAR_ALLOWED_ORIGINS if it may"


def allowed_origins(environ: Mapping[str, str]) -> frozenset[bytes]:
    """The origins in CLAUDE_SIDECAR_ALLOWED_ORIGINS, such as `http://localhost:3000`, separated by commas."""
    listed = environ.get("CLAUDE_SIDECAR_ALLOWED_ORIGINS", "").lower().encode("utf-8", "surrogateescape")
    return frozenset(origin for part in listed.split(b",") if (origin := part.strip().rstrip(b"/")))


def refuse_web_page(call: Call, snapshot: Snapshot, allowed: frozenset[bytes]) -> None:
    """Raise Refused for a page's request where the sidecar, not the caller, has the key.

    A browser lets any page send simple requests to loopback, and a rebound name makes the page one of ours:
    `Origin` and `Sec-Fetch-Site` (Fetch Metadata, which scripts cannot set) tell of the first, `Host` of the
    second. A caller that brings its own key gains nothing here, so it is not looked at.

    allowed: origins in lower case that may.
    """
    if all(route.credential is None for route in snapshot.routes):
        return
    authority = call.authority
    if authority is not None and not (authority.is_loopback or is_own_address(authority.host)):
        raise _refused("Host is neither a loopback name nor an address of this machine; use 127.0.0.1")
    origin = call.index.get(b"origin")
    if origin is not None:
        if origin.lower() in allowed:
            return
        if origin.lower() != b"http://" + call.index.get(b"host", b"").lower():
            raise _refused(f"the request comes from a web page of another origin; {_ALLOW}")
    if call.index.get(b"sec-fetch-site", b"").lower() == b"cross-site":
        raise _refused(f"the request comes from a web page of another site; {_ALLOW}")


def _refused(why: str) -> Refused:
    return Refused(OwnError.WEB_PAGE, f"a route here has a key of its own, and {why}", closes=True)
