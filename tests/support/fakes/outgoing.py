"""Requests and routes as values."""

from collections.abc import Sequence

from claude_sidecar.policy.request_facts import SdkHeaders
from claude_sidecar.providers.provider import Outgoing
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import CredentialRef, Route
from claude_sidecar.wire.authority import parse_authority
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.credential import find_credentials
from claude_sidecar.wire.headers import index_of, lowered_names
from claude_sidecar.wire.request_peek import BodyFacts, read_target

Lines = Sequence[tuple[bytes, bytes]]

OWN = CredentialRef("env", "KEY", ProviderName.ANTHROPIC)


def call_of(method: str = "POST", target: str = "/v1/messages", lines: Lines = ()) -> Call:
    """A request's head as it is read off the wire."""
    index = index_of(lines)
    host = index.get(b"host")
    return Call(
        method=method,
        target=target,
        authority=parse_authority(host) if host is not None else None,
        lines=lines,
        names=lowered_names(lines),
        index=index,
        facts=read_target(method, target),
        credentials=find_credentials(lines),
        sdk=SdkHeaders(),
        declared_bytes=None,
        has_body=True,
        expects_continue=False,
    )


def route_of(base_path: str = "", credential: CredentialRef | None = None) -> Route:
    """A route to `api.example.com`."""
    return Route(
        "first", "https", "api.example.com", 443, base_path, credential, None, ProviderName.ANTHROPIC
    )


def outgoing(
    lines: Lines = (),
    secret: Secret | None = None,
    *,
    target: str = "/v1/messages",
    base_path: str = "",
    asked: str | None = "claude-opus-4-8",
    model: str | None = "claude-opus-4-8",
) -> Outgoing:
    """asked: what the body names; model: what the route calls it."""
    route = route_of(base_path, OWN if secret is not None else None)
    return Outgoing(call_of(target=target, lines=lines), BodyFacts(model=asked), route, model, secret)
