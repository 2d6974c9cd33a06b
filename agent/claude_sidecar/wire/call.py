"""The head of one call of the app, as it stands on the wire."""

import msgspec

from claude_sidecar.policy.request_facts import SdkHeaders
from claude_sidecar.wire.authority import Authority
from claude_sidecar.wire.credential import Credential
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines
from claude_sidecar.wire.request_peek import TargetFacts


class Call(msgspec.Struct, frozen=True):
    """target: path and query in origin-form; authority: the host the caller means to speak to, None where
    HTTP/1.0 names none; lines: header lines as received; names: theirs in lower case; index: their first
    values, `host` the authority's; declared_bytes: the body's content-length, None when chunked; has_body:
    whether framing announces one."""

    method: str
    target: str
    authority: Authority | None
    lines: HeaderLines
    names: list[bytes]
    index: HeaderIndex
    facts: TargetFacts
    credentials: tuple[Credential, ...]
    sdk: SdkHeaders
    declared_bytes: int | None
    has_body: bool
    expects_continue: bool


UNREAD = Call(
    method="",
    target="",
    authority=None,
    lines=(),
    names=[],
    index={},
    facts=TargetFacts("", repeatable=False, one_account=False, operation=None, is_post=False),
    credentials=(),
    sdk=SdkHeaders(),
    declared_bytes=0,
    has_body=False,
    expects_continue=False,
)
"""A request of which nothing is known yet, or that can't be read."""
