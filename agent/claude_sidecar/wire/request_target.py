"""What kind of call a method and a path make (docs/policy.md, "Repeats" and "Models")."""

import msgspec

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
