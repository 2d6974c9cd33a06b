"""Routes as the admin port shows them: what is known of each, and how it does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.rate_limits import RateLimits
from claude_sidecar.providers.reachable_models import ReachableModel, reachable_models
from claude_sidecar.proxy.health import Health, LearntLimits
from claude_sidecar.proxy.policy_in_force import PolicyInForce
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.trouble_states import RouteState

_MODELS_SHOWN = 50
LIMITS_LAST_S = 300.0
"""Limits are of a minute (docs/claude-api-notes.md, "Rate limits"): an older answer says nothing any more."""


class RouteView:
    """Describes the routes of the policy in force."""

    def __init__(self, policy: PolicyInForce, health: Health) -> None:
        self._policy = policy
        self._health = health

    def describe(self, now: float) -> list[dict[str, Any]]:
        """All routes as JSON-able values, in the policy's order."""
        snapshot = self._policy.snapshot()
        listed = {route.name: self._health.notes(route).models for route in snapshot.routes}
        models = reachable_models(snapshot, listed)
        return [self._route(route, models, now) for route in snapshot.routes]

    def learnt(self, route: Route) -> Mapping[str, LearntLimits]:
        """A route's limits by model; none under a policy that learns none, whatever an earlier one learnt."""
        return self._health.notes(route).limits if self._policy.snapshot().pacing.learns else {}

    def limits(self) -> Iterator[tuple[str, str, float, RateLimits]]:
        """Route, model, unix time and limits of the newest response that named any, for each model."""
        for route in self._policy.snapshot().routes:
            for model, learnt in self.learnt(route).items():
                yield route.name, model, learnt.unix_s, learnt.read()

    def limits_of_late(self, unix_s: float) -> Iterator[tuple[str, str, RateLimits]]:
        """Route, model and limits of each model that was told of limits lately; unix_s: now, wall time."""
        for route, model, told_at, limits in self.limits():
            if unix_s - told_at <= LIMITS_LAST_S:
                yield route, model, limits

    def _route(self, route: Route, models: Sequence[ReachableModel], now: float) -> dict[str, Any]:
        credential_missing = self._policy.lacks_credential(route)
        notes = self._health.notes(route)
        breakers = self._health.breakers_of(route, now)
        return {
            "name": route.name,
            "endpoint": route.origin + route.base_path,
            "breaker": self._health.breaker_state(route, now).value,
            "breakers": breakers,
            "trouble": _scope(breakers),
            "limits": {
                model or "_none": _limits(learnt.read()) for model, learnt in self.learnt(route).items()
            },
            "serves": sorted(route.models) if route.models is not None else None,
            "modelsSeen": list(notes.models[:_MODELS_SHOWN]),
            "models": _models(route, models),
            "credential": "missing" if credential_missing else "own" if route.credential else "caller",
            "lastError": notes.last_error,
        }


def _models(route: Route, models: Sequence[ReachableModel]) -> list[dict[str, Any]]:
    """What the route may be asked for, by the callers' names."""
    return [
        {"model": each.model, "id": way.id, "source": way.source}
        | ({} if way.substitute is None else {"substitute": way.substitute})
        for each in models
        for way in each.ways
        if way.route == route.name
    ]


def state_of(route: Mapping[str, Any]) -> RouteState:
    """How a route does; route: as it is described."""
    breakers: dict[str, dict[str, dict[str, Any]]] = route["breakers"]
    shut = [model for model, kinds in breakers.items() if any(map(_is_shut, kinds.values()))]
    asked = [
        model
        for model, kinds in breakers.items()
        if model in shut or any(kind["recentSends"] for kind in kinds.values())
    ]
    failing = {
        model: max(kind["failingForSeconds"] or 0.0 for kind in breakers[model].values()) for model in asked
    }
    return RouteState(
        name=route["name"],
        shut=[_model(model) for model in shut],
        failing=[(_model(model), for_s) for model, for_s in failing.items() if for_s],
        models=len(asked),
    )


def _is_shut(breaker: Mapping[str, Any]) -> bool:
    return bool(breaker["state"] != BreakerState.CLOSED.value)


def _model(name: str) -> str:
    return "" if name == "_none" else name


def _scope(breakers: dict[str, dict[str, dict[str, object]]]) -> str | None:
    """Whether a route's trouble is one model's or the whole route's; None where there is none."""
    ill, whole = [], True
    for model, kinds in sorted(breakers.items()):
        broken = [kind for kind, breaker in kinds.items() if breaker["state"] != BreakerState.CLOSED.value]
        if broken:
            ill.append(model if len(broken) == len(kinds) else f"{model} ({', '.join(sorted(broken))})")
        whole = whole and len(broken) == len(kinds)
    if not ill:
        return None
    return "route" if whole and len(ill) > 1 else f"model {', '.join(ill)}"


def _limits(limits: RateLimits) -> dict[str, Any]:
    return {name: said for name, said in asdict(limits).items() if said is not None}
