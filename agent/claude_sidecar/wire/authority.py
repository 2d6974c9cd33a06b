"""The `host[:port]` of a request: is it one, and does it name this machine."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

_REG_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
_AUTHORITY = re.compile(rb"(?P<host>\[[0-9A-Fa-f:.]+\]|" + _REG_NAME + rb")(?::(?P<port>[0-9]*))?")
_LONGEST_BYTES = 300
"""A DNS name has 253 characters at most, and a port six."""


@dataclass(frozen=True, slots=True)
class Authority:
    """host: in lower case, without the brackets of IPv6; port: None where none is given."""

    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        """Whether the host is a loopback name (RFC 6761 section 6.3) or address."""
        name = self.host.removesuffix(".")
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@lru_cache(maxsize=256)
def parse_authority(value: bytes) -> Authority | None:
    """Take the value of `Host`, or the authority of an absolute-form target, apart; None when it is none.

    The grammar is `uri-host [":" port]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2). Beyond it, a host
    may not be empty: the grammar allows that, `http` does not (RFC 9110 section 4.2.1). User information is
    refused, as RFC 9110 section 4.2.4 asks.
    """
    if len(value) > _LONGEST_BYTES:
        return None
    found = _AUTHORITY.fullmatch(value)
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 1 << 16:
        return None
    host = found["host"].decode("ascii").lower()
    if host.startswith("["):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return None
    return Authority(host, port)
