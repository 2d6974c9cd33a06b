"""Answers as thousands of sidecars: every address of 127.0.0.0/8 has its policy by its second and third byte.

`python -m bench.operator.sidecars FILE`: FILE holds a JSON list, the answer of each policy's pods; it is read
again when it is replaced. Prints a line when it listens.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

FIRST = 64
PORT = 8788


def address_of(policy: int, pod: int) -> str:
    """Where a policy's pod answers; policy below 16,000, pod below 250."""
    return f"127.{FIRST + policy // 250}.{policy % 250 + 1}.{pod + 1}"


def _policy_at(address: str) -> int:
    _, second, third, _ = map(int, address.split("."))
    return (second - FIRST) * 250 + third - 1


class _Sidecars(asyncio.Protocol):
    def __init__(self, answers: "Answers") -> None:
        self._answers = answers

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        body = self._answers.of(_policy_at(self._transport.get_extra_info("sockname")[0]))
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self._transport.write(head.encode() + body)
        self._transport.close()


class Answers:
    """What a file says, as of now."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._answers = path, 0, list[bytes]()

    def of(self, policy: int) -> bytes:
        """What a policy's pods answer."""
        changed = self._path.stat().st_mtime_ns
        if changed != self._read:
            self._answers = [json.dumps(each).encode() for each in json.loads(self._path.read_text())]
            self._read = changed
        return self._answers[policy]


async def _serve(path: Path) -> None:
    answers = Answers(path)
    server = await asyncio.get_running_loop().create_server(lambda: _Sidecars(answers), "0.0.0.0", PORT)
    print("ready", flush=True)
    parent = os.getppid()
    async with server:
        while os.getppid() == parent:  # noqa: ASYNC110
            await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
