"""Keeps a connection to each route that is in use, so that calls that are far apart wait for no handshake."""

import asyncio
from dataclasses import dataclass

from claude_sidecar import clock
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.failure import ConnectFailed
from claude_sidecar.upstream.pool import ConnectionPool

_LOOK_S = 1.0
_USED_LAST_S = 300.0
_PAUSE_FIRST_S, _PAUSE_MOST_S = 1.0, 60.0
"""Between dials to a peer that takes none or closes each unused; doubling, until a call uses the route."""


@dataclass(slots=True)
class _Recent:
    """A route that was used; connect_s: how long its dials may take."""

    route: Route
    connect_s: float
    used_s: float
    pause_s: float = _PAUSE_FIRST_S
    not_before_s: float = 0.0
    dialing: asyncio.Task[None] | None = None


class WarmConnections:
    """Dials routes used in the last five minutes to which no connection lives, busy or idle.

    As long as one lives none is added: it will be idle again, and no upstream sees more connections
    than calls need at a time. No request is sent, so a route's health is left to calls.
    """

    def __init__(self, dialer: Dialer, pool: ConnectionPool) -> None:
        self._dialer = dialer
        self._pool = pool
        self._recent: dict[tuple[str, str, int], _Recent] = {}
        self._stopped = False

    def used(self, route: Route, connect_s: float) -> None:
        """A call has a connection to a route."""
        now = clock.now()
        recent = self._recent.get((route.scheme, route.host, route.port))
        if recent is None:
            self._recent[route.scheme, route.host, route.port] = _Recent(route, connect_s, now)
        else:
            recent.connect_s, recent.used_s, recent.pause_s = connect_s, now, _PAUSE_FIRST_S

    async def keep(self) -> None:
        """Look after them until cancelled or stopped."""
        while not self._stopped:
            self._look(clock.now())
            await clock.sleep(_LOOK_S)

    def stop(self) -> None:
        """Dial no more: the process drains."""
        self._stopped = True
        for recent in self._recent.values():
            if recent.dialing is not None:
                recent.dialing.cancel()

    def _look(self, now: float) -> None:
        self._pool.close_old(now)
        for key, recent in list(self._recent.items()):
            if now - recent.used_s > _USED_LAST_S:
                del self._recent[key]
            elif recent.dialing is None and now >= recent.not_before_s and not self._pool.lives(recent.route):
                recent.not_before_s = now + recent.pause_s
                recent.pause_s = min(_PAUSE_MOST_S, recent.pause_s * 2)
                recent.dialing = asyncio.ensure_future(self._dial(recent))

    async def _dial(self, recent: _Recent) -> None:
        try:
            connection = await self._dialer.dial(recent.route, recent.connect_s)
        except ConnectFailed:
            return
        finally:
            recent.dialing = None
        self._pool.add(recent.route, connection)
        self._pool.give(recent.route, connection, clock.now())
