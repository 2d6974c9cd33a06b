"""Replicas of the webhook as far as their certificates go: pods, and a TLS server that is each in turn."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from support.operator.scripted.api import ScriptedApi

from claude_operator.certificates.issue import Pair
from claude_operator.certificates.secret import key_pem, pem

LABELS = {"app": "hook"}


class ServingReplicas:
    """All have the address 127.0.0.1, so of a round of connections each meets another one."""

    def __init__(self, api: ScriptedApi, folder: Path) -> None:
        self.port = 0
        self._api, self._folder = api, folder
        self._contexts: list[ssl.SSLContext] = []
        self._connections = 0

    def serve(self, *leaves: Pair | None) -> None:
        """Have as many replicas, each with its leaf; None: one that has no address yet."""
        for at in range(len(self._api.objects("pods"))):
            self._api.remove(self.path(at))
        for at, leaf in enumerate(leaves):
            status = {"phase": "Running", "podIP": None if leaf is None else "127.0.0.1"}
            self._api.edit(self.path(at), {"metadata": {"labels": LABELS}, "status": status})
        self._contexts = [self._context(leaf) for leaf in leaves if leaf is not None]

    def hang_up(self) -> None:
        """From now on each connection ends before its handshake does."""
        self._contexts = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ServingReplicas"]:
        """Listen until the end of the block."""
        outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        outer.sni_callback = self._choose
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, ssl=outer)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    def _choose(self, connection: ssl.SSLObject, *_: object) -> int | None:
        if not self._contexts:
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = self._contexts[self._connections % len(self._contexts)]
        self._connections += 1
        return None

    def _context(self, leaf: Pair) -> ssl.SSLContext:
        file = self._folder / "leaf.pem"  # ssl takes files only
        file.write_bytes(key_pem(leaf.key) + pem([leaf.certificate]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    @staticmethod
    def path(at: int) -> str:
        """Where a replica's pod is."""
        return f"/api/v1/namespaces/ours/pods/hook-{at}"
