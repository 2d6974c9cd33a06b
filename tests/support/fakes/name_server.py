"""A name server on port 53 that knows what it is told, and keeps every question."""

import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

RECORDS = {1: "A", 28: "AAAA"}
NO_ERROR, NO_SUCH_NAME = 0, 3


@dataclass
class NameServer:
    """says: by question (`A api.example`) the addresses, None for silence, bytes for garbage.

    A name of which it knows some record, but not the one asked for, exists; others do not.
    """

    says: dict[str, Sequence[str] | bytes | None]
    asked: list[str] = field(default_factory=list)

    def serve(self, ip: str) -> None:
        """Answer from now on, in a thread that ends with the process."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((ip, 53))
        threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        while True:
            query, caller = sock.recvfrom(4096)
            name, kind, question = _question(query)
            asked = f"{RECORDS.get(kind, kind)} {name}"
            self.asked.append(asked)
            exists = any(known.split()[1] == name for known in self.says)
            says = self.says.get(asked, ())
            if isinstance(says, bytes):
                sock.sendto(says, caller)
            elif says is not None:
                code = NO_ERROR if exists else NO_SUCH_NAME
                head = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(says), 0, 0)
                sock.sendto(head + question + b"".join(_record(kind, ip) for ip in says), caller)


def _question(query: bytes) -> tuple[str, int, bytes]:
    """Name, kind and the bytes of the one question of a query (RFC 1035 section 4.1.2)."""
    labels, position = [], 12
    while size := query[position]:
        labels.append(query[position + 1 : position + 1 + size].decode())
        position += 1 + size
    (kind,) = struct.unpack_from(">H", query, position + 1)
    return ".".join(labels), kind, query[12 : position + 5]


def _record(kind: int, ip: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6 if kind == 28 else socket.AF_INET, ip)
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(packed)) + packed
