"""Idle connections kept for the next call with the same credential, newest first."""

from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.connection import UpstreamConnection

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
        self._living: dict[_Key, set[UpstreamConnection]] = {}

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

    def add(self, route: Route, connection: UpstreamConnection) -> None:
        """Know of a connection from its first moment to its last, busy or idle."""
        key = _key(route)

        def lost(_: UpstreamConnection) -> None:
            self._lost(key, connection)

        self._living.setdefault(key, set()).add(connection)
        connection.on_lost = lost

    def lives(self, route: Route) -> bool:
        """Whether there is any connection to the route's host, busy or idle."""
        return _key(route) in self._living

    def give(self, route: Route, connection: UpstreamConnection, now: float) -> None:
        """Keep a connection whose exchange is over; of too many the one used longest ago is closed."""
        idle = self._idle.setdefault(_key(route), [])
        connection.rest(now)
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
        living = self._living[key]
        living.discard(connection)
        if not living:
            del self._living[key]
        idle = self._idle.get(key, [])
        if connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle[key]


def _key(route: Route) -> _Key:
    return route.scheme, route.host, route.port
