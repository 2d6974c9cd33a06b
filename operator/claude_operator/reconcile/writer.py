"""Writes ConfigMaps and statuses, each only if the object is still what it was when it was decided."""

from claude_operator import names
from claude_operator.cluster import paths
from claude_operator.cluster.api import JSON, MERGE_PATCH, ApiError, Requests
from claude_operator.desired import records
from claude_operator.desired.desired import (
    ChangedConfigMap,
    NewConfigMap,
    Status,
    SuperfluousConfigMap,
)
from claude_operator.desired.world import ConfigMap, Object
from claude_operator.reconcile.keys import PolicyKey
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.seen import Seen

_POLICIES, _CONFIG_MAPS = KINDS[0], KINDS[1]
_NOT_FOUND = 404


class Writer:
    """What it wrote is known at once, not only when a watch tells of it. All methods raise ApiError."""

    def __init__(self, api: Requests, seen: Seen, metrics: Metrics) -> None:
        self._api, self._seen, self._metrics = api, seen, metrics

    async def look(self, key: PolicyKey) -> ConfigMap | None:
        """The ConfigMap of a policy's name, watched or not."""
        name = names.configmap_name(key.policy)
        place = key.namespace, name
        try:
            body = await self._api.get(paths.config_map(key.namespace, name))
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            self._seen.store.config_maps.pop(place, None)
            return None
        found = records.config_map(body)
        if names.POLICY_UID not in found.labels:
            self._seen.store.config_maps[place] = found
        return found

    async def create(self, new: NewConfigMap) -> None:
        """Make a ConfigMap; a conflict where there is one."""
        body = await self._send("config_map", "POST", paths.config_maps(new.namespace), new.body)
        self._seen.put(_CONFIG_MAPS, body)

    async def change(self, change: ChangedConfigMap) -> None:
        """Put a ConfigMap of ours right."""
        meta = {**change.patch.get("metadata", {}), "resourceVersion": change.version}
        patch = {**change.patch, "metadata": meta}
        path = paths.config_map(change.namespace, change.name)
        self._seen.put(_CONFIG_MAPS, await self._send("config_map", "PATCH", path, patch, MERGE_PATCH))

    async def delete(self, gone: SuperfluousConfigMap) -> None:
        """Delete a ConfigMap; one that is gone already is no fault."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": gone.uid, "resourceVersion": gone.version},
        }
        try:
            await self._send("config_map", "DELETE", paths.config_map(gone.namespace, gone.name), options)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
        self._seen.drop(_CONFIG_MAPS, gone.uid)
        self._seen.store.config_maps.pop((gone.namespace, gone.name), None)

    async def status(self, status: Status) -> None:
        """Write a policy's status."""
        patch: Object = {
            "metadata": {"uid": status.uid, "resourceVersion": status.version},
            "status": {**status.status, **dict.fromkeys(status.gone)},
        }
        path = paths.policy_status(status.namespace, status.name)
        self._seen.put(_POLICIES, await self._send("status", "PATCH", path, patch, MERGE_PATCH))

    async def _send(
        self, what: str, method: str, path: str, body: Object, content_type: str = JSON
    ) -> Object:
        try:
            answer = await self._api.send(method, path, body, content_type, fieldManager=names.OPERATOR)
        except ApiError:
            self._metrics.writes.labels(what, "failed").inc()
            raise
        self._metrics.writes.labels(what, "done").inc()
        assert isinstance(answer, dict)
        return answer
