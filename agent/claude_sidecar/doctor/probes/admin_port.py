"""A running sidecar's admin port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claude_sidecar.config.parse import parse_data
from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.doctor.probes.api import Api
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Route, Snapshot

BOUND_S = 3.0

_STATUS_FIELDS = {"policy", "hash", "version", "credentialsMissing"}


@dataclass(frozen=True, slots=True)
class AdminFacts:
    """What a sidecar tells of itself.

    answer: to `/status`; status: None where it is no sidecar; routes, snapshot: for loopback callers only,
    so empty or None elsewhere.
    """

    answer: Exchange
    status: Mapping[str, Any] | None = None
    routes: Sequence[Mapping[str, Any]] = field(default=())
    snapshot: Snapshot | None = None


async def admin_facts(api: Api, admin: Route) -> AdminFacts:
    """Ask it."""
    answer = await api.plain(admin, "/status", BOUND_S)
    status = answer.document
    if not isinstance(status, dict) or not status.keys() >= _STATUS_FIELDS:
        return AdminFacts(answer)
    routes = (await api.plain(admin, "/routes", BOUND_S)).document
    listed = [route for route in routes if isinstance(route, dict)] if isinstance(routes, list) else []
    policy = (await api.plain(admin, "/policy", BOUND_S)).document
    return AdminFacts(answer, status, listed, _snapshot(policy))


def _snapshot(policy: Any) -> Snapshot | None:
    """None where it is of a version that we do not read."""
    try:
        return compile_policy(parse_data(policy, "/policy")) if isinstance(policy, dict) else None
    except PolicyInvalid:
        return None
