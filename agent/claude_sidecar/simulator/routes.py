"""Which endpoint answers which path and method."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from claude_sidecar.simulator import batches, files, listings, messages
from claude_sidecar.simulator.answer import Answer
from claude_sidecar.simulator.call import Call
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.state import State

Endpoint = Callable[..., Awaitable[Answer]]
UPLOAD = "/v1/files"

_ROUTES: dict[str, dict[str, Endpoint]] = {
    "/v1/messages": {"POST": messages.create},
    "/v1/messages/count_tokens": {"POST": messages.count},
    "/v1/complete": {"POST": messages.complete},
    "/v1/messages/batches": {"POST": batches.create, "GET": batches.list_batches},
    "/v1/messages/batches/{id}": {"GET": batches.get_batch, "DELETE": batches.delete},
    "/v1/messages/batches/{id}/cancel": {"POST": batches.cancel},
    "/v1/messages/batches/{id}/results": {"GET": batches.results},
    "/v1/models": {"GET": listings.list_models},
    "/v1/models/{id}": {"GET": listings.get_model},
    "/v1/files": {"POST": files.upload, "GET": files.list_files},
    "/v1/files/{id}": {"GET": files.get_file, "DELETE": files.delete},
    "/v1/files/{id}/content": {"GET": files.content},
}
_PATTERNS = [
    (re.compile(re.escape(path).replace(re.escape("{id}"), "([^/]+)")), methods)
    for path, methods in _ROUTES.items()
]


def find(call: Call) -> Callable[[State], Awaitable[Answer]]:
    """The endpoint for a call, ready to be given the state; raises `ApiError` 404 or 405."""
    for pattern, methods in _PATTERNS:
        found = pattern.fullmatch(call.path)
        if found is None:
            continue
        endpoint = methods.get(call.method)
        if endpoint is None:
            raise ApiError(405, "Method Not Allowed", headers=(("allow", ", ".join(sorted(methods))),))
        names = [unquote(part) for part in found.groups()]
        return lambda state: endpoint(state, call, *names)
    raise ApiError(404, "Not found")
