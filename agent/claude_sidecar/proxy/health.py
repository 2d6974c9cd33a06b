"""What calls share: breakers, retry budget, learnt limits, last errors. Survives a policy swap."""

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial

import msgspec

from claude_sidecar.causes import BREAKING, Cause
from claude_sidecar.policy.breaker import Breaker, BreakerState
from claude_sidecar.policy.budget import RetryBudget, Turn, pace_of
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.moment import HEALTHY, HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.rate_limits import RateLimits
from claude_sidecar.policy.request_facts import Circuit
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.providers.provider import Provider
from claude_sidecar.schema.snapshot import Route, Snapshot
from claude_sidecar.wire.headers import HeaderLines
from claude_sidecar.wire.model_name import safe_model_name

_BREAKERS_MOST = 1024
_MODELS_MOST = 200

_BreakerKey = tuple[str, str, str, str]
"""Route's name and origin, model, kind of call."""


class LearntLimits(msgspec.Struct, frozen=True):
    """Header lines of the newest response that named limits, read when somebody asks.

    provider: who wrote them; unix_s: when they came.
    """

    provider: Provider
    headers: HeaderLines
    unix_s: float

    def read(self) -> RateLimits:
        """What they say."""
        return self.provider.limits(self.headers, self.unix_s)


@dataclass(slots=True)
class RouteNotes:
    """What was seen of a route: last failure, learnt limits by model, models of its last list."""

    last_error: dict[str, object] | None = None
    limits: OrderedDict[str, LearntLimits] = field(default_factory=OrderedDict)
    models: tuple[str, ...] = ()


class Health:
    """State by route (its name and origin), model and kind of call; the clock is told."""

    def __init__(self) -> None:
        self.budget = RetryBudget()
        self._breakers: OrderedDict[_BreakerKey, Breaker] = OrderedDict()
        self._tripped: set[_BreakerKey] = set()
        self._notes: dict[tuple[str, str], RouteNotes] = {}

    def view(self, state: CallState, missing: frozenset[int], now: float) -> HealthView:
        """What the decision may know; `missing`: candidates without their credential."""
        if state.attempts == 0 and not self._tripped and not missing:
            return HEALTHY
        snapshot = state.snapshot
        circuit = state.facts.circuit if self._tripped else None
        open_ = frozenset(
            index
            for index, candidate in enumerate(state.candidates)
            if circuit is not None and not self._admits(_key(snapshot, candidate, circuit), now)
        )
        turn = partial(self.budget.foresee, now=now, pace=pace_of(snapshot))
        return HealthView(open_, missing, turn)

    def reserve(self, state: CallState, candidate: int | None, wanted_s: float, now: float) -> Turn:
        """The turn that was foreseen at the same `now`; candidate: whom it is for, None for a new round."""
        snapshot = state.snapshot
        chosen = state.candidates if candidate is None else (state.candidates[candidate],)
        routes = frozenset(_id(snapshot.routes[each.route_index]) for each in chosen)
        return self.budget.reserve(wanted_s, now, pace_of(snapshot), routes)

    def sent(self, snapshot: Snapshot, candidate: Candidate, circuit: Circuit | None, now: float) -> None:
        """An attempt begins; past an open breaker it is the probe."""
        if not self._tripped or circuit is None:
            return
        if (key := _key(snapshot, candidate, circuit)) in self._tripped:
            self._breakers[key].sent(now)

    def ended(
        self,
        snapshot: Snapshot,
        candidate: Candidate,
        circuit: Circuit | None,
        outcome: Outcome | None,
        now: float,
    ) -> None:
        """An attempt ended; outcome None: the caller went away, which tells nothing."""
        if outcome is not None and outcome.cause is None:
            self.budget.succeeded(_id(snapshot.routes[candidate.route_index]), now)
        if circuit is None:
            return
        key = _key(snapshot, candidate, circuit)
        breaker = self._breaker(key, snapshot)
        if outcome is None or outcome.reused_connection_died:
            breaker.cancelled(now)
        elif outcome.cause in BREAKING:
            breaker.failed(now)
        elif outcome.cause is None:
            breaker.succeeded(now)
        else:
            breaker.responded(now)
        if breaker.state is BreakerState.CLOSED:
            self._tripped.discard(key)
        else:
            self._tripped.add(key)

    def breaker_state(self, route: Route, now: float) -> BreakerState:
        """The worst state of a route's breakers."""
        states = {
            breaker.reported_state(now)
            for (name, origin, _, _), breaker in self._breakers.items()
            if (name, origin) == _id(route)
        }
        for state in (BreakerState.OPEN, BreakerState.PROBING):
            if state in states:
                return state
        return BreakerState.CLOSED

    def breakers_of(self, route: Route, now: float) -> dict[str, dict[str, dict[str, object]]]:
        """State and recent counts by model and kind of call, for the admin port."""
        found: dict[str, dict[str, dict[str, object]]] = {}
        for (name, origin, model, circuit), breaker in self._breakers.items():
            if (name, origin) == _id(route):
                sends, failures = breaker.recent(now)
                found.setdefault(model or "_none", {})[circuit] = {
                    "state": breaker.reported_state(now).value,
                    "recentSends": sends,
                    "recentFailures": failures,
                    "failingForSeconds": breaker.failing_for_s(now),
                }
        return found

    def one_model_only(
        self, snapshot: Snapshot, candidate: Candidate, circuit: Circuit | None, now: float
    ) -> bool | None:
        """Whether a route's recent failures are this model's alone; None where only one model was seen."""
        if circuit is None:
            return None
        name, origin, model, _ = _key(snapshot, candidate, circuit)
        others = [
            breaker.recent(now)
            for key, breaker in self._breakers.items()
            if key[:2] == (name, origin) and key[2] != model and key[3] == circuit
        ]
        sends = sum(counts[0] for counts in others)
        return None if sends == 0 else not any(counts[1] for counts in others)

    def failing_for_s(
        self, snapshot: Snapshot, candidate: Candidate, circuit: Circuit | None, now: float
    ) -> float | None:
        """For how long a route's calls for this model have all failed, in seconds; None where not known."""
        breaker = self._breakers.get(_key(snapshot, candidate, circuit)) if circuit is not None else None
        return None if breaker is None else breaker.failing_for_s(now)

    def notes(self, route: Route) -> RouteNotes:
        """What was seen of a route."""
        found = self._notes.get(_id(route))
        if found is None:
            found = self._notes[_id(route)] = RouteNotes()
        return found

    def learn_limits(self, route: Route, model: str | None, limits: LearntLimits) -> None:
        """Keep the newest limits of a route and model, of so many models."""
        seen = self.notes(route).limits
        name = safe_model_name(model) or ""
        seen[name] = limits
        seen.move_to_end(name)
        if len(seen) > _MODELS_MOST:
            seen.popitem(last=False)

    def learn_error(
        self, route: Route, cause: Cause, status: int | None, error_type: str | None, at: float
    ) -> None:
        """Keep a route's last failure; at: unix seconds."""
        self.notes(route).last_error = {
            "cause": cause.value,
            "status": status,
            "errorType": error_type,
            "unixSeconds": round(at, 3),
        }

    def _admits(self, key: _BreakerKey, now: float) -> bool:
        return key not in self._tripped or self._breakers[key].admits(now)

    def _breaker(self, key: _BreakerKey, snapshot: Snapshot) -> Breaker:
        breaker, limits = self._breakers.get(key), snapshot.circuit_breaker
        if breaker is None:
            breaker = self._breakers[key] = Breaker(limits)
            if len(self._breakers) > _BREAKERS_MOST:
                self._forget_one()
        elif breaker.limits.window_s != limits.window_s:
            breaker.resize(limits)
        else:
            breaker.limits = limits
        return breaker

    def _forget_one(self) -> None:
        """Callers choose model names, so the oldest closed breaker makes room."""
        oldest = next((key for key in self._breakers if key not in self._tripped), next(iter(self._breakers)))
        del self._breakers[oldest]
        self._tripped.discard(oldest)


def _id(route: Route) -> tuple[str, str]:
    return route.name, route.origin


def _key(snapshot: Snapshot, candidate: Candidate, circuit: Circuit) -> _BreakerKey:
    route = snapshot.routes[candidate.route_index]
    return route.name, route.origin, safe_model_name(candidate.model) or "", circuit.value
