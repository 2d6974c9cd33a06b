"""What the page shows, in one value: what needs a person, traffic, limits, routes, the policy in force."""

from typing import Any

from claude_sidecar import __version__
from claude_sidecar.proxy.limit_view import limits_left
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.proxy.route_view import RouteView, state_of
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.rollup_view import describe_minutes, describe_windows
from claude_sidecar.telemetry.trouble import Trouble, most_urgent
from claude_sidecar.telemetry.trouble_states import PolicyState, troubles_of_state
from claude_sidecar.telemetry.troubles import troubles_of_calls
from claude_sidecar.telemetry.wall_time import iso_time

RECORDER_BYTES = 4 << 20
"""What the kept calls and the rollups take at most, whatever comes."""


class Overview:
    """Tells how this sidecar and its calls do."""

    def __init__(self, policy: PolicyInForce, routes: RouteView, telemetry: Telemetry) -> None:
        self._policy = policy
        self._routes = routes
        self._telemetry = telemetry
        self._started_s: float | None = None

    def start(self) -> None:
        """The sidecar begins to serve now."""
        self._started_s = self._telemetry.timebase().loop_s

    def describe(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        timebase = self._telemetry.timebase()
        now = timebase.loop_s
        windows = self._telemetry.rollups.read(now)
        routes = self._routes.describe(now)
        states = [state_of(route) for route in routes]
        limits = limits_left(self._routes, timebase.unix_ns / 1e9)
        near = [limit.near for limit in limits if limit.near is not None]
        troubles = [
            *troubles_of_calls(windows, {state.name: state.about for state in states}),
            *troubles_of_state(self._policy_state(), states, near),
        ]
        return {
            "version": __version__,
            "now": iso_time(timebase, now),
            "startedAt": iso_time(timebase, now if self._started_s is None else self._started_s),
            "policy": describe_policy(self._policy),
            "troubles": [_trouble(trouble) for trouble in most_urgent(troubles)],
            "rollups": describe_windows(windows),
            "minutes": describe_minutes(windows, timebase),
            "limits": [limit.describe() for limit in limits],
            "routes": routes,
            "recorder": self._recorder(),
        }

    def _policy_state(self) -> PolicyState:
        policy = self._policy
        return PolicyState(
            name=policy.snapshot().name,
            last_error=policy.last_error,
            restart_required=policy.restart_required,
            credentials_missing=policy.credentials_missing(),
        )

    def _recorder(self) -> dict[str, int]:
        calls, rollups = self._telemetry.requests, self._telemetry.rollups
        return {"calls": len(calls), "bytes": calls.bytes + rollups.bytes, "mostBytes": RECORDER_BYTES}


def describe_policy(policy: PolicyInForce) -> dict[str, Any]:
    """Which policy is in force, and what keeps a newer one from it."""
    snapshot, unknown = policy.snapshot(), policy.loaded.unknown_fields
    return {
        "name": snapshot.name,
        "generation": snapshot.generation,
        "hash": snapshot.hash,
        "source": policy.loaded.source,
        "lastError": policy.last_error,
        "credentialsMissing": policy.credentials_missing(),
        "restartRequired": policy.restart_required,
        **({"unknownFields": unknown} if unknown else {}),
    }


def _trouble(trouble: Trouble) -> dict[str, str]:
    return {
        "id": trouble.id,
        "severity": trouble.severity.value,
        "what": trouble.what,
        "fix": trouble.fix,
        "link": trouble.link,
        "window": trouble.window,
    }
