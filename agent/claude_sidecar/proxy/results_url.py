"""`results_url` of batch objects: given the caller's own origin, else SDKs pass us by with their key.

Source: docs/claude-api-notes.md, "Endpoints and bounds".
"""

import re

from claude_sidecar.proxy.attempt import Reply
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.headers import first

HELD_BATCH_BYTES = 8 << 20
"""A page of a thousand batch objects has about one MiB."""

_BATCHES = re.compile(r"/v1/messages/batches(?:/[^/]+(?:/cancel)?)?")


def names_results_url(path: str) -> bool:
    """Whether answers on this path are batch objects or lists of them (results themselves are not)."""
    return _BATCHES.fullmatch(path) is not None


def with_callers_origin(reply: Reply, route: Route, host: bytes | None) -> None:
    """Replace the route's origin in each `results_url` by `http://HOST`, HOST being what the caller used.

    The endpoint's own path goes too, where it follows: the sidecar puts it before every path.

    A content-coded body is decoded for that and goes on without its coding; one that can't be decoded,
    or is longer than what is held, stays as it is.
    """
    if reply.rest is not None or host is None:
        return
    plain = decoded(b"".join(reply.prefix), first(reply.headers, b"content-encoding"), HELD_BATCH_BYTES)
    if plain is None:
        return
    origin, base = (_escapable(part) for part in (route.origin, route.base_path))
    pattern = rb'("results_url"\s*:\s*")' + origin + rb"(?:" + base + rb")?(?=\\?/)"
    changed, count = re.subn(pattern, lambda match: match.group(1) + b"http://" + host, plain)
    if not count:
        return
    reply.prefix = [changed]
    reply.headers = [
        (name, b"%d" % len(changed) if name.lower() == b"content-length" else value)
        for name, value in reply.headers
        if name.lower() != b"content-encoding"
    ]


def _escapable(text: str) -> bytes:
    """A pattern for text in JSON, where a slash may be escaped."""
    return re.escape(text.encode("ascii")).replace(b"/", rb"\\?/")
