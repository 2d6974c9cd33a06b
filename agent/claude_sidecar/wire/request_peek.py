"""The few facts of a request that routing needs: of its method and path (docs/policy.md, "Repeats" and
"Models"), and of its body, found without building the rest.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from claude_sidecar.wire.body_scanner import BodyScanner, Member, may_bind

_REPEATED_POSTS = frozenset({"/v1/messages", "/v1/complete", "/v1/messages/count_tokens"})
_ANY_ACCOUNT = ("/v1/models",)


class TargetFacts(msgspec.Struct, frozen=True):
    """repeatable: may be sent more than once; one_account: lives in one account by its path;
    operation: `chat`, `text_completion` or `count_tokens` for inference, else None."""

    path: str
    repeatable: bool
    one_account: bool
    operation: str | None
    is_post: bool


def read_target(method: str, target: str) -> TargetFacts:
    """Read a request's method and target; the query says nothing here.

    target: in origin-form, `/path?query`.
    """
    path = target.partition("?")[0]
    if method == "POST":
        operation = _OPERATIONS.get(path)
        repeatable = path in _REPEATED_POSTS
        return TargetFacts(path, repeatable, not repeatable, operation, is_post=True)
    any_account = path in _ANY_ACCOUNT or path.startswith("/v1/models/")
    return TargetFacts(path, method in ("GET", "HEAD"), not any_account, None, is_post=False)


_OPERATIONS = {
    "/v1/messages": "chat",
    "/v1/complete": "text_completion",
    "/v1/messages/count_tokens": "count_tokens",
}


_MODEL_LONGEST = 256


class BodyFacts(msgspec.Struct, frozen=True):
    """model, inference_geo: as the body names them; stream: whether it asks for one; account_bound: names a
    file, container or thread, which live in one account; max_tokens: None if not a number; names_max_tokens:
    whether there is such a field at all, None where the body could not be read."""

    model: str | None = None
    stream: bool = False
    inference_geo: str | None = None
    account_bound: bool = False
    max_tokens: int | None = None
    names_max_tokens: bool | None = None


NO_FACTS = BodyFacts()


class _Body(msgspec.Struct):
    model: Any = None
    stream: Any = None
    inference_geo: Any = None
    container: Any = None
    thread: Any = None
    max_tokens: Any = None


_decoder = msgspec.json.Decoder(_Body)


def peek(body: bytes) -> BodyFacts:
    """Read the facts of a whole JSON body; what is no JSON object has none (it is forwarded as it is).

    A body that can't bind a call by its blocks, as most can't, is read in one go: for small ones that takes a
    tenth of the scanner's time.
    """
    if may_bind(body, 0, len(body)):
        return scanned_facts(scan(body))
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return scanned_facts(scan(body))
    bound = found.container is not None or found.thread is not None
    return _facts(found.model, found.stream, found.inference_geo, found.max_tokens, account_bound=bound)


def scan(body: bytes) -> BodyScanner:
    """A body in memory, scanned: for its members' places."""
    scanner = BodyScanner()
    scanner.feed(body)
    return scanner


def scanned_facts(scanner: BodyScanner, *, begun: bool = False) -> BodyFacts:
    """What a scanner has found in a whole body, or in the beginning of one (`begun`)."""
    if not (scanner.ended or begun):
        return NO_FACTS
    last = {member.name: member.value for member in scanner.members}
    bound = scanner.binds or last.get("container") is not None or last.get("thread") is not None
    return _facts(
        last.get("model"),
        last.get("stream"),
        last.get("inference_geo"),
        last.get("max_tokens"),
        account_bound=bound,
    )


def places_of(members: Sequence[Member], name: str) -> list[Member]:
    """All members of a name: parsers differ in which one they go by, so a change is made to each."""
    return [member for member in members if member.name == name]


def _facts(model: Any, stream: Any, geo: Any, tokens: Any, *, account_bound: bool) -> BodyFacts:
    name = _name(model)
    return BodyFacts(
        name,
        stream is True and (name is not None or model is None),
        _name(geo),
        account_bound,
        tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None,
        tokens is not None,
    )


def _name(value: Any) -> str | None:
    """A text over 256 characters counts as none, and its body as no stream: it could only be refused."""
    return value if isinstance(value, str) and len(value) <= _MODEL_LONGEST else None
