"""Connections that wait for the next call: kept after one with the same credential, newest first, or dialled
ahead, so that calls that are far apart wait for no handshake.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from claude_sidecar import clock
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.connection import UpstreamConnection
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.failure import ConnectFailed

_IDLE_LONGEST_S = 55.0
"""Below the 60 s after which common load balancers and NATs forget an idle connection."""

_IDLE_MOST = 128
"""To one host and port, over all credentials."""

_Key = tuple[str, str, int]


class ConnectionPool:
    """Connections by scheme, host and port; the clock is told.

    One that has carried a credential never carries another: what a peer remembers of a connection (a limit,
    an account, a session of its own) stays with whom it belongs to. One that has carried none is for anybody.
    """

    def __init__(self) -> None:
        self._idle: dict[_Key, list[UpstreamConnection]] = {}

    def take(self, route: Route, account: bytes, now: float) -> UpstreamConnection | None:
        """The idle connection used last with this credential, else one not used yet, else None.

        account: what tells credentials apart; those idle for long are closed.
        """
        self.close_old(now)
        idle = self._idle.get(_key(route), [])
        for wanted in (account, None):
            for position in range(len(idle) - 1, -1, -1):
                if idle[position].account == wanted and not idle[position].closed:
                    return idle.pop(position)
        return None

    def is_ready(self, route: Route, account: bytes) -> bool:
        """Whether a call with this credential would find a connection, as `take` does."""
        idle = self._idle.get(_key(route), [])
        return any(each.account in (account, None) and not each.closed for each in idle)

    def give(self, route: Route, connection: UpstreamConnection, now: float) -> None:
        """Keep a connection whose exchange is over; of too many the one used longest ago is closed."""
        key = _key(route)
        idle = self._idle.setdefault(key, [])
        connection.rest(now)
        connection.on_lost = partial(self._lost, key)
        idle.append(connection)
        if len(idle) > _IDLE_MOST:
            idle.pop(0).abort()

    def close_old(self, now: float) -> None:
        """Close what has been idle for long."""
        for idle in self._idle.values():
            while idle and now - idle[0].idle_since > _IDLE_LONGEST_S:
                idle.pop(0).abort()

    def close(self) -> None:
        """Close all that is idle."""
        for idle in self._idle.values():
            for connection in list(idle):
                connection.abort()
        self._idle.clear()

    def _lost(self, key: _Key, connection: UpstreamConnection) -> None:
        idle = self._idle.get(key, [])
        if connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle[key]


def _key(route: Route) -> _Key:
    return route.scheme, route.host, route.port


_LOOK_S = 1.0
_USED_LAST_S = 300.0
_ACCOUNTS_MOST = 128
"""Credentials that are remembered of a route: of as many an idle connection can be kept."""
_PAUSE_FIRST_S, _PAUSE_MOST_S = 1.0, 60.0
"""Between dials to a peer that takes none or closes each unused; doubling, until a call uses the route."""


@dataclass(slots=True)
class _Recent:
    """A route that was used; used_s: when, by credential; connect_s: how long its dials may take."""

    route: Route
    connect_s: float
    used_s: dict[bytes, float] = field(default_factory=dict)
    pause_s: float = _PAUSE_FIRST_S
    not_before_s: float = 0.0
    dialing: asyncio.Task[None] | None = None

    def forget(self, before_s: float) -> None:
        """Credentials that were not used since."""
        self.used_s = {account: used_s for account, used_s in self.used_s.items() if used_s >= before_s}


class WarmConnections:
    """Dials routes of whose calls in the last five minutes one would find no idle connection now.

    A busy one may be busy for minutes, and one that has carried another credential is of no use. What is
    dialled is for anybody, so a route has one more at most than its calls have left behind. No request is
    sent, so a route's health is left to calls.
    """

    def __init__(self, dialer: Dialer, pool: ConnectionPool) -> None:
        self._dialer = dialer
        self._pool = pool
        self._recent: dict[_Key, _Recent] = {}
        self._stopped = False

    def used(self, route: Route, account: bytes, connect_s: float) -> None:
        """A call with this credential has a connection to a route."""
        key = _key(route)
        recent = self._recent.get(key)
        if recent is None:
            recent = self._recent[key] = _Recent(route, connect_s)
        used_s = recent.used_s
        used_s.pop(account, None)
        used_s[account] = clock.now()
        if len(used_s) > _ACCOUNTS_MOST:
            del used_s[next(iter(used_s))]
        recent.connect_s, recent.pause_s = connect_s, _PAUSE_FIRST_S

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
            recent.forget(now - _USED_LAST_S)
            if not recent.used_s:
                del self._recent[key]
            elif recent.dialing is None and now >= recent.not_before_s and self._is_wanting(recent):
                recent.not_before_s = now + recent.pause_s
                recent.pause_s = min(_PAUSE_MOST_S, recent.pause_s * 2)
                recent.dialing = asyncio.ensure_future(self._dial(recent))

    def _is_wanting(self, recent: _Recent) -> bool:
        return not all(self._pool.is_ready(recent.route, account) for account in recent.used_s)

    async def _dial(self, recent: _Recent) -> None:
        try:
            connection = await self._dialer.dial(recent.route, recent.connect_s)
        except ConnectFailed:
            return
        finally:
            recent.dialing = None
        self._pool.give(recent.route, connection, clock.now())
