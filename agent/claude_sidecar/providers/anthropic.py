"""The Claude API itself, and gateways that speak it.

Its facts and where they are from: docs/claude-api-notes.md.
"""

from collections.abc import Sequence

import msgspec

from claude_sidecar.policy.classify import cause_of_status
from claude_sidecar.policy.outcome import RetryHints
from claude_sidecar.policy.rate_limits import RateLimits
from claude_sidecar.policy.request_facts import Asked
from claude_sidecar.providers.provider import Failure, Framer, HeaderChanges, Outgoing
from claude_sidecar.providers.results_url import ResultsUrl, results_url
from claude_sidecar.providers.secret import ApiKey, Bearer, Secret
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.credential import CREDENTIAL_HEADERS, CredentialKind, kind_of_key
from claude_sidecar.wire.error_body import read_error
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines
from claude_sidecar.wire.rate_limit_headers import limit_hit, names_limits, parse_rate_limits
from claude_sidecar.wire.request_peek import places_of
from claude_sidecar.wire.retry_headers import read_retry_hints
from claude_sidecar.wire.splice import Edit
from claude_sidecar.wire.sse import EventFramer


class Rename(msgspec.Struct, frozen=True):
    """A route calls the model otherwise, or a substitution is named."""

    model: str

    def edits(self, members: Sequence[Member]) -> list[Edit]:
        """One for each `model` that the body gives."""
        name = msgspec.json.encode(self.model)
        return [Edit(place.start, place.end, name) for place in places_of(members, "model")]


_UNCHANGED = HeaderChanges()
_CREDENTIALS = frozenset(name.encode() for name in CREDENTIAL_HEADERS)
_OAUTH_BETA = b"oauth-2025-04-20"
_TOO_MANY = 429


class Anthropic:
    """Passes everything as it is, but for what a route with its own credential or names must change."""

    name = "anthropic"

    def secret(self, text: str) -> Secret:
        """By its form: OAuth tokens have a prefix of their own."""
        is_token = kind_of_key(text.encode("ascii")) is CredentialKind.OAUTH_TOKEN
        return Bearer(text) if is_token else ApiKey(text)

    def serves(self, asked: Asked) -> bool:
        """Its API is the one that apps speak."""
        return True

    def body_change(self, outgoing: Outgoing) -> Rename | None:
        """The model's name, where the route has another one."""
        model = outgoing.model
        return None if model is None or model == outgoing.body.model else Rename(model)

    def target(self, outgoing: Outgoing) -> str:
        """The caller's, behind the endpoint's own path."""
        return outgoing.route.base_path + outgoing.call.target

    def header_changes(self, outgoing: Outgoing) -> HeaderChanges:
        """A route's own credential takes the place of the caller's, and of the betas that go with a token."""
        secret = outgoing.secret
        if secret is None:
            return _UNCHANGED
        header, lines = _credential_lines(outgoing.call, secret)
        return HeaderChanges(_CREDENTIALS, _WITHOUT_OAUTH, lines, (header,))

    def response_lines(self, lines: HeaderLines) -> HeaderLines:
        """As they came."""
        return lines

    def framer(self, index: HeaderIndex) -> Framer | None:
        """Server-sent events, cut where they end."""
        is_stream = index.get(b"content-type", b"").lower().startswith(b"text/event-stream")
        return EventFramer() if is_stream else None

    def rewriting(self, call: Call, route: Route, status: int) -> ResultsUrl | None:
        """Batch objects tell where their results are."""
        return results_url(call, route, status)

    def failure(self, status: int, lines: HeaderLines, body: bytes) -> Failure:
        """By status; of a 429 the body may tell that no waiting cures it."""
        error = read_error(body)
        code, message = (error.code, error.message) if error is not None else (None, None)
        cause = cause_of_status(status, code, message)
        assert cause is not None  # every status from 400 on has one
        limit = limit_hit(lines, code, message) if status == _TOO_MANY else None
        return Failure(status, cause, error, limit)

    def retry_hints(self, status: int, lines: HeaderLines, unix_s: float) -> RetryHints:
        """`retry-after` and its finer forms, `x-should-retry`, a subscription's window that is used up."""
        return read_retry_hints(lines, status, unix_s)

    def names_limits(self, index: HeaderIndex) -> bool:
        """By its families of `anthropic-ratelimit-*` and the like."""
        return names_limits(index)

    def limits(self, lines: HeaderLines, unix_s: float) -> RateLimits:
        """The same families, read."""
        return parse_rate_limits(lines, unix_s)


def _credential_lines(call: Call, secret: Secret) -> tuple[str, HeaderLines]:
    """The header for a route's own credential and its lines: the header that the caller's SDK uses.

    Newer SDKs send API keys as a bearer, older ones as x-api-key; a token is always a bearer.
    """
    value = secret.value.encode("ascii")
    if isinstance(secret, Bearer):
        return "authorization", (
            (b"authorization", b"Bearer " + value),
            (b"anthropic-beta", _OAUTH_BETA),
        )
    if call.credentials and all(
        found.header == "authorization" and found.kind is not CredentialKind.OAUTH_TOKEN
        for found in call.credentials
    ):
        return "authorization", ((b"authorization", b"Bearer " + value),)
    return "x-api-key", ((b"x-api-key", value),)


def _without_oauth(value: bytes) -> bytes:
    """A beta line without OAuth betas; other lines keep their very bytes."""
    if b"oauth" not in value.lower():
        return value
    kept = [beta for beta in value.split(b",") if not beta.strip().lower().startswith(b"oauth")]
    return b",".join(kept).strip()


_WITHOUT_OAUTH = {b"anthropic-beta": _without_oauth}
