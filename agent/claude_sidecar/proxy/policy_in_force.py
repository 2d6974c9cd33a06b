"""The policy that new calls go by: swapped whole, the last good one kept when a new one is no good."""

import logging

from claude_sidecar.config.load import Loaded
from claude_sidecar.config.problem import PolicyInvalid
from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.schema.snapshot import CredentialRef, Route, Snapshot
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)


class PolicyInForce:
    """Holds the policy; told of new ones and of bad ones by the watcher."""

    def __init__(self, loaded: Loaded, credentials: CredentialStore, telemetry: Telemetry) -> None:
        self.loaded = loaded
        self.last_error: str | None = None
        self.restart_required = False
        self._credentials = credentials
        self._telemetry = telemetry
        self._waiting: Loaded | None = None
        credentials.follow(_refs(loaded.snapshot))
        self._announce(loaded)

    def snapshot(self) -> Snapshot:
        """Snapshot for a request that starts now."""
        return self.loaded.snapshot

    def on_policy(self, loaded: Loaded) -> None:
        """Put a new policy in force, unless a model it serves would be left without a credential here."""
        self._credentials.follow(_refs(loaded.snapshot) | _refs(self.snapshot()))
        lacking = self._left_without_credential(loaded.snapshot)
        self._waiting = loaded if lacking else None
        self.restart_required = bool(lacking)
        if lacking:
            self.last_error = (
                f"policy {loaded.snapshot.name} is not in force: no credential here for route "
                f"{', '.join(lacking)}; restart this pod: a Secret is mounted at its start"
            )
            self._telemetry.policy_refused(self.last_error)
            return
        self.last_error = None
        before, self.loaded = self.loaded.snapshot, loaded
        if _identity(loaded.snapshot) != _identity(before):
            self._announce(loaded)

    def look(self) -> None:
        """Once in a while: take up a policy whose credential has come by now, tell of odd credentials."""
        waiting = self._waiting
        if waiting is not None and not self._left_without_credential(waiting.snapshot):
            self.on_policy(waiting)
        for warning in self._credentials.take_warnings():
            event(logger, logging.WARNING, "credential", warning=warning)

    def _announce(self, loaded: Loaded) -> None:
        self._telemetry.policy_in_force(loaded.snapshot)
        if loaded.unknown_fields:
            fields = list(loaded.unknown_fields)
            event(
                logger, logging.WARNING, "fields of the policy that this version does not know", fields=fields
            )

    def on_error(self, invalid: PolicyInvalid) -> None:
        """A new policy was no good; the old one stays."""
        self._waiting = None
        self.restart_required = False
        self.last_error = str(invalid)
        self._telemetry.policy_refused(self.last_error)

    def credentials_missing(self) -> list[str]:
        """Routes that lack their own credential: of the policy in force, and of one that waits for it."""
        waiting = self._waiting
        routes = (*self.snapshot().routes, *(waiting.snapshot.routes if waiting is not None else ()))
        return list(dict.fromkeys(route.name for route in routes if self.lacks_credential(route)))

    def lacks_credential(self, route: Route) -> bool:
        """Whether a route's own credential is not here."""
        return route.credential is not None and self._credentials.secret(route.credential) is None

    def _left_without_credential(self, snapshot: Snapshot) -> list[str]:
        lacking = [route for route in snapshot.routes if self.lacks_credential(route)]
        able = [route for route in snapshot.routes if route not in lacking]
        return [route.name for route in lacking if not _covered(route, able)]


def _refs(snapshot: Snapshot) -> frozenset[CredentialRef]:
    return frozenset(route.credential for route in snapshot.routes if route.credential is not None)


def _identity(snapshot: Snapshot) -> tuple[str, str, int, str]:
    return snapshot.name, snapshot.namespace, snapshot.generation, snapshot.hash


def _covered(route: Route, able: list[Route]) -> bool:
    """Whether other routes serve all that this one serves."""
    if any(other.models is None for other in able):
        return True
    if route.models is None:
        return False
    return all(any(name in (other.models or ()) for other in able) for name in route.models)
