"""Which models calls can reach, by which routes, and what each route is asked for: told, not decided by."""

from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from claude_sidecar.policy.request_facts import Asked, SdkHeaders, request_facts
from claude_sidecar.policy.routing import Candidate, plan
from claude_sidecar.providers.registry import unserved
from claude_sidecar.schema.snapshot import Route, Snapshot

ANY = "*"
"""Every model that nothing names: a route without `models` sends its name on as it is."""


class Source(StrEnum):
    """How it is known that a route leads to a model."""

    POLICY = "policy"
    """The policy lets calls for it go there, by name or since the route has no `models`."""

    MODELS_API = "models-api"
    """The route's last answer to `GET /v1/models` had it, too."""


class Way(msgspec.Struct, frozen=True):
    """A route that calls for a model may take.

    id: what the route is asked for; substitute: the other model that the policy names, whose `id` it is.
    """

    route: str
    id: str
    source: Source
    substitute: str | None = None


class ReachableModel(msgspec.Struct, frozen=True):
    """A model by the callers' name, or `*`; ways: in the order in which calls take them, at least one."""

    model: str
    ways: tuple[Way, ...]


def reachable_models(snapshot: Snapshot, listed: Mapping[str, Collection[str]]) -> tuple[ReachableModel, ...]:
    """Every model that the policy names or a list of models had, by name, then `*`.

    listed: by a route's name the models in its last answer to `GET /v1/models`. A list adds names where the
    route takes any; it makes none routable that the policy leaves out.
    """
    names = {name for route in snapshot.routes for name in _names_of(route, listed)}
    for swap in snapshot.fallback.substitutions:
        names.update((swap.model, *swap.substitutes))
    names.discard(ANY)
    rows = [_reached(snapshot, name, listed) for name in (*sorted(names), ANY)]
    return tuple(row for row in rows if row.ways)


def _names_of(route: Route, listed: Mapping[str, Collection[str]]) -> Collection[str]:
    return listed.get(route.name, ()) if route.models is None else route.models


def _reached(snapshot: Snapshot, name: str, listed: Mapping[str, Collection[str]]) -> ReachableModel:
    asked = Asked(name)
    facts = request_facts(snapshot, asked, SdkHeaders(), 0.0, unserved(snapshot, asked))
    ways = [_way(snapshot, candidate, listed) for candidate in plan(snapshot, facts)]
    return ReachableModel(name, tuple(ways))


def _way(snapshot: Snapshot, candidate: Candidate, listed: Mapping[str, Collection[str]]) -> Way:
    route, asked_for = snapshot.routes[candidate.route_index], candidate.model or ANY
    seen = route.models is None and asked_for in listed.get(route.name, ())
    return Way(route.name, asked_for, Source.MODELS_API if seen else Source.POLICY, candidate.substitute)
