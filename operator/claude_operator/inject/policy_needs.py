"""What a policy's spec needs from the pods that run it."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from claude_operator import names

Spec: TypeAlias = Mapping[str, Any]
"""A policy's spec, as the API server gives it."""


def secret_names(spec: Spec | None) -> list[str]:
    """The Secrets to mount, sorted: the default one always, so that a later policy finds it."""
    found = {names.DEFAULT_SECRET}
    for route in _routes(spec):
        reference = (route.get("credential") or {}).get("secretKeyRef")
        if isinstance(reference, Mapping):
            found.add(str(reference.get("name") or names.DEFAULT_SECRET))
    return sorted(found)


def needs_no_caller_key(spec: Spec | None) -> bool:
    """Whether every route has its own credential; False for a policy that is not known."""
    routes = list(_routes(spec))
    return bool(routes) and all(route.get("credential") for route in routes)


def spool_mi_b(spec: Spec | None) -> int:
    """How much the policy may spool to /tmp, in MiB; 0 where it does not say."""
    value = ((spec or {}).get("limits") or {}).get("spoolMiB")
    return value if isinstance(value, int) else 0


def _routes(spec: Spec | None) -> Iterator[Mapping[str, Any]]:
    for route in (spec or {}).get("routes") or ():
        if isinstance(route, Mapping):
            yield route
