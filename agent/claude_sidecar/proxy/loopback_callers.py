"""Who may see details at the admin port: callers on this machine who mean this machine."""

import ipaddress

from claude_sidecar.proxy import web

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback_call(request: web.BaseRequest) -> bool:
    """Whether both ends of the connection are loopback addresses and `Host` names this machine.

    A browser led here by a rebound name has another `Host`; `kubectl port-forward` is loopback on both ends.
    """
    ends = (_is_loopback(request, "peername"), _is_loopback(request, "sockname"))
    name = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
    return all(ends) and name.lower() in _LOCAL_NAMES


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


def _is_loopback(request: web.BaseRequest, end: str) -> bool:
    found = request.transport.get_extra_info(end) if request.transport is not None else None
    if not found:
        return False
    address = ipaddress.ip_address(found[0].partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
