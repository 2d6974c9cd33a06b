"""What a write makes of an object on the scripted API server, and which objects a selector means."""

from collections.abc import Mapping
from typing import Any

from support.operator.scripted.request import Request

from claude_operator.cluster.api import APPLY_PATCH, MERGE_PATCH, ApiError

Object = dict[str, Any]


def changed(there: Object, request: Request, subresource: str) -> Object:
    """The object after a PUT or PATCH; raises ApiError where it is not the one that was meant."""
    body = _asked(there, request)
    # A PATCH has no preconditions: it may name a version, and must not change the UID.
    check(there, body["metadata"], other_uid=422 if request.method == "PATCH" else 409)
    return _with_status_of(body, there) if subresource == "status" else _with_status_of(there, body)


def check(there: Object, wanted: Mapping[str, str], other_uid: int = 409) -> None:
    """Raise ApiError unless the object has the version and UID that a request names, if it names any."""
    meta = there["metadata"]
    for field, status in (("resourceVersion", 409), ("uid", other_uid)):
        if wanted.get(field, meta[field]) != meta[field]:
            raise ApiError(status, f"{field} is {meta[field]}, not {wanted[field]}")


def merged(there: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(there) if isinstance(there, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def is_selected(body: Object, query: Mapping[str, str]) -> bool:
    """Whether labels (`KEY` or `KEY=VALUE`) and fields (`PATH=VALUE`) are as a list's query wants them."""
    labels = body["metadata"].get("labels") or {}
    for part in filter(None, query.get("labelSelector", "").split(",")):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    for part in filter(None, query.get("fieldSelector", "").split(",")):
        path, _, value = part.partition("=")
        found: Any = body
        for key in path.split("."):
            found = found.get(key, {})
        if found != value:
            return False
    return True


def without_server_fields(body: Object) -> Object:
    """What generations count: all but metadata and status."""
    return {key: value for key, value in body.items() if key not in ("metadata", "status")}


def _asked(there: Object, request: Request) -> Object:
    if request.method == "PUT":
        assert "resourceVersion" in request.body["metadata"], "not every kind may be replaced blindly"
        return dict(request.body)
    assert request.method == "PATCH"
    if request.content_type == APPLY_PATCH:
        assert request.query.get("force") == "true", "who owns which field is not modelled"
        return _applied(there, request.body)
    assert request.content_type == MERGE_PATCH
    return dict(merged(there, request.body))


def _applied(there: Object, body: Object) -> Object:
    """Server-side apply to a configuration, whose webhooks are told apart by name."""
    assert body.keys() == {"apiVersion", "kind", "metadata", "webhooks"}
    named = {each["name"]: each for each in body["webhooks"]}
    assert named.keys() <= {each["name"] for each in there["webhooks"]}, "half a webhook cannot be made"
    return {**there, "webhooks": [merged(each, named.get(each["name"], {})) for each in there["webhooks"]]}


def _with_status_of(other: Object, body: Object) -> Object:
    found = {key: value for key, value in body.items() if key != "status"}
    return {**found, "status": other["status"]} if "status" in other else found
