"""An upstream that plays a behaviour and keeps a ledger of what it was asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bench.promise.answers import Script, bad, good
from bench.promise.behaviour import Behaviour, Ill
from bench.promise.script_server import Lines, ScriptServer

CALL_HEADER = "x-call"
"""Which of the behaviour's calls a request belongs to; it comes through a sidecar like any header."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: its call, how often its SDK says it repeated it, when it was in, its header lines."""

    call: int
    repeats: int
    at_s: float
    lines: Lines


class ScriptedUpstream:
    """Answers by a behaviour; unix_s: wall time, for dates."""

    def __init__(self, behaviour: Behaviour, unix_s: Callable[[], float]) -> None:
        self.ledger: list[Seen] = []
        self._behaviour = behaviour
        self._unix_s = unix_s
        self._met = [0] * len(behaviour.calls)
        self._began_s = 0.0
        self._server = ScriptServer(self._answer)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Serve; the behaviour's clock begins now. port: 0 for any that is free."""
        self._began_s = asyncio.get_running_loop().time()
        async with self._server.running(port):
            refusing = asyncio.ensure_future(self._refuse())
            await asyncio.sleep(0)  # an outage from the first moment on is there before any call
            try:
                yield
            finally:
                refusing.cancel()
                await asyncio.gather(refusing, return_exceptions=True)

    async def _refuse(self) -> None:
        """Let no connection in, and none live, while an outage refuses them."""
        outage = self._behaviour.outage
        if outage is None or outage.fault.ill is not Ill.REFUSED:
            return
        if outage.begins_s:
            await asyncio.sleep(outage.begins_s)
        self._server.refuse()
        await asyncio.sleep(outage.ends_s - outage.begins_s)
        await self._server.listen(self._server.port)

    def _answer(self, lines: Lines) -> Script:
        """Note a request, and say what it gets."""
        call = int(lines.get(CALL_HEADER, "0"))
        since_s = asyncio.get_running_loop().time() - self._began_s
        self.ledger.append(Seen(call, int(lines.get("x-stainless-retry-count", "0")), since_s, lines))
        plan = self._behaviour.calls[call]
        outage = self._behaviour.outage
        if outage is not None and outage.covers(since_s):
            return bad(plan.kind, call, outage.fault, self._unix_s())
        met = self._met[call]
        if met < len(plan.faults):
            self._met[call] += 1
            return bad(plan.kind, call, plan.faults[met], self._unix_s())
        return good(plan.kind, call, plan.pace)
