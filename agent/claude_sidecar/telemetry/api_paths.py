"""The Claude API's paths as templates of low cardinality: what a span may be named after."""

_ROOTS = frozenset(
    {
        "agents",
        "complete",
        "deployments",
        "dreams",
        "environments",
        "files",
        "memory_stores",
        "messages",
        "models",
        "oauth",
        "organizations",
        "sessions",
        "skills",
        "tunnels",
        "user_profiles",
        "vaults",
    }
)
_WORDS = frozenset(
    {
        "api_keys",
        "archive",
        "batches",
        "cancel",
        "content",
        "count_tokens",
        "events",
        "heartbeat",
        "invites",
        "me",
        "members",
        "memories",
        "poll",
        "rate_limits",
        "results",
        "stream",
        "threads",
        "token",
        "usage_report",
        "users",
        "versions",
        "work",
        "workspaces",
    }
)
_DEEPEST = 8
_EXACT = frozenset({"/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/v1/files", "/v1/complete"})


def path_template(path: str) -> str | None:
    """`/v1/files/file_01/content` as `/v1/files/{id}/content`; None where the API knows no such path.

    path: without query. An id is one segment after a word; two unknown segments in a row are no API path.
    """
    if path in _EXACT:
        return path
    segments = path.split("/")
    if not 3 <= len(segments) <= _DEEPEST or segments[0] or segments[1] != "v1" or segments[2] not in _ROOTS:
        return None
    template = ["", "v1", segments[2]]
    for segment in segments[3:]:
        if segment in _WORDS:
            template.append(segment)
        elif not segment or template[-1] == "{id}":
            return None
        else:
            template.append("{id}")
    return "/".join(template)
