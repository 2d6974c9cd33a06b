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

    A route whose provider cannot do what is asked serves nothing. A pinned call has the first route that can
    do it, and that alone. A call that names no model may go anywhere. A snapshot without a route, which only
    the built-in one may be, serves nothing.
    """
    if facts.pinned:
        return _pinned(snapshot, facts)
    own = _serving(snapshot, facts, facts.model, None)
    swaps = [each for each in snapshot.fallback.substitutions if each.model == facts.model]
    names = [name for swap in swaps for name in swap.substitutes]
    return own + tuple(c for name in names for c in _serving(snapshot, facts, name, name))


def _pinned(snapshot: Snapshot, facts: RequestFacts) -> tuple[Candidate, ...]:
    """Always the same route for what lives in one account, whether or not it lists the model."""
    for index, route in enumerate(snapshot.routes):
        if index not in facts.unserved:
            model = facts.model
            if model is not None and route.models is not None:
                model = route.models.get(model, model)
            return (Candidate(index, route.name, model),)
    return ()


def _serving(
    snapshot: Snapshot, facts: RequestFacts, model: str | None, substitute: str | None
) -> tuple[Candidate, ...]:
    found = []
    for index, route in enumerate(snapshot.routes):
        if index in facts.unserved:
            continue
        if model is None or route.models is None:
            found.append(Candidate(index, route.name, model, substitute))
        elif model in route.models:
            found.append(Candidate(index, route.name, route.models[model], substitute))
    return tuple(found)
