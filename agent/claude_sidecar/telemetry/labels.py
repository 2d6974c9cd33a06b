"""Label values that stay few, whatever callers and upstreams send."""

import re
from collections.abc import Iterable

from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.names import NONE, OTHER

MOST_MODELS = 64
MOST_KEYS = 32
MOST_FEATURES = 50
MOST_ROUTES = 32
MOST_ERROR_TYPES = 64

STOP_REASONS = frozenset(
    {
        "compaction",
        "end_turn",
        "max_tokens",
        "model_context_window_exceeded",
        "pause_turn",
        "refusal",
        "stop_sequence",
        "tool_use",
    }
)
"""https://platform.claude.com/docs/en/api/messages, `stop_reason`."""

_MODEL_SHAPE = re.compile(r"claude(?:-[a-z0-9]{1,16}){1,7}(?:@\d{8})?")
_ERROR_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}|[45][0-9]{2}")


class _BoundedValues:
    """The first so many values as they are, later ones `_other`; free ones don't count."""

    __slots__ = ("_free", "_most", "_seen", "get")

    def __init__(self, most: int, free: Iterable[str] = ()) -> None:
        self._most = most
        self._free = frozenset(free)
        self._seen: dict[str, str] = {value: value for value in self._free}
        self.get = self._seen.get

    def learn(self, value: str) -> str:
        known = self._seen.get(value)
        if known is None:
            if len(self._seen) - len(self._free) >= self._most:
                return OTHER
            self._seen[value] = known = value
        return known


class Labels:
    """Turns what a record says into label values.

    Models: those of the policy, and names that look like Claude's up to 64, which a response 404 does not
    teach. Keys: 32 aliases, besides `oauth`, `hidden` and `none`. Features: 50. Everything else: `_other`.
    """

    def __init__(self) -> None:
        self._models = _BoundedValues(MOST_MODELS, (NONE,))
        self._policy_models: dict[str, str] = {}
        self._names_by_id: dict[str, str] = {}
        self._keys = _BoundedValues(MOST_KEYS, (NONE, "oauth", "hidden"))
        self._features = _BoundedValues(MOST_FEATURES)
        self._routes = _BoundedValues(MOST_ROUTES, (NONE,))
        self._error_types = _BoundedValues(MOST_ERROR_TYPES, (NONE,))
        self._statuses: dict[int, str] = {status: str(status) for status in range(100, 600)}

    def policy_in_force(self, snapshot: Snapshot) -> None:
        """Take the names of a policy; those of earlier ones stay known as far as the bounds allow."""
        self._names_by_id = {}
        models: set[str] = set()
        for substitution in snapshot.fallback.substitutions:
            models.update((substitution.model, *substitution.substitutes))
        for route in snapshot.routes:
            self._routes.learn(route.name)
            for name, route_id in (route.models or {}).items():
                models.add(name)
                self._names_by_id[route_id] = name
        # The price of a route's own id names no model: callers know it by another name.
        models.update(p.model for p in snapshot.prices.prices if p.model not in self._names_by_id)
        self._policy_models = {model: model for model in models}

    def route(self, name: str) -> str:
        """A route of this policy or an earlier one, `none`, or `_other`."""
        return self._routes.get(name) or OTHER

    def model(self, name: str | None, *, learn: bool = True) -> str:
        """A model by its name or a route's id for it. learn: whether an unknown name may become known."""
        if name is None:
            return NONE
        known = self._policy_models.get(name) or self._models.get(name)
        if known is not None:
            return known
        by_id = self._names_by_id.get(name)
        if by_id is not None:
            return by_id
        if learn and len(name) <= 64 and _MODEL_SHAPE.fullmatch(name):
            return self._models.learn(name)
        return OTHER

    def key(self, alias: str) -> str:
        """An alias of a credential."""
        return self._keys.get(alias) or self._keys.learn(alias)

    def feature(self, value: str) -> str:
        """What the caller says which feature this is; "" stays ""."""
        if not value:
            return value
        known = self._features.get(value)
        if known is not None:
            return known
        return self._features.learn(value) if len(value) <= 64 and value.isprintable() else OTHER

    def error_type(self, value: str | None) -> str:
        """The provider's or our own error type, or a status that came without one; `none` without any."""
        if value is None:
            return NONE
        known = self._error_types.get(value)
        if known is not None:
            return known
        return self._error_types.learn(value) if _ERROR_SHAPE.fullmatch(value) else OTHER

    def stop_reason(self, value: str) -> str:
        """Why a model stopped, one of the API's reasons."""
        return value if value in STOP_REASONS else OTHER

    def status(self, value: int | None) -> str:
        """An HTTP status; `none` where no status line came."""
        if value is None:
            return NONE
        return self._statuses.get(value, OTHER)
