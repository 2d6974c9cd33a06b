"""Asks the kernel whether a program still holds its end of a loopback connection."""

import socket
import struct
import sys
from typing import Any

_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBBI")
_PORTS = struct.Struct("!HH")
_ANY_COOKIE = b"\xff" * 8
_INODE = struct.Struct("=I")
_INODE_AT = _HEADER.size + 68
_ANSWER_BYTES = 8192


def caller_has_left(caller: Any, here: Any) -> bool:
    """Whether the program at the other end has closed its socket, not only shut its sending side.

    caller, here: addresses of the two ends, (host, port), IPv4 on loopback. True also where the kernel can't
    tell. A socket that no program holds any more has no inode (sock_diag(7)), or is forgotten already.
    """
    if sys.platform != "linux":
        return True
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.setblocking(False)
            kernel.connect((0, 0))
            return not _inode(kernel, caller, here)
    except (OSError, TypeError, ValueError, struct.error):
        return True


def _inode(kernel: socket.socket, own: tuple[str, int], peer: tuple[str, int]) -> int:
    """The inode of the socket from `own` to `peer`; 0 where nobody holds it, or the kernel tells of none."""
    addresses = b"".join(socket.inet_aton(host).ljust(16, b"\0") for host, _ in (own, peer))
    socket_id = _PORTS.pack(own[1], peer[1]) + addresses + bytes(4) + _ANY_COOKIE
    query = _QUERY.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + socket_id
    kernel.send(_HEADER.pack(_HEADER.size + len(query), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + query)
    answer = kernel.recv(_ANSWER_BYTES)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return 0
    (inode,) = _INODE.unpack_from(answer, _INODE_AT)
    return int(inode)
