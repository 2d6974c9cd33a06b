"""`results_url` of batch objects: given the caller's own origin, else SDKs pass us by with their key."""

import re

import msgspec

from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.headers import HeaderLines, first

_HELD_BATCH_BYTES = 8 << 20
"""A page of a thousand batch objects has about one MiB."""

_BATCHES = re.compile(r"/v1/messages/batches(?:/[^/]+(?:/cancel)?)?")


class ResultsUrl(msgspec.Struct, frozen=True):
    """Replaces the route's origin in each `results_url` by `http://HOST`.

    The endpoint's own path goes too, where it follows: the sidecar puts it before every path.
    """

    route: Route

    host: bytes
    """What the caller used."""

    most_bytes: int = _HELD_BATCH_BYTES

    def rewritten(self, lines: HeaderLines, body: bytes) -> tuple[HeaderLines, bytes] | None:
        """A content-coded body is decoded for it and goes on without its coding; what can't be decoded, or
        unfolds to more than is held, stays as it is."""
        plain = decoded(body, first(lines, b"content-encoding"), self.most_bytes)
        if plain is None:
            return None
        origin, base = (_escapable(part) for part in (self.route.origin, self.route.base_path))
        pattern = rb'("results_url"\s*:\s*")' + origin + rb"(?:" + base + rb")?(?=\\?/)"
        changed, count = re.subn(pattern, lambda match: match.group(1) + b"http://" + self.host, plain)
        if not count:
            return None
        return [
            (name, b"%d" % len(changed) if name.lower() == b"content-length" else value)
            for name, value in lines
            if name.lower() != b"content-encoding"
        ], changed


def results_url(call: Call, route: Route, status: int) -> ResultsUrl | None:
    """What rewrites the response to a call, None where it is no batch object or list of them.

    Results themselves are none, and a caller that named no host has none to be given.
    """
    host = call.index.get(b"host")
    if status >= 300 or host is None or _BATCHES.fullmatch(call.facts.path) is None:
        return None
    return ResultsUrl(route, host)


def _escapable(text: str) -> bytes:
    """A pattern for text in JSON, where a slash may be escaped."""
    return re.escape(text.encode("ascii")).replace(b"/", rb"\\?/")
