"""What the far side tells of a request that it got: the simulator's ledger, or a sidecar's list of calls."""

import re
from typing import Any

from claude_sidecar.doctor.observed import Arrival, Exchange
from claude_sidecar.doctor.probes.api import Api
from claude_sidecar.schema.endpoint import is_private
from claude_sidecar.schema.snapshot import Route

BOUND_S = 3.0

_HINT = re.compile(rb"Credential headers received: ([a-z, -]+); sent on: ")


async def arrival(api: Api, route: Route, admin: Route | None, answer: Exchange) -> Arrival | None:
    """None where nobody tells. Asked without a credential, and of private hosts only.

    admin: the admin port of the sidecar that answered, where that is known.
    """
    request_id = answer.header(b"request-id")
    if admin is not None and request_id is not None:
        listed = await api.plain(admin, "/requests", BOUND_S)
        if (found := _in_requests(listed.document, request_id)) is not None:
            return found
    hint = _HINT.search(answer.header(b"x-claude-sidecar-hint") or b"")
    if hint is not None:
        names = frozenset(hint[1].decode().split(", "))
        return Arrival("the sidecar's hint", None, "none" if names == {"none"} else None)
    if request_id is None or not is_private(route.host):
        return None
    health = await api.plain(route, "/_simulator/health", BOUND_S)
    if not _is_simulator(health.document):
        return None
    ledger = await api.plain(route, "/_simulator/ledger", BOUND_S)
    return _in_ledger(ledger.document, request_id)


def _is_simulator(health: Any) -> bool:
    return isinstance(health, dict) and health.get("status") == "ok" and "seed" in health


def _in_ledger(ledger: Any, request_id: bytes) -> Arrival | None:
    calls = ledger.get("calls") if isinstance(ledger, dict) else None
    entry = _entry(calls, "request_id", request_id)
    names = entry.get("header_names") if entry is not None else None
    if not isinstance(names, list):
        return None
    return Arrival("the simulator's ledger", frozenset(str(name).lower() for name in names))


def _in_requests(calls: Any, request_id: bytes) -> Arrival | None:
    entry = _entry(calls, "requestId", request_id)
    alias = entry.get("key") if entry is not None else None
    return Arrival("the sidecar's /requests", None, alias) if isinstance(alias, str) else None


def _entry(calls: Any, name: str, request_id: bytes) -> dict[str, Any] | None:
    wanted = request_id.decode("latin-1")
    entries = calls if isinstance(calls, list) else ()
    return next((one for one in entries if isinstance(one, dict) and one.get(name) == wanted), None)
