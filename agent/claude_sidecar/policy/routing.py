"""Which routes may carry a call, in order of preference."""

import msgspec

from claude_sidecar.policy.request_facts import RequestFacts
from claude_sidecar.schema.snapshot import Snapshot


class Candidate(msgspec.Struct, frozen=True):
    """One way to send: a route and the id it is asked for; substitute: the other model the policy names."""

    route_index: int
    route: str
    model: str | None
    substitute: str | None = None


def plan(snapshot: Snapshot, facts: RequestFacts) -> tuple[Candidate, ...]:
    """The routes that serve the call's model in order, then the substitutes the policy names for it.

    A pinned call has the first route alone. A call that names no model may go anywhere. A snapshot without a
    route, which only the built-in one may be, serves nothing.
    """
    if facts.pinned and snapshot.routes:
        first = snapshot.routes[0]
        model = facts.model
        if model is not None and first.models is not None:
            model = first.models.get(model, model)
        return (Candidate(0, first.name, model),)
    own = _serving(snapshot, facts.model, None)
    substitutes = snapshot.fallback.substitutes_for(facts.model) if facts.model is not None else ()
    return own + tuple(c for name in substitutes for c in _serving(snapshot, name, name))


def _serving(snapshot: Snapshot, model: str | None, substitute: str | None) -> tuple[Candidate, ...]:
    found = []
    for index, route in enumerate(snapshot.routes):
        if model is None or route.models is None:
            found.append(Candidate(index, route.name, model, substitute))
        elif model in route.models:
            found.append(Candidate(index, route.name, route.models[model], substitute))
    return tuple(found)
