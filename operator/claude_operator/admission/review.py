"""AdmissionReview (admission.k8s.io/v1): bytes to a request, an answer to bytes."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from claude_operator.inject.json_value import Object

_API_VERSION = "admission.k8s.io/v1"
_KIND = "AdmissionReview"
# What API servers hand on: 256 characters a warning, 4096 in all.
_LONGEST_WARNING = 250
MOST_WARNINGS = 15
_LONGEST_UID = 128


class NotAReview(ValueError):
    """There is nothing here that could be answered."""


@dataclass(frozen=True, slots=True)
class Review:
    """What is asked. group, kind: of the object, the core's group being empty; object: None on DELETE."""

    uid: str
    group: str
    kind: str
    subresource: str
    namespace: str
    operation: str
    object: Any


def read_review(content: bytes) -> Review:
    """Read a request's body; raises NotAReview."""
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAReview("the body is not JSON") from None
    if not isinstance(said, dict) or said.get("kind") != _KIND:
        raise NotAReview(f"the body is not an {_KIND}")
    if said.get("apiVersion") != _API_VERSION:
        raise NotAReview(f"only {_API_VERSION} is answered here")
    request = said.get("request")
    uid = request.get("uid") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(uid, str) or not 0 < len(uid) <= _LONGEST_UID:
        raise NotAReview("the review has no request with a uid")
    kind = request.get("kind")
    kind = kind if isinstance(kind, dict) else {}
    return Review(
        uid=uid,
        group=_text(kind.get("group")),
        kind=_text(kind.get("kind")),
        subresource=_text(request.get("subResource")),
        namespace=_text(request.get("namespace")),
        operation=_text(request.get("operation")),
        object=request.get("object"),
    )


def write_answer(uid: str, operations: list[Object], warnings: Iterable[str]) -> bytes:
    """The answer that admits the object; operations: a JSON patch, empty for none."""
    response: Object = {"uid": uid, "allowed": True}
    if operations:
        encoded = base64.b64encode(msgspec.json.encode(operations)).decode()
        response |= {"patchType": "JSONPatch", "patch": encoded}
    told = [one_line(f"claude-sidecar: {warning}") for warning in warnings][:MOST_WARNINGS]
    if told:
        response["warnings"] = told
    return msgspec.json.encode({"apiVersion": _API_VERSION, "kind": _KIND, "response": response})


def one_line(text: str) -> str:
    """A warning short enough, and fit, to be handed on in a header."""
    return "".join(each if each.isprintable() else " " for each in text)[:_LONGEST_WARNING]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
