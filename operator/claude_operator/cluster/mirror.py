"""A copy of objects that follows the API server."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from claude_operator.cluster.api import Api, ApiError
from claude_sidecar import clock
from claude_sidecar.policy.backoff import backoff_s
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
_PAGE = "500"
_GONE = 410

Kept = TypeVar("Kept")


class Mirror(Generic[Kept]):
    """Objects of one kind by (namespace, name); what was known stays known while the server is away.

    path: of the list; query: selectors. keep: what of an object is held, so that a large one needs no more
    memory than what is asked of it. changed: called after each change.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        keep: Callable[[Mapping[str, Any]], Kept],
        *,
        query: Mapping[str, str] | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._api, self._path, self._keep = api, path, keep
        self._query, self._changed = dict(query or {}), changed
        self.objects: dict[tuple[str, str], Kept] = {}
        self.synced = False
        """Whether the list was read at least once."""
        self.tried = False
        """Whether it was read, or could not be."""

    async def run(self) -> None:
        """Follow until cancelled."""
        failures = 0
        while True:
            began = clock.now()
            try:
                version = await self._list()
                failures = 0
                while True:
                    began = clock.now()
                    version = await self._watch(version)
                    await _not_at_once(began)
            except ApiError as error:
                self.tried = True
                if error.status == _GONE:
                    await _not_at_once(began)
                    continue
                event(logger, logging.WARNING, "watch broken", path=self._path, error=str(error))
                failures += 1
                wait = backoff_s(_FIRST_WAIT_S, _LONGEST_WAIT_S, failures, clock.chance())
                await clock.sleep(_FIRST_WAIT_S + wait)

    async def _list(self) -> str:
        found: dict[tuple[str, str], Kept] = {}
        more: dict[str, str] = {}
        while True:
            page = await self._api.get(self._path, limit=_PAGE, **self._query, **more)
            for item in page.get("items") or ():
                found[_key(item)] = self._keep(item)
            if not page["metadata"].get("continue"):
                break
            more = {"continue": page["metadata"]["continue"]}
        self.objects = found
        self.synced = self.tried = True
        self._changed()
        return str(page["metadata"]["resourceVersion"])

    async def _watch(self, version: str) -> str:
        """Follow one watch to its end; returns the version to go on from."""
        async for change in self._api.watch(self._path, resourceVersion=version, **self._query):
            item = change["object"]
            version = str(item["metadata"]["resourceVersion"])
            if change["type"] == "BOOKMARK":
                continue
            if change["type"] == "DELETED":
                self.objects.pop(_key(item), None)
            else:
                self.objects[_key(item)] = self._keep(item)
            self._changed()
        return version


async def _not_at_once(began: float) -> None:
    """Wait out what is left of the first wait: a server may end each watch as soon as it has begun."""
    await clock.sleep(max(0.0, began + _FIRST_WAIT_S - clock.now()))


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
