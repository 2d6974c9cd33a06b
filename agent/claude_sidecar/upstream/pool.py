"""Idle connections kept for the next call, newest first."""

from collections.abc import Callable

from claude_sidecar.policy.snapshot import Route
from claude_sidecar.upstream.connection import UpstreamConnection

_IDLE_LONGEST_S = 55.0
"""Below the 60 s after which common load balancers and NATs forget an idle connection."""

_IDLE_MOST = 128

_Key = tuple[str, str, int]


class ConnectionPool:
    """Idle connections by scheme, host and port; the clock is told."""

    def __init__(self) -> None:
        self._idle: dict[_Key, list[UpstreamConnection]] = {}

    def take(self, route: Route, now: float) -> UpstreamConnection | None:
        """The connection used last, None if there is none; those idle for long are closed."""
        idle = self._idle.get(_key(route))
        while idle:
            connection = idle.pop()
            if connection.closed:
                continue
            if now - connection.idle_since <= _IDLE_LONGEST_S:
                return connection
            connection.abort()
        return None

    def give(self, route: Route, connection: UpstreamConnection, now: float) -> None:
        """Keep a connection whose exchange is over."""
        idle = self._idle.setdefault(_key(route), [])
        if len(idle) >= _IDLE_MOST:
            connection.abort()
            return
        connection.rest(now)
        connection.on_idle_close = self._forget(idle)
        idle.append(connection)

    def close(self) -> None:
        """Close all that is idle."""
        for idle in self._idle.values():
            for connection in list(idle):
                connection.abort()
        self._idle.clear()

    @staticmethod
    def _forget(idle: list[UpstreamConnection]) -> Callable[[UpstreamConnection], None]:
        def forget(connection: UpstreamConnection) -> None:
            if connection in idle:
                idle.remove(connection)

        return forget


def _key(route: Route) -> _Key:
    return route.scheme, route.host, route.port
