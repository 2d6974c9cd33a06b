"""Idle connections kept for the next call with the same credential, newest first."""

from functools import partial

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
