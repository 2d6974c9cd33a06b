"""An API server in this process: keeps objects as a real one does, and fails when a test says so.

It answers what the operator asks through `Requests`. What it does not model is an AssertionError, not a
guess; tests/operator/cluster/test_scripted_api.py puts the same requests to it and to a real API server.
"""

import asyncio
import itertools
import math
from collections.abc import Callable
from typing import Any

import msgspec
from support.operator.scripted.change import changed, check, is_selected, merged, without_server_fields
from support.operator.scripted.faults import Fault, Script
from support.operator.scripted.request import Place, Request, parsed

from claude_operator.cluster.api import APPLY_PATCH, JSON, ApiError, Requests
from claude_operator.wall_clock import wall_now
from claude_sidecar import clock

Object = dict[str, Any]
Watcher = Callable[[str, str, Object], None]
"""(ADDED, MODIFIED or DELETED; plural; the object), called as soon as it happened."""

ALWAYS = math.inf
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_MADE_BY_PUT = ("events", "leases")
_WITH_GENERATION = ("claudepolicies", "mutatingwebhookconfigurations")


class ScriptedApi(Requests):
    """Objects by place. watchers: told of every change. longest_page: of a list, whatever its limit."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.watchers: list[Watcher] = []
        self.longest_page = 500
        self._objects: dict[Place, Object] = {}
        self._versions = itertools.count(1)
        self._script = Script()
        self._rest_of_lists: dict[str, list[Object]] = {}

    # -- what a test does and sees

    def on(self, what: str, fault: Fault, times: float = 1) -> None:
        """Have the next requests of a kind (`PATCH claudepolicies/status`, `* leases`) go wrong."""
        self._script.add(what, fault, times)

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        self._script.clear()

    def asked(self, *methods: str) -> list[str]:
        """What was asked, whatever came of it; without methods: all that would change something."""
        return [each.what for each in self.requests if each.method in (methods or _WRITES)]

    def at(self, path: str) -> Any:
        """The object at a path; None where there is none."""
        return _wired(self._objects.get(parsed(path)[0]))

    def objects(self, plural: str) -> list[Object]:
        """All objects of a kind."""
        return [_wired(body) for place, body in sorted(self._objects.items()) if place.plural == plural]

    def edit(self, path: str, patch: Object, manager: str = "somebody") -> Object:
        """Somebody else merges this into an object, or makes it."""
        place, _ = parsed(path)
        there = self._objects.get(place) or place.named({"metadata": {}})
        return dict(_wired(self._keep(place, merged(there, _wired(patch)), manager)))

    def remove(self, path: str) -> None:
        """Somebody else deletes an object."""
        self._drop(parsed(path)[0])

    # -- what a client sees

    async def get(self, path: str, **query: str) -> Any:
        return await self.send("GET", path, None, **query)

    async def send(
        self,
        method: str,
        path: str,
        body: object,
        content_type: str = JSON,
        *,
        accept: str = JSON,
        **query: str,
    ) -> Any:
        request = Request(method, path, _wired(body), content_type, accept, query, clock.now())
        self.requests.append(request)
        fault = self._script.take(request.what)
        await asyncio.sleep(0)  # a request travels, and others get their turn
        try:
            answer = _wired(await fault(lambda: self._carry_out(request)))
        except ApiError as error:
            request.status = error.status
            raise
        request.status = 200
        await asyncio.sleep(0)  # so does its answer
        return answer

    def _carry_out(self, request: Request) -> Any:
        place, subresource = parsed(request.path)
        if not place.name:
            return self._list(place, request) if request.method == "GET" else self._create(place, request)
        there = self._objects.get(place)
        if there is None:
            raise ApiError(
                _status_where_nothing_is(place, request), f'{place.plural} "{place.name}" not found'
            )
        if request.method == "GET":
            return there
        if request.method == "DELETE":
            check(there, (request.body or {}).get("preconditions", {}))
            return self._drop(place)
        return self._keep(place, changed(there, request, subresource), request.manager)

    def _create(self, collection: Place, request: Request) -> Object:
        assert request.method == "POST"
        meta = request.body["metadata"]
        assert not {"uid", "resourceVersion"} & meta.keys(), "these are the server's to give"
        place = collection._replace(name=meta["name"])
        if place in self._objects:
            raise ApiError(409, f'{place.plural} "{place.name}" already exists')
        without_status = {key: value for key, value in request.body.items() if key != "status"}
        return self._keep(place, place.named(without_status), request.manager)

    def _list(self, asked: Place, request: Request) -> Object:
        token = request.query.get("continue")
        found = self._rest_of_lists.pop(token) if token else self._selected(asked, request.query)
        length = min(int(request.query.get("limit", self.longest_page)), self.longest_page)
        items, rest, meta = found[:length], found[length:], {"resourceVersion": self._next_version()}
        if rest:
            meta["continue"] = f"rest-{meta['resourceVersion']}"
            self._rest_of_lists[meta["continue"]] = rest
        if "as=PartialObjectMetadataList" in request.accept:
            items = [{"metadata": each["metadata"]} for each in items]
        return {"metadata": meta, "items": items}

    def _selected(self, asked: Place, query: dict[str, str]) -> list[Object]:
        wanted = (asked.root, asked.plural, asked.namespace)
        return [
            body
            for place, body in sorted(self._objects.items(), key=lambda item: item[0])
            if (place.root, place.plural, asked.namespace and place.namespace) == wanted
            and is_selected(body, query)
        ]

    def _keep(self, place: Place, body: Object, manager: str) -> Object:
        before = self._objects.get(place)
        if body == before:  # a real one writes nothing either
            return body
        now = wall_now().strftime("%Y-%m-%dT%H:%M:%SZ")
        version = self._next_version()
        meta = {"uid": f"uid-{version}", "creationTimestamp": now, **body["metadata"]}
        others = [each for each in meta.get("managedFields", ()) if each["manager"] != manager]
        written = {"manager": manager, "operation": "Update", "time": now}
        meta |= {"resourceVersion": version, "managedFields": [*others, written]}
        if place.plural in _WITH_GENERATION:
            is_other = without_server_fields(body) != without_server_fields(before or {})
            meta["generation"] = meta.get("generation", 0) + is_other
        self._objects[place] = {**body, "metadata": meta}
        self._tell("MODIFIED" if before else "ADDED", place, self._objects[place])
        return self._objects[place]

    def _drop(self, place: Place) -> Object:
        gone = self._objects.pop(place)
        meta = {**gone["metadata"], "resourceVersion": self._next_version()}
        self._tell("DELETED", place, {**gone, "metadata": meta})
        return {"kind": "Status", "status": "Success"}

    def _next_version(self) -> str:
        return str(next(self._versions))

    def _tell(self, kind: str, place: Place, body: Object) -> None:
        for watcher in self.watchers:
            watcher(kind, place.plural, _wired(body))


def _status_where_nothing_is(place: Place, request: Request) -> int:
    if request.method == "PUT" and place.plural in _MADE_BY_PUT:
        return 409  # it would be made, but for the version that it names
    # An apply makes it as well, but what the operator applies is no whole object.
    return 422 if request.content_type == APPLY_PATCH else 404


def _wired(value: Any) -> Any:
    """A value as it is after a way over the wire: nobody shares it with anybody."""
    return msgspec.json.decode(msgspec.json.encode(value))
