"""Who is served: the rules "Loops" and "Web pages", and how many at a time."""

from collections.abc import Mapping

from claude_sidecar.config.own_address import is_own_address
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.proxy.open_files import OpenFiles
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.headers import INSTANCE_HEADER, every

_ALLOW = "list its origin in CLAUDE_SIDECAR_ALLOWED_ORIGINS if it may"


def allowed_origins(environ: Mapping[str, str]) -> frozenset[bytes]:
    """The origins in CLAUDE_SIDECAR_ALLOWED_ORIGINS, such as `http://localhost:3000`, separated by commas."""
    listed = environ.get("CLAUDE_SIDECAR_ALLOWED_ORIGINS", "").lower().encode("utf-8", "surrogateescape")
    return frozenset(origin for part in listed.split(b",") if (origin := part.strip().rstrip(b"/")))


class Admission:
    """Says whether a request is served. draining: no new ones are."""

    def __init__(self, instance: bytes, origins: frozenset[bytes], files: OpenFiles) -> None:
        """instance: this sidecar's id; origins: in lower case, of web pages that may use a route's own key;
        files: what the limit of open files allows."""
        self._instance = instance
        self._origins = origins
        self._files = files
        self.draining = False

    def admit(self, call: Call, snapshot: Snapshot, in_flight: int) -> None:
        """Raise Refused for a request that is not served; in_flight: calls now, this one among them."""
        if INSTANCE_HEADER in call.index:
            _refuse_own(call, snapshot, self._instance)
        if any(route.credential is not None for route in snapshot.routes):
            _refuse_web_page(call, self._origins)
        if self.draining:
            raise Refused(
                GatewayError.DRAINING, "the sidecar is shutting down; send the call again", closes=True
            )
        if in_flight > min(snapshot.limits.max_concurrent, self._files.calls):
            raise self._files.busy(snapshot.limits.max_concurrent)


def _refuse_own(call: Call, snapshot: Snapshot, instance: bytes) -> None:
    """Refuse a request that carries this sidecar's own id.

    Such a call would run in a circle until `limits.maxConcurrent` calls are in flight. Endpoints that are
    plainly this sidecar's own address are refused with the policy; this finds the ways round.
    """
    if instance in every(call.lines, INSTANCE_HEADER):
        raise Refused(
            GatewayError.BAD_REQUEST,
            f"this call has come back to the sidecar that sent it: an endpoint of policy {snapshot.name} "
            "leads back here. Point it at the API, or at the next gateway on the way there",
            closes=True,
        )


def _refuse_web_page(call: Call, allowed: frozenset[bytes]) -> None:
    """Refuse a page's request where the sidecar, not the caller, has the key.

    A browser lets any page send simple requests to loopback, and a rebound name makes the page one of ours:
    `Origin` and `Sec-Fetch-Site` (Fetch Metadata, which scripts cannot set) tell of the first, `Host` of the
    second. A caller that brings its own key gains nothing here, so it is not looked at.
    """
    authority = call.authority
    if authority is not None and not (authority.is_loopback or is_own_address(authority.host)):
        raise _web_page("Host is neither a loopback name nor an address of this machine; use 127.0.0.1")
    origin = call.index.get(b"origin")
    if origin is not None:
        if origin.lower() in allowed:
            return
        if origin.lower() != b"http://" + call.index.get(b"host", b"").lower():
            raise _web_page(f"the request comes from a web page of another origin; {_ALLOW}")
    if call.index.get(b"sec-fetch-site", b"").lower() == b"cross-site":
        raise _web_page(f"the request comes from a web page of another site; {_ALLOW}")


def _web_page(why: str) -> Refused:
    return Refused(GatewayError.WEB_PAGE, f"a route here has a key of its own, and {why}", closes=True)
